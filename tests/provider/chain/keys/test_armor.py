"""Keys exported by the reference's own keyring code (cosmos-sdk 0.53), whose key is thirty-two ones."""

from __future__ import annotations

import builtins
from typing import Any

import pytest

from provider.chain.keys.armor import LibraryMissing, WrongPassphrase, looks_armored, opened

SECRET = b"\x01" * 32
PASSPHRASE = "correct horse"


@pytest.mark.parametrize("kdf", ["argon2", "bcrypt"])
def test_an_export_opens_with_its_passphrase_and_with_no_other(exported: dict[str, str], kdf: str) -> None:
    text = exported[kdf]
    assert opened(text, PASSPHRASE) == SECRET
    assert opened("as printed:\r\n" + text.replace("\n", "\r\n"), PASSPHRASE) == SECRET
    with pytest.raises(WrongPassphrase) as caught:
        opened(text, "battery staple")
    assert "battery" not in str(caught.value)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (("TENDERMINT PRIVATE KEY", "PGP MESSAGE"), "not a whole block"),
        (("-----END", "---END"), "not a whole block"),
        (("9fcx4ZD0", "9fcx4ZD1"), "checksum does not fit"),
        (("salt: 70", "salt: x0"), "salt or its body"),
        (("kdf: argon2", "kdf: scrypt"), "kdf 'scrypt' is unknown; known are argon2 and bcrypt"),
        (("type: secp256k1", "type: ed25519"), "a key of type 'ed25519'"),
    ],
    ids=["other block", "cut off", "a letter changed", "salt", "kdf", "type"],
)
def test_what_is_wrong_with_a_block_is_told(exported: dict[str, str], change: tuple[str, str], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        opened(exported["argon2"].replace(*change), PASSPHRASE)


def test_without_the_libraries_for_bcrypt_it_says_so(exported: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *args: Any, **kw: Any) -> Any:
        if name in ("bcrypt", "nacl"):
            raise ImportError(name)
        return real(name, *args, **kw)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(LibraryMissing, match="not installed"):
        opened(exported["bcrypt"], PASSPHRASE)
    assert opened(exported["argon2"], PASSPHRASE) == SECRET


def test_a_block_is_known_by_its_looks(exported: dict[str, str]) -> None:
    assert looks_armored(exported["argon2"])
    assert not looks_armored("abandon " * 12)
