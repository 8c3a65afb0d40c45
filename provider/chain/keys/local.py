"""A secp256k1 key in this process: from words or hex; its address; its signatures (chain.md §4.1)."""

from __future__ import annotations

import hashlib
import hmac

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils

from manifests import bech32
from provider.chain.keys import mnemonic
from provider.chain.ripemd160 import ripemd160

PREFIX = "akash"
_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
_HARD = 1 << 31


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
        """The key at m/44'/118'/0'/0/`index`. ValueError names the word that is wrong."""
        seed = mnemonic.seed(mnemonic.words(words))
        return Key(_derive(seed, (44 + _HARD, 118 + _HARD, _HARD, 0, index)))

    @staticmethod
    def from_bytes(secret: bytes) -> Key:
        """From 32 bytes; ValueError otherwise."""
        if len(secret) != 32:
            raise ValueError(f"{len(secret)} bytes; a private key has 32")
        return Key(int.from_bytes(secret))

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

    async def signature(self, document: bytes) -> bytes:
        """The same, as every kind of key can be asked."""
        return self.sign(document)


def address_of(public_key: bytes) -> str:
    """The "akash1…" of 33 compressed bytes."""
    return bech32.encode(PREFIX, ripemd160(hashlib.sha256(public_key).digest()))


def verify(public_key: bytes, data: bytes, signature: bytes) -> bool:
    """Whether the chain would take 64 bytes r‖s over `data` for this key's: right, and s in the lower half."""
    r, s = int.from_bytes(signature[:32]), int.from_bytes(signature[32:])
    if len(signature) != 64 or s > _ORDER // 2:
        return False
    try:
        key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256K1(), public_key)
        key.verify(utils.encode_dss_signature(r, s), data, ec.ECDSA(hashes.SHA256()))
    except (InvalidSignature, ValueError):
        return False
    return True


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
