"""The account's key: from words, from hex or from a file; its address; its signatures (chain.md §4.1).

The words' checksum is not verified: that needs BIP-39's list of 2,048 words, which we do not carry. Any 12, 15, 18, 21
or 24 words make *a* key, so a mistyped word shows only as an unexpected address. Compare the address that is printed
at start.
"""

from __future__ import annotations

import hashlib
import hmac
import unicodedata
from pathlib import Path

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils

from manifests import bech32
from provider.chain.ripemd160 import ripemd160
from provider.errors import ConfigError
from provider.settings import KeySettings

PREFIX = "akash"
_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
_HARD = 1 << 31
_LENGTHS = (12, 15, 18, 21, 24)


class Key:
    """A secp256k1 key. `address` is "akash1…", `public_key` the 33 compressed bytes. Its repr shows the address
    only."""

    __slots__ = ("_key", "address", "public_key")

    def __init__(self, secret: int) -> None:
        if not 0 < secret < _ORDER:
            raise ValueError("not a private key of secp256k1")
        self._key = ec.derive_private_key(secret, ec.SECP256K1())
        self.public_key = _public(secret)
        self.address = address_of(self.public_key)

    def __repr__(self) -> str:
        return f"Key({self.address})"

    @staticmethod
    def from_mnemonic(words: str, index: int = 0) -> Key:
        """The key at m/44'/118'/0'/0/`index`. ValueError unless there are 12, 15, 18, 21 or 24 words."""
        parts = unicodedata.normalize("NFKD", words).split()
        if len(parts) not in _LENGTHS:
            raise ValueError(f"{len(parts)} words; a mnemonic has 12, 15, 18, 21 or 24")
        seed = hashlib.pbkdf2_hmac("sha512", " ".join(parts).encode(), b"mnemonic", 2048)
        return Key(_derive(seed, (44 + _HARD, 118 + _HARD, _HARD, 0, index)))

    @staticmethod
    def from_hex(text: str) -> Key:
        """From 64 hex digits, with or without 0x; ValueError otherwise. The text is not repeated in the error: it is a
        secret."""
        digits = text.strip().removeprefix("0x")
        if len(digits) != 64 or not all(c in "0123456789abcdefABCDEF" for c in digits):
            raise ValueError("not 64 hex digits")
        return Key(int(digits, 16))

    def sign(self, data: bytes) -> bytes:
        """64 bytes r‖s over SHA-256 of `data`: the RFC 6979 nonce, s in the lower half as the chain demands."""
        der = self._key.sign(data, ec.ECDSA(hashes.SHA256(), deterministic_signing=True))
        r, s = utils.decode_dss_signature(der)
        return r.to_bytes(32) + min(s, _ORDER - s).to_bytes(32)


def address_of(public_key: bytes) -> str:
    """The "akash1…" of 33 compressed bytes."""
    return bech32.encode(PREFIX, ripemd160(hashlib.sha256(public_key).digest()))


def load(settings: KeySettings) -> Key:
    """The one key that the settings name; ConfigError says which setting is missing, doubled or wrong."""
    given = [name for name in ("mnemonic_file", "hex_file", "mnemonic") if getattr(settings, name)]
    if not given:
        raise ConfigError(
            "key", "no key is set", "Set key.mnemonic_file (12-24 words) or key.hex_file (64 hex digits)."
        )
    if len(given) > 1:
        raise ConfigError("key", f"{' and '.join(given)} are both set", "Keep one: two sources may name two accounts.")
    name = given[0]
    source = getattr(settings, name)
    text = _read(f"key.{name}", source) if isinstance(source, Path) else str(source)
    where = f"key.{name}" if name == "mnemonic" else f"key.{name} ({source})"
    try:
        return Key.from_hex(text) if name == "hex_file" else Key.from_mnemonic(text)
    except ValueError as bad:
        cure = (
            "Write the private key as 64 hex digits."
            if name == "hex_file"
            else "Write all words of the mnemonic, separated by spaces."
        )
        raise ConfigError(where, str(bad), cure) from None


def _read(where: str, file: Path) -> str:
    try:
        return file.read_text()
    except OSError as bad:
        raise ConfigError(
            f"{where} ({file})", bad.strerror or "cannot be read", "Give a file the daemon's user can read."
        ) from None
    except UnicodeDecodeError:
        raise ConfigError(f"{where} ({file})", "not text", "Write the words or hex digits as plain text.") from None


def _derive(seed: bytes, path: tuple[int, ...]) -> int:
    """BIP-32: the private key at `path`, indices of 2^31 and more being hardened."""
    node = hmac.digest(b"Bitcoin seed", seed, "sha512")
    secret, chain = int.from_bytes(node[:32]), node[32:]
    for index in path:
        head = b"\0" + secret.to_bytes(32) if index >= _HARD else _public(secret)
        node = hmac.digest(chain, head + index.to_bytes(4), "sha512")
        secret, chain = (int.from_bytes(node[:32]) + secret) % _ORDER, node[32:]
    return secret


def _public(secret: int) -> bytes:
    public = ec.derive_private_key(secret, ec.SECP256K1()).public_key()
    return public.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.CompressedPoint)
