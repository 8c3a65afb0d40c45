"""`examine`, `confirm` and the memory, without sockets; over real TLS they are in test_app.py."""

from __future__ import annotations

import asyncio
import datetime as dt

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from manifests import bech32
from provider.gateway.identity import Identities, Subject, Unidentified, confirm, examine, is_account

NOW = dt.datetime.now(dt.UTC)


def test_examine_names_what_to_look_up(tenant, pair_of) -> None:
    pair = pair_of(tenant.address, serial=1795169282000000)
    assert examine(pair.certificate, NOW) == Subject(tenant.address, 1795169282000000)


def test_a_certificate_made_to_confuse_is_a_refusal_not_an_error(tenant, pair_of) -> None:
    """The same extension twice: x509 raises something that is no ValueError."""
    good = pair_of(tenant.address).certificate.public_bytes(Encoding.DER)
    usage, constraints = bytes.fromhex("0603551d0f"), bytes.fromhex("0603551d13")
    assert good.count(constraints) == 1
    broken = x509.load_der_x509_certificate(good.replace(constraints, usage))
    with pytest.raises(Unidentified, match="cannot be read"):
        examine(broken, NOW)


def test_validity_ends_are_inclusive(tenant, pair_of) -> None:
    certificate = pair_of(tenant.address, days=(-1, 1)).certificate
    second = dt.timedelta(seconds=1)
    examine(certificate, certificate.not_valid_before_utc)
    examine(certificate, certificate.not_valid_after_utc)
    with pytest.raises(Unidentified, match="not valid before"):
        examine(certificate, certificate.not_valid_before_utc - second)
    with pytest.raises(Unidentified, match="expired at"):
        examine(certificate, certificate.not_valid_after_utc + second)


def test_a_server_certificate_that_is_also_for_clients_is_good(tenant, pair_of) -> None:
    examine(pair_of(tenant.address, names=("a.example.com",)).certificate, NOW)


def test_confirm_by_key_wants_the_same_key_and_its_signature(tenant, pair_of) -> None:
    mine, other = pair_of(tenant.address), pair_of(tenant.address)
    confirm(mine.certificate, mine.public_pem)
    confirm(mine.certificate, mine.pem)
    confirm(mine.certificate, mine.pem.replace(b"\n", b"\r\n"))  # as the TypeScript tools write it
    with pytest.raises(Unidentified, match="key is not the one on chain"):
        confirm(mine.certificate, other.public_pem)
    with pytest.raises(Unidentified, match="not the one on chain"):
        confirm(mine.certificate, other.pem)


def test_a_second_certificate_of_the_same_key_is_not_the_published_one(tenant, pair_of) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    published, prolonged = pair_of(tenant.address, key=key), pair_of(tenant.address, key=key, days=(-1, 9999))
    with pytest.raises(Unidentified):
        confirm(prolonged.certificate, published.pem)


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        (bech32.encode("akash", bytes(20)), True),
        (bech32.encode("akash", bytes(32)), True),
        (bech32.encode("akash", bytes(19)), False),
        (bech32.encode("cosmos", bytes(20)), False),
        (bech32.encode("akash", bytes(20)).upper(), False),
        (bech32.encode("akash", bytes(20))[:-1], False),
        ("", False),
        ("akash1", False),
    ],
)
def test_what_an_account_is(text, is_one) -> None:
    assert is_account(text) is is_one


class Connection:
    def __init__(self, *shown) -> None:
        self.shown = shown

    def peer_certificates(self):
        return self.shown


async def test_a_connection_is_asked_about_once_within_the_memory(tenant, pair_of) -> None:
    pair, clock, asked = pair_of(tenant.address), [0.0], []

    async def lookup(owner, serial):
        asked.append((owner, serial))
        return pair.pem

    who = Identities(lookup, ttl_s=60, monotonic_s=lambda: clock[0])
    first, second = Connection(pair.certificate), Connection(pair.certificate)
    for at, connection, lookups in [(0, first, 1), (59, first, 1), (59, second, 2), (60, first, 3), (61, first, 3)]:
        clock[0] = at
        assert await who.owner(connection) == tenant.address
        assert len(asked) == lookups
    assert await who.owner(Connection()) is None


@pytest.mark.looptime
async def test_a_slow_chain_is_a_timeout(tenant, pair_of) -> None:
    async def lookup(owner, serial):
        await asyncio.sleep(3600)

    with pytest.raises(TimeoutError):
        await Identities(lookup, patience_s=10).owner(Connection(pair_of(tenant.address).certificate))


async def test_rubbish_on_chain_is_a_refusal(tenant, pair_of) -> None:
    async def lookup(owner, serial):
        return b"rubbish"

    with pytest.raises(Unidentified, match="on chain cannot be read"):
        await Identities(lookup).owner(Connection(pair_of(tenant.address).certificate))
