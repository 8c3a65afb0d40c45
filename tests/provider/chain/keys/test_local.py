"""Known mnemonics give known addresses; signatures verify, are low-S, and are the same each time."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils

from manifests import bech32
from provider.chain.keys.local import Key, address_of, verify

ABANDON = "abandon " * 11 + "about"
ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
HALF = ORDER // 2


def test_the_mnemonic_everybody_knows() -> None:
    key = Key.from_mnemonic(ABANDON)
    assert bech32.encode("cosmos", bech32.decode(key.address)[1]) == "cosmos19rl4cm2hmr8afy4kldpxz3fka4jguq0auqdal4"
    assert key.address.startswith("akash1")
    assert len(key.public_key) == 33


def test_every_recorded_account_comes_from_its_mnemonic(genesis: dict[str, Any]) -> None:
    checked = 0
    for who in genesis["names"].values():
        if "index" in who:
            assert Key.from_mnemonic(genesis["mnemonic"], who["index"]).address == who["address"]
            checked += 1
    assert checked > 20


def test_a_signature_verifies_is_low_and_is_the_same_each_time() -> None:
    key = Key.from_mnemonic(ABANDON)
    public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256K1(), key.public_key)
    for n in range(40):
        data = b"tx %d" % n
        signature = key.sign(data)
        r, s = int.from_bytes(signature[:32]), int.from_bytes(signature[32:])
        assert len(signature) == 64
        assert s <= HALF
        assert key.sign(data) == signature
        public.verify(utils.encode_dss_signature(r, s), data, ec.ECDSA(hashes.SHA256()))


def test_hex_with_and_without_its_prefix_is_the_same_key() -> None:
    key = Key.from_hex("0x" + "11" * 32)
    assert Key.from_hex("11" * 32 + "\n").address == key.address


def test_what_the_chain_would_not_take_does_not_verify() -> None:
    key = Key.from_hex("11" * 32)
    good = key.sign(b"document")
    assert verify(key.public_key, b"document", good)
    r, s = good[:32], int.from_bytes(good[32:])
    bad = {
        "another document": (key.public_key, b"other", good),
        "another key": (Key.from_hex("22" * 32).public_key, b"document", good),
        "no key at all": (b"\x02" + bytes(32), b"document", good),
        "the upper half": (key.public_key, b"document", r + (ORDER - s).to_bytes(32)),
        "too short": (key.public_key, b"document", good[:-1]),
        "zeros": (key.public_key, b"document", bytes(64)),
    }
    assert [name for name, given in bad.items() if verify(*given)] == []


async def test_every_kind_of_key_is_asked_in_the_same_way() -> None:
    key = Key.from_bytes(b"\x11" * 32)
    assert await key.signature(b"document") == key.sign(b"document")


def test_neither_repr_nor_errors_show_the_secret() -> None:
    key = Key.from_hex("11" * 32)
    assert repr(key) == f"Key({key.address})"
    with pytest.raises(ValueError) as caught:
        Key.from_hex("secretsecret")
    assert "secretsecret" not in str(caught.value)


def test_address_of_a_public_key() -> None:
    key = Key.from_mnemonic(ABANDON)
    assert address_of(key.public_key) == key.address


def test_a_secret_of_another_length_is_none() -> None:
    with pytest.raises(ValueError, match="31 bytes"):
        Key.from_bytes(bytes(31))
