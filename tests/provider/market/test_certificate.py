"""The gateway's certificate is made once, published once, and never overwritten."""

from __future__ import annotations

import datetime as dt
import stat
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509

from provider.chain.keys import Key
from provider.chain.messages import CreateCertificate, Msg
from provider.errors import ConfigError, TxRefused
from provider.market.certificate import ensure

OWNER = Key.from_hex("11" * 32).address


class Registry:
    """Certificates on chain."""

    def __init__(self) -> None:
        self.listed: dict[int, CreateCertificate] = {}
        self.refuse = False
        self.now = dt.datetime.now(dt.UTC)

    async def published(self, owner: str, serial: int) -> Any:
        return self.listed.get(serial)

    async def send(self, msg: Msg) -> str:
        assert isinstance(msg, CreateCertificate)
        if self.refuse:
            raise TxRefused("cert", 3, "certificate exists")
        self.listed[x509.load_pem_x509_certificate(msg.cert_pem).serial_number] = msg
        return "HASH"

    async def ensure(self, data: Path, given: Path | None = None, owner: str = OWNER) -> Path:
        return await ensure(given, data, owner, ("provider.test",), self.published, self.send, self.now)


async def test_it_is_made_and_published_once(tmp_path: Path) -> None:
    chain = Registry()
    path = await chain.ensure(tmp_path)
    text = path.read_bytes()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    cert = x509.load_pem_x509_certificate(text)
    assert list(chain.listed) == [cert.serial_number]
    assert await chain.ensure(tmp_path) == path
    assert path.read_bytes() == text
    assert len(chain.listed) == 1


async def test_one_that_is_about_to_expire_is_put_aside_for_a_new_one(tmp_path: Path) -> None:
    chain = Registry()
    path = await chain.ensure(tmp_path)
    first = path.read_bytes()
    chain.now += dt.timedelta(days=340)
    assert await chain.ensure(tmp_path) == path
    assert path.read_bytes() != first
    assert len(chain.listed) == 2
    assert path.with_name(f"{OWNER}.{min(chain.listed)}.pem").read_bytes() == first


async def test_a_file_the_operator_gives_is_used_and_published(tmp_path: Path) -> None:
    made = await Registry().ensure(tmp_path / "a")
    chain = Registry()
    assert await chain.ensure(tmp_path / "b", given=made) == made
    assert len(chain.listed) == 1
    assert not (tmp_path / "b").exists()


async def test_a_chain_that_refuses_does_not_stop_the_gateway(tmp_path: Path) -> None:
    chain = Registry()
    chain.refuse = True
    assert (await chain.ensure(tmp_path)).exists()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (None, "cannot be read"),
        (b"hello", "not a PEM"),
        (b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "not a PEM"),
    ],
    ids=["missing", "garbage", "broken"],
)
async def test_a_file_that_cannot_serve_is_named(tmp_path: Path, text: bytes | None, why: str) -> None:
    given = tmp_path / "given.pem"
    if text is not None:
        given.write_bytes(text)
    with pytest.raises(ConfigError, match=rf"given\.pem: .*{why}"):
        await Registry().ensure(tmp_path, given=given)


async def test_somebody_elses_certificate_is_refused(tmp_path: Path) -> None:
    other = Key.from_hex("22" * 32).address
    given = await Registry().ensure(tmp_path, owner=other)
    with pytest.raises(ConfigError, match=r"the certificate is for .*the key in use is"):
        await Registry().ensure(tmp_path, given=given)
