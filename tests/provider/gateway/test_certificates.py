"""Which certificate is served to whom, and how a new one takes over."""

from __future__ import annotations

import asyncio
import datetime as dt
import ssl

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from provider.errors import ConfigError
from provider.gateway.app import application
from provider.gateway.certificates import ServerCertificates, Source, load
from provider.gateway.server import Limits, serve
from provider.gateway.tls import PeerContext

HOST = "provider.example.com"
PATIENT = Limits(handshake_s=3600, head_s=3600)


def write(path, pair, *, password: bytes | None = None) -> Source:
    how = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    key = pair.key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, how)
    path.write_bytes(pair.pem + key)
    return Source(path, password=password)


async def served(port: int, name: str | None) -> int:
    """The serial of the certificate a client gets that asks for `name`."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname=name or "")
    der = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    writer.close()
    await writer.wait_closed()
    return x509.load_der_x509_certificate(der).serial_number


async def test_names_lead_to_certificates_and_a_renewed_one_is_served_without_a_restart(
    desk, pair_of, tmp_path
) -> None:
    own, public = pair_of(desk.provider, serial=1, names=(HOST,)), pair_of(HOST, serial=2, names=(HOST,))
    source = write(tmp_path / "own.pem", own)
    certificates = ServerCertificates(source, public=(HOST, write(tmp_path / "public.pem", public)))
    async with serve(application(desk), PeerContext(certificates.choose), "127.0.0.1:0", PATIENT) as serving:
        assert [await served(serving.port, n) for n in (HOST, f"mtls.{HOST}", None)] == [2, 1, 1]
        assert certificates.reload() is False
        write(tmp_path / "own.pem", pair_of(desk.provider, serial=3, names=(HOST,)))
        write(tmp_path / "public.pem", pair_of(HOST, serial=4, names=(HOST,)))
        assert certificates.reload() is True
        assert [await served(serving.port, n) for n in (HOST, f"mtls.{HOST}", None)] == [4, 3, 3]
        assert certificates.own.serial_number == 3
        assert certificates.public.serial_number == 4


def test_an_expired_public_certificate_is_not_served(desk, pair_of, tmp_path) -> None:
    own = write(tmp_path / "own.pem", pair_of(desk.provider))
    public = write(tmp_path / "public.pem", pair_of(HOST, days=(-1, 1)))
    now = dt.datetime.now(dt.UTC)
    clock = [now]
    certificates = ServerCertificates(own, public=(HOST, public), now=lambda: clock[0])
    assert certificates.choose(HOST) is certificates.choose(f"{HOST}.") is certificates.choose(HOST.upper())
    assert certificates.choose(HOST) is not certificates.choose(None)
    clock[0] = now + dt.timedelta(days=2)
    assert certificates.choose(HOST) is certificates.choose(None)


def test_the_public_certificate_may_come_later(desk, pair_of, tmp_path) -> None:
    source = Source(tmp_path / "public.pem")
    certificates = ServerCertificates(write(tmp_path / "own.pem", pair_of(desk.provider)), public=(HOST, source))
    assert certificates.public is None
    write(tmp_path / "public.pem", pair_of(HOST, serial=9))
    assert certificates.reload() is True
    assert certificates.public.serial_number == 9


def test_a_half_written_file_leaves_the_old_one_in_service(desk, pair_of, tmp_path) -> None:
    path = tmp_path / "own.pem"
    certificates = ServerCertificates(write(path, pair_of(desk.provider, serial=1)))
    whole = write(path, pair_of(desk.provider, serial=2)) and path.read_bytes()
    path.write_bytes(whole[:300])
    assert certificates.reload() is False
    assert certificates.own.serial_number == 1
    path.write_bytes(whole)
    assert certificates.reload() is True


def test_a_password_opens_the_key_of_an_operator_who_moves_over(desk, pair_of, tmp_path) -> None:
    pair = pair_of(desk.provider)
    source = write(tmp_path / "own.pem", pair, password=bytes(range(64)))
    assert load(source).chain == (pair.certificate,)
    with pytest.raises(ConfigError, match=r"own\.pem"):
        load(Source(source.certificate, password=b"wrong"))


@pytest.mark.parametrize("broken", ["absent", "no key", "no certificate", "another's key"])
def test_what_cannot_be_served_is_said_with_its_file(desk, pair_of, tmp_path, broken) -> None:
    pair, path = pair_of(desk.provider), tmp_path / "own.pem"
    {
        "absent": lambda: None,
        "no key": lambda: path.write_bytes(pair.pem),
        "no certificate": lambda: path.write_bytes(pair.key_pem),
        "another's key": lambda: path.write_bytes(pair.pem + pair_of(desk.provider).key_pem),
    }[broken]()
    with pytest.raises(ConfigError, match=r"own\.pem"):
        ServerCertificates(Source(path))


@pytest.mark.looptime
async def test_keep_fresh_looks_again_and_again(desk, pair_of, tmp_path) -> None:
    path = tmp_path / "own.pem"
    certificates = ServerCertificates(write(path, pair_of(desk.provider, serial=1)))
    async with asyncio.TaskGroup() as group:
        task = group.create_task(certificates.keep_fresh(60))
        await asyncio.sleep(61)
        write(path, pair_of(desk.provider, serial=2))
        await asyncio.sleep(60)
        assert certificates.own.serial_number == 2
        task.cancel()
