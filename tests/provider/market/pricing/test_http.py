"""A pricing service over real sockets: what it is asked, what it may answer, and what happens when it does not."""

from __future__ import annotations

import asyncio
import ipaddress
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from bidengine.placement import Placement, Slot
from bidengine.quote import Quote
from bidengine.reasons import Decline
from bidengine.views import Order
from manifests.coins import shown
from manifests.gpus import GpuModel
from provider.errors import ConfigError
from provider.market.pricing import Pricing
from provider.market.pricing.asked import Asked
from provider.market.pricing.http import MOST_REPLY_BYTES, Http
from provider.metrics import Metrics
from provider.pricer_settings import HttpSettings

PLACEMENT = Placement((Slot(1, "n1", None, GpuModel("nvidia", "h100", "80Gi", "sxm")),))  # type: ignore[arg-type]


@dataclass
class Service:
    """Somebody's pricing service; `answer` is a reply or a function of the request."""

    answer: Any = '{"price": "5"}'
    url: str = ""
    seen: list[Any] = field(default_factory=list)
    tokens: list[str | None] = field(default_factory=list)
    callers: set[Any] = field(default_factory=set)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.seen.append(await request.json())
        self.tokens.append(request.headers.get("authorization"))
        self.callers.add(request.transport.get_extra_info("peername") if request.transport else None)
        if callable(self.answer):
            found: web.StreamResponse = await self.answer(request)
            return found
        return web.Response(text=self.answer)


Start = Callable[..., Awaitable[Service]]


@pytest.fixture
async def service() -> AsyncIterator[Start]:
    runners = []

    async def start(answer: Any = '{"price": "5"}', tls: ssl.SSLContext | None = None) -> Service:
        made = Service(answer)
        app = web.Application()
        app.router.add_post("/price", made.handle)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        runners.append(runner)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
        made.url = f"http{'s' if tls else ''}://127.0.0.1:{runner.addresses[0][1]}/price"
        return made

    yield start
    for runner in runners:
        await runner.cleanup()


@pytest.fixture
def ask(order: Order, metrics: Metrics) -> Callable[..., Any]:
    async def quote(url: str, times: int = 1, **settings: Any) -> Quote | Decline:
        """The last of so many answers; each order asks anew."""
        async with Http.connect(HttpSettings(url=url, **{"timeout_s": 60.0, **settings})) as http:
            for _ in range(times):
                found = await Pricing(Asked(http, at_once=1), metrics).quote(order, PLACEMENT)
        return found

    return quote


async def test_its_answer_is_the_price(service: Start, ask: Any) -> None:
    asked = await service('{"price": "12.34", "denom": "uact"}')
    found = await ask(asked.url)
    assert isinstance(found, Quote)
    assert (shown(found.per_block.amount_e18), found.strategy) == ("12.34", "http")
    (seen,) = asked.seen
    assert seen["resources"][0]["cpu"] == 100
    assert seen["order"]["owner"] == "akash1tenant"
    card = {"vendor": "nvidia", "model": "h100", "ram": "80Gi", "interface": "sxm"}
    assert seen["placement"] == [{"resource_id": 1, "node": "n1", "replicas": 1, "gpu": card}]


async def test_its_no_is_a_decline_and_no_error(service: Start, ask: Any, metrics: Metrics) -> None:
    found = await ask((await service('{"decline": "we keep these for friends"}')).url)
    assert isinstance(found, Decline)
    assert (found.reason, found.final) == ("skip.price.pricer_declined", False)
    assert "we keep these for friends" in found.detail
    assert "akp_pricing_errors_total{" not in metrics.text().decode()


async def test_connections_are_used_again(service: Start, ask: Any) -> None:
    asked = await service()
    await ask(asked.url, times=5)
    assert len(asked.seen) == 5
    assert len(asked.callers) < 5, "one, unless it stands still for longer than an idle connection is kept"


async def _hang(request: web.Request) -> web.StreamResponse:
    await asyncio.sleep(600)
    return web.Response()


async def _drip(request: web.Request) -> web.StreamResponse:
    """A byte now and then: no single step takes long."""
    response = web.StreamResponse()
    await response.prepare(request)
    for _ in range(6000):
        await response.write(b" ")
        await asyncio.sleep(0.1)
    return response


async def _broken(request: web.Request) -> web.StreamResponse:
    return web.Response(status=500, text="Traceback")


async def _elsewhere(request: web.Request) -> web.StreamResponse:
    raise web.HTTPTemporaryRedirect("/price?again")


async def _cut(request: web.Request) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


BAD: dict[str, tuple[Any, str, str, dict[str, Any]]] = {
    "hangs": (_hang, "timeout", "no answer within 0.4 s", {"timeout_s": 0.4}),
    "drips": (_drip, "timeout", "no answer within 0.4 s", {"timeout_s": 0.4}),
    "is broken": (_broken, "status", "status 500", {}),
    "sends elsewhere": (_elsewhere, "status", "status 307", {}),
    "hangs up": (_cut, "unreachable", "cannot be reached", {}),
    "answers rubbish": ("<html>sorry</html>", "answer", "not JSON: <html>sorry</html>", {}),
    "answers too much": ("x" * (MOST_REPLY_BYTES + 1), "output", "more than", {}),
    "answers zero": ('{"price": "0"}', "answer", "more than zero", {}),
    "answers a float": ('{"price": 1.5}', "answer", "in quotes", {}),
    "answers in other money": ('{"price": "5", "denom": "uakt"}', "answer", "pays in uact", {}),
}


@pytest.mark.parametrize("name", BAD)
async def test_a_service_that_goes_wrong_is_a_decline_with_the_reason(
    name: str, service: Start, ask: Any, metrics: Metrics
) -> None:
    answer, kind, says, settings = BAD[name]
    asked = await service(answer)
    found = await ask(asked.url, **settings)
    assert isinstance(found, Decline)
    assert (found.reason, found.final) == ("skip.price.pricer_failed", False)
    assert asked.url in found.detail
    assert says in found.detail
    assert len(asked.seen) <= 1, "no second try"
    assert f'akp_pricing_errors_total{{kind="{kind}",strategy="http"}} 1.0' in metrics.text().decode()


async def test_nobody_there_is_a_decline_and_the_next_answer_counts(
    service: Start, order: Order, metrics: Metrics
) -> None:
    asked = await service(_broken)
    async with Http.connect(HttpSettings(url=asked.url, timeout_s=60)) as http:
        pricing = Pricing(Asked(http, at_once=1), metrics)
        assert isinstance(await pricing.quote(order, PLACEMENT), Decline)
        asked.answer = '{"price": "5"}'
        assert isinstance(await pricing.quote(order, PLACEMENT), Quote)


async def test_a_closed_port_is_a_decline_that_tells_no_secret(ask: Any) -> None:
    found = await ask("http://me:hush@127.0.0.1:1/price?key=hush")
    assert isinstance(found, Decline)
    assert "http://127.0.0.1:1/price cannot be reached" in found.detail
    assert "hush" not in found.detail


async def test_the_token_is_shown_and_changed_with_its_file(service: Start, order: Order, tmp_path: Path) -> None:
    asked, file = await service(), tmp_path / "token"
    file.write_text("first\n")
    async with Http.connect(HttpSettings(url=asked.url, token_file=file, timeout_s=60)) as http:
        said = []
        for change in (None, "second-token\n", "two\nlines\n", None):
            if change:
                file.write_text(change)
            said.append(http.look())
            await http.ask(order, b"{}")
        file.unlink()
        said.append(http.look())
        await http.ask(order, b"{}")
    assert said == [False, True, False, False, False]
    assert asked.tokens == ["Bearer first"] + ["Bearer second-token"] * 4, "a bad file leaves the last in use"


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"url": ""}, r"bid\.http\.url: is not set"),
        ({"url": "http://[::1/"}, r"bid\.http\.url: is no address"),
        ({"token_file": "none"}, r"bid\.http\.token_file: .*No such file"),
        ({"token_file": "blank"}, r"bid\.http\.token_file: .*holds no token"),
        ({"ca_file": "none"}, r"bid\.http\.ca_file: .*No such file"),
        ({"ca_file": "blank"}, r"bid\.http\.ca_file: .*PEM"),
    ],
    ids=["no address", "not an address", "no token file", "empty token", "no authorities", "empty authorities"],
)
async def test_what_cannot_work_is_told_at_the_start(settings: dict[str, str], says: str, tmp_path: Path) -> None:
    (tmp_path / "blank").write_text("\n")
    paths = {key: value if key == "url" else str(tmp_path / value) for key, value in settings.items()}
    with pytest.raises(ConfigError, match=says):
        async with Http.connect(HttpSettings(**{"url": "http://x.test/", **paths})):
            pass


async def test_a_certificate_must_be_trusted(service: Start, ask: Any, tmp_path: Path) -> None:
    pem = tmp_path / "service.pem"
    pem.write_bytes(_self_signed())
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(pem)
    asked = await service(tls=tls)
    found = await ask(asked.url)
    assert isinstance(found, Decline)
    assert "CERTIFICATE_VERIFY_FAILED" in found.detail
    assert not asked.seen
    assert isinstance(await ask(asked.url, ca_file=pem), Quote)


def _self_signed() -> bytes:
    key, name, now = ec.generate_private_key(ec.SECP256R1()), _name("pricing"), datetime.now(UTC)
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    certificate = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
        .not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
        .add_extension(address, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return private + certificate.public_bytes(serialization.Encoding.PEM)


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])
