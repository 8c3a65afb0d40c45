"""A signer over HTTP: what it must answer, and what becomes of each way in which it does not."""

from __future__ import annotations

import base64
import datetime as dt
import ipaddress
import ssl
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from provider.chain.keys import Key
from provider.chain.keys.remote import RemoteKey
from provider.errors import AkpError, ConfigError, Fatal, Refused, Unreachable
from provider.settings import KeySettings

KEY, OTHER = Key.from_hex("11" * 32), Key.from_hex("22" * 32)
TOKEN = "s3cret-token"


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


class SignerService:
    """What docs/keys.md asks for, in thirty lines; `answers[path]` is what it says instead."""

    def __init__(self) -> None:
        self.key, self.answers = KEY, dict[str, web.Response]()
        self.documents: list[bytes] = []
        self.url = ""

    async def handle(self, request: web.Request) -> web.Response:
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return web.json_response({"error": "who are you"}, status=401)
        if request.path in self.answers:
            return self.answers.pop(request.path)
        if request.path == "/v1/key":
            return web.json_response({"address": self.key.address, "public_key": b64(self.key.public_key)})
        asked = await request.json()
        assert asked["address"] == KEY.address
        self.documents.append(base64.b64decode(asked["document"]))
        return web.json_response({"signature": b64(self.key.sign(self.documents[-1]))})


@pytest.fixture
async def serve() -> AsyncIterator[Callable[..., Any]]:
    runners = []

    async def start(tls: ssl.SSLContext | None = None) -> SignerService:
        service = SignerService()
        app = web.Application()
        app.router.add_route("*", "/v1/{what}", service.handle)
        runner = web.AppRunner(app)
        runners.append(runner)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
        scheme = "https" if tls else "http"
        service.url = f"{scheme}://127.0.0.1:{runner.addresses[0][1]}"
        return service

    yield start
    for runner in runners:
        await runner.cleanup()


@pytest.fixture
def to(tmp_path: Path) -> Callable[..., KeySettings]:
    (tmp_path / "token").write_text(f"{TOKEN}\n")

    def settings(url: str, **more: Any) -> KeySettings:
        return KeySettings(
            **{"remote_url": url, "remote_token_file": tmp_path / "token", "remote_timeout_s": 60, **more}
        )

    return settings


async def test_it_signs_what_it_can_read(serve: Any, to: Any) -> None:
    service = await serve()
    key = await RemoteKey.connect(to(service.url + "/"))
    assert (key.address, key.public_key) == (KEY.address, KEY.public_key)
    assert await key.signature(b"a document") == KEY.sign(b"a document")
    assert service.documents == [b"a document"], "the whole document, not its hash"
    assert TOKEN not in repr(key)


async def test_over_tls_its_certificate_must_be_trusted(serve: Any, to: Any, tmp_path: Path) -> None:
    tls, authority = certified(tmp_path)
    service = await serve(tls)
    key = await RemoteKey.connect(to(service.url, remote_ca_file=authority))
    assert await key.signature(b"x") == KEY.sign(b"x")
    with pytest.raises(Unreachable, match=r"certificate verify failed|CERTIFICATE_VERIFY_FAILED"):
        await RemoteKey.connect(to(service.url))


@pytest.mark.parametrize(
    ("how", "why"),
    [
        ({"url": "http://signer.example.com:9443"}, "without TLS"),
        ({"url": "https://me:secret@signer:9443"}, "holds a password"),
        ({"url": "signer:9443"}, "not an address"),
        ({"remote_token_file": Path("missing")}, "No such file"),
        ({"remote_ca_file": Path("missing")}, "no certificates"),
    ],
    ids=["plain", "password", "no scheme", "no token", "no authority"],
)
async def test_settings_that_cannot_work_are_told_at_once(serve: Any, to: Any, how: Any, why: str) -> None:
    service = await serve()
    with pytest.raises(ConfigError, match=why) as caught:
        await RemoteKey.connect(to(**{"url": service.url, **how}))
    assert "secret" not in str(caught.value)


ANSWERS: dict[str, tuple[str, Any, type[AkpError], str]] = {
    "another key's address": (
        "/v1/key", {"address": OTHER.address, "public_key": b64(KEY.public_key)}, ConfigError, "is not that of",
    ),
    "no key": ("/v1/key", {"address": KEY.address}, ConfigError, "cannot be read"),
    "a list": ("/v1/key", [], ConfigError, "cannot be read"),
    "not there": ("/v1/key", 404, ConfigError, "HTTP 404"),
    "starting": ("/v1/key", 503, Unreachable, "HTTP 503"),
    "no longer our token": ("/v1/sign", 401, Unreachable, "does not accept the token"),
    "busy": ("/v1/sign", 429, Unreachable, "HTTP 429"),
    "will not": ("/v1/sign", 403, Refused, "refuses to sign this: HTTP 403: not this message"),
    "no signature": ("/v1/sign", {}, Unreachable, "no signature that can be read"),
    "signed by another key": ("/v1/sign", {"signature": b64(OTHER.sign(b"x"))}, Fatal, "is not one of"),
    "signed something else": ("/v1/sign", {"signature": b64(KEY.sign(b"y"))}, Fatal, "nothing was sent"),
}  # fmt: skip


@pytest.mark.parametrize("case", ANSWERS.values(), ids=ANSWERS)
async def test_what_it_answers_is_not_taken_on_trust(serve: Any, to: Any, case: Any) -> None:
    path, answer, kind, why = case
    service = await serve()
    said = {"error": "not this message"}
    made = web.json_response(said, status=answer) if isinstance(answer, int) else web.json_response(answer)

    async def ask() -> None:
        if path == "/v1/key":
            service.answers[path] = made
        key = await RemoteKey.connect(to(service.url))
        service.answers[path] = made
        await key.signature(b"x")

    with pytest.raises(kind, match=why) as caught:
        await ask()
    assert TOKEN not in str(caught.value)


async def test_a_wrong_token_is_told_at_the_start(serve: Any, to: Any, tmp_path: Path) -> None:
    service = await serve()
    (tmp_path / "token").write_text("another")
    with pytest.raises(ConfigError, match="does not accept the token") as caught:
        await RemoteKey.connect(to(service.url))
    assert "another" not in str(caught.value)


async def test_one_that_is_away_may_come_back(to: Any) -> None:
    with pytest.raises(Unreachable, match=r"key\.remote_url \(http://127\.0\.0\.1:1\)"):
        await RemoteKey.connect(to("http://127.0.0.1:1"))


def certified(where: Path) -> tuple[ssl.SSLContext, Path]:
    """A server's context with a certificate of its own for 127.0.0.1, and the file to trust it by."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "signer")])
    now = dt.datetime.now(dt.UTC)
    san = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(7).not_valid_before(now - dt.timedelta(hours=1)).not_valid_after(now + dt.timedelta(hours=1))
        .add_extension(san, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True).sign(key, hashes.SHA256())
    )  # fmt: skip
    (where / "signer.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (where / "signer.key").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(where / "signer.pem", where / "signer.key")
    return context, where / "signer.pem"
