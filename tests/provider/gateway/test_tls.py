"""PeerContext as clients see it: versions, names, ALPN, resumption, large bodies, reload."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import ssl

import pytest

from provider.gateway.tls import PeerContext, openssl_context

GET = b"GET /status HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


async def ask(gateway, context: ssl.SSLContext, name: str = "", session: ssl.SSLSession | None = None):
    """One request with a blocking client, as most clients are: (its ssl socket's facts, the answer)."""

    def blocking():
        with (
            socket.create_connection(("127.0.0.1", gateway.port), timeout=180) as plain,
            context.wrap_socket(plain, server_hostname=name or None, session=session) as tls,
        ):
            tls.sendall(GET)
            answer = b""
            while more := tls.recv(65536):
                answer += more
            return tls.session, tls.session_reused, tls.version(), tls.selected_alpn_protocol(), answer

    return await asyncio.to_thread(blocking)


async def test_tls_1_3_only(gateway) -> None:
    assert (await ask(gateway, gateway.client()))[2] == "TLSv1.3"
    old = gateway.client()
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    with pytest.raises(ssl.SSLError):
        await ask(gateway, old)


@pytest.mark.parametrize(
    ("offers", "agreed"), [([], None), (["h2", "http/1.1"], "http/1.1"), (["http/1.1"], "http/1.1"), (["h2"], None)]
)
async def test_alpn_is_http_1_1_or_nothing(gateway, offers, agreed) -> None:
    client = gateway.client()
    if offers:
        client.set_alpn_protocols(offers)
    *_, alpn, answer = await ask(gateway, client)
    assert alpn == agreed
    assert answer.startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("name", ["", "mtls.provider.example.com", "provider.example.com", "PROVIDER.example.com."])
async def test_every_name_is_answered(gateway, name) -> None:
    assert (await ask(gateway, gateway.client(), name))[-1].startswith(b"HTTP/1.1 200")


async def test_a_session_resumes_and_keeps_its_certificate(gateway, desk, tenant, pair_of) -> None:
    """Console's agent resumes; what it resumes must be as good as the first connection, and be looked up again."""
    client = gateway.client(desk.publish(pair_of(tenant.address)))
    session, reused, *_, answer = await ask(gateway, client)
    assert not reused
    assert answer.startswith(b"HTTP/1.1 200")
    desk.certificates.clear()  # revoked
    _, reused, *_, answer = await ask(gateway, client, session=session)
    assert reused
    assert answer.startswith(b"HTTP/1.1 401"), "the certificate was still there, and was looked up again"
    assert desk.lookups == 2


@pytest.mark.parametrize("size", [0, 1, 16_384, 16_385, 1_000_000, 4 << 20])
async def test_bodies_of_any_size_cross_in_both_directions(gateway, desk, tenant, size) -> None:
    body = (bytes(range(251)) * (size // 251 + 1))[:size]
    answer = await gateway.call("PUT", "/deployment/7/manifest", body=body, token=tenant.token())
    assert answer[::2] == (200, "")
    assert desk.manifests[tenant.address, 7] == body
    (lease,) = desk.leases
    desk.leases[lease] = {"services": {}, "errors": [body.hex()]}
    answer = await gateway.call("GET", "/lease/7/1/1/status", token=tenant.token())
    assert json.loads(answer[2])["errors"] == [body.hex()]


def test_a_certificate_without_its_key_fails_on_the_signature(pair_of, tenant, tmp_path) -> None:
    """Accepting every certificate must not mean accepting everybody: TLS 1.3's CertificateVerify is still checked."""
    victim, thief = pair_of(tenant.address), pair_of(tenant.address)
    server = pair_of("akash1server", names=("a.example.com",))
    context = PeerContext(lambda sni: openssl_context((server.certificate,), server.key))
    assert handshake(context, tmp_path, victim.pem + victim.key_pem).peer_certificates() == (victim.certificate,)
    with pytest.raises(ssl.SSLError, match="bad signature"):
        handshake(context, tmp_path, victim.pem + victim.stolen_by(thief))


def handshake(context: PeerContext, directory, pem: bytes):
    """Both sides in memory; returns the server's, raises what the server raises."""
    client = ssl.create_default_context()
    client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
    (directory / "client.pem").write_bytes(pem)
    client.load_cert_chain(directory / "client.pem")
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ours = context.wrap_bio(to_server, to_client, server_side=True)
    theirs = client.wrap_bio(to_client, to_server)
    for _ in range(3):
        for side in (theirs, ours):
            with contextlib.suppress(ssl.SSLWantReadError):
                side.do_handshake()
    return ours


def test_it_is_for_servers() -> None:
    context = PeerContext(lambda sni: openssl_context())
    with pytest.raises(ValueError, match="for servers"):
        context.wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), server_side=False)
