"""Known mnemonics give known addresses; signatures verify, are low-S, and are the same each time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils

from manifests import bech32
from provider.chain import keys
from provider.chain.keys import Key, load
from provider.errors import ConfigError
from provider.settings import KeySettings

ABANDON = "abandon " * 11 + "about"
HALF = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0


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


def test_hex_and_words_can_be_the_same_key(tmp_path: Path) -> None:
    key = Key.from_hex("0x" + "11" * 32)
    assert Key.from_hex("11" * 32 + "\n").address == key.address


@pytest.mark.parametrize(
    ("how", "says"),
    [
        ({}, "no key is set"),
        ({"mnemonic": ABANDON, "hex_file": "k"}, "both set"),
        ({"mnemonic": "one two three"}, "3 words"),
        ({"mnemonic_file": "missing"}, "No such file"),
        ({"hex_file": "short"}, "64 hex digits"),
        ({"hex_file": "zero"}, "not a private key"),
    ],
)
def test_a_key_that_cannot_be_loaded_names_setting_and_cure(how: dict[str, str], says: str, tmp_path: Path) -> None:
    (tmp_path / "short").write_text("abcd")
    (tmp_path / "zero").write_text("0" * 64)
    given = {k: v if k == "mnemonic" else tmp_path / v for k, v in how.items()}
    with pytest.raises(ConfigError, match=says) as caught:
        load(KeySettings(**given))
    assert caught.value.where.startswith("key")
    assert caught.value.cure


def test_a_key_from_a_file(tmp_path: Path) -> None:
    words = tmp_path / "words"
    words.write_text(f"\n {ABANDON} \n")
    assert load(KeySettings(mnemonic_file=words)).address == Key.from_mnemonic(ABANDON).address


def test_neither_repr_nor_errors_show_the_secret() -> None:
    key = Key.from_hex("11" * 32)
    assert repr(key) == f"Key({key.address})"
    with pytest.raises(ValueError) as caught:
        Key.from_hex("secretsecret")
    assert "secretsecret" not in str(caught.value)


def test_address_of_a_public_key() -> None:
    key = Key.from_mnemonic(ABANDON)
    assert keys.address_of(key.public_key) == key.address
