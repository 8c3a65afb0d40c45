"""The gateway's certificate is made once, published until the chain lists it, renewed in time, and never
overwritten."""

from __future__ import annotations

import asyncio
import datetime as dt
import stat
from pathlib import Path

import pytest
from cryptography import x509

from provider.chain.convert.records import Certificate as Listed
from provider.chain.keys import Key
from provider.chain.messages import CreateCertificate, Msg
from provider.errors import AkpError, ConfigError, TxRefused, Unreachable
from provider.market.standing.certificate import FIRST_WAIT_S, LOOK_AGAIN_S, Certificate, domains, make
from provider.tasks import spawn

OWNER = Key.from_hex("11" * 32).address


class Registry:
    """Certificates on chain. `trouble` is what sending ends with; `lost` loses what was sent, as a transaction that
    fails in its block is lost."""

    def __init__(self) -> None:
        self.listed: dict[int, Listed] = {}
        self.sent = 0
        self.trouble: AkpError | None = None
        self.lost = False
        self.now = dt.datetime.now(dt.UTC)

    async def published(self, owner: str, serial: int) -> Listed | None:
        assert owner == OWNER
        return self.listed.get(serial)

    async def send(self, msg: Msg) -> str:
        assert isinstance(msg, CreateCertificate)
        self.sent += 1
        if self.trouble is not None:
            raise self.trouble
        serial = x509.load_pem_x509_certificate(msg.cert_pem).serial_number
        if not self.lost:
            self.listed[serial] = Listed("valid", msg.cert_pem, msg.pubkey_pem, serial)
        return "HASH"

    def revoke(self, serial: int) -> None:
        found = self.listed[serial]
        self.listed[serial] = Listed("revoked", found.cert_pem, found.pubkey_pem, serial)

    def certificate(self, data: Path, given: Path | None = None, owner: str = OWNER) -> Certificate:
        return Certificate(given, data, owner, lambda: ("provider.test",), self.published, self.send, lambda: self.now)


def serial_of(path: Path) -> int:
    return x509.load_pem_x509_certificate(path.read_bytes()).serial_number


async def hours(number: float) -> None:
    await asyncio.sleep(number * 3600)


async def test_it_is_made_and_published_once(tmp_path: Path) -> None:
    chain = Registry()
    path = await chain.certificate(tmp_path).ensure()
    text = path.read_bytes()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(chain.listed) == [serial_of(path)]
    assert await chain.certificate(tmp_path).ensure() == path
    assert path.read_bytes() == text
    assert chain.sent == 1


@pytest.mark.looptime
async def test_one_that_is_about_to_expire_gives_way_once_the_new_one_is_listed(tmp_path: Path) -> None:
    chain = Registry()
    own = chain.certificate(tmp_path)
    path = await own.ensure()
    first, old = path.read_bytes(), serial_of(path)
    async with asyncio.TaskGroup() as tasks:
        keeping = spawn(tasks, "publish", own.run())
        await hours(24)
        assert (chain.sent, path.read_bytes()) == (1, first)
        chain.now += dt.timedelta(days=340)
        chain.lost = True
        await hours(24)
        assert chain.sent > 2, "a message that came to nothing is sent again"
        assert path.read_bytes() == first, "what the chain does not list is not served"
        chain.lost = False
        await hours(24)
        assert serial_of(path) != old
        assert serial_of(path) in chain.listed
        assert path.with_name(f"{OWNER}.{old}.pem").read_bytes() == first
        sent = chain.sent
        await hours(24)
        assert chain.sent == sent
        keeping.cancel()


async def test_one_that_has_expired_gives_way_at_once(tmp_path: Path) -> None:
    chain = Registry()
    old = serial_of(await chain.certificate(tmp_path).ensure())
    chain.now += dt.timedelta(days=400)
    assert serial_of(await chain.certificate(tmp_path).ensure()) != old
    assert len(chain.listed) == 2


@pytest.mark.looptime
async def test_what_failed_in_its_block_is_sent_again_ever_more_rarely(tmp_path: Path) -> None:
    chain = Registry()
    chain.lost = True
    own = chain.certificate(tmp_path)
    await own.ensure()
    async with asyncio.TaskGroup() as tasks:
        keeping = spawn(tasks, "publish", own.run())
        await asyncio.sleep(FIRST_WAIT_S + 1)
        assert chain.sent == 2
        await hours(24)
        assert chain.sent < 2 + 10 + 24 * 3600 / LOOK_AGAIN_S
        chain.lost = False
        await hours(12)
        assert list(chain.listed) == [serial_of(own.path)]
        keeping.cancel()


@pytest.mark.looptime
async def test_one_that_was_revoked_is_replaced(tmp_path: Path) -> None:
    chain = Registry()
    own = chain.certificate(tmp_path)
    old = serial_of(await own.ensure())
    chain.revoke(old)
    async with asyncio.TaskGroup() as tasks:
        keeping = spawn(tasks, "publish", own.run())
        await hours(12)
        keeping.cancel()
    assert serial_of(own.path) != old
    assert chain.listed[serial_of(own.path)].state == "valid"


async def test_killed_between_the_two_steps_the_new_one_is_found(tmp_path: Path) -> None:
    chain = Registry()
    path = await chain.certificate(tmp_path).ensure()
    text = path.read_bytes()
    path.rename(tmp_path / f"{OWNER}.next.pem")
    assert (await chain.certificate(tmp_path).ensure()).read_bytes() == text


async def test_a_file_the_operator_gives_is_used_published_and_never_changed(tmp_path: Path) -> None:
    made = await Registry().certificate(tmp_path / "a").ensure()
    text = made.read_bytes()
    chain = Registry()
    chain.now += dt.timedelta(days=340)
    assert await chain.certificate(tmp_path / "b", given=made).ensure() == made
    assert len(chain.listed) == 1
    assert not (tmp_path / "b").exists()
    assert (made.read_bytes(), [p.name for p in made.parent.iterdir()]) == (text, [made.name])


@pytest.mark.parametrize("trouble", [TxRefused("cert", 3, "certificate exists"), Unreachable("no node")])
@pytest.mark.looptime
async def test_a_chain_that_refuses_does_not_stop_the_gateway(tmp_path: Path, trouble: AkpError) -> None:
    chain = Registry()
    chain.trouble = trouble
    own = chain.certificate(tmp_path)
    assert (await own.ensure()).exists()
    async with asyncio.TaskGroup() as tasks:
        keeping = spawn(tasks, "publish", own.run())
        await hours(1)
        chain.trouble = None
        await hours(12)
        keeping.cancel()
    assert list(chain.listed) == [serial_of(own.path)]


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
        await Registry().certificate(tmp_path, given=given).ensure()


async def test_somebody_elses_certificate_is_refused(tmp_path: Path) -> None:
    given = tmp_path / "other.pem"
    make(given, Key.from_hex("22" * 32).address, ("provider.test",))
    with pytest.raises(ConfigError, match=r"the certificate is for .*the key in use is"):
        await Registry().certificate(tmp_path, given=given).ensure()


def test_the_names_it_is_for() -> None:
    assert domains("https://provider.test:8443", "public.test") == ["provider.test", "public.test"]
    assert domains("https://provider.test:8443", "provider.test") == ["provider.test"]
    assert domains("", "") == []
