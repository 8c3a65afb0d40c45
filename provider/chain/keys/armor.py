"""The armoured private key that the reference's keyring exports (`akash keys export`): opened with its passphrase.

An OpenPGP-style text block. Its `kdf` header says how the passphrase becomes a key: argon2 (Argon2id, then
ChaCha20-Poly1305 with a nonce of zeros) in present versions, bcrypt (then XSalsa20-Poly1305) in older ones. Inside lies
the key in amino: five bytes of type and length, then 32 of secret. The older way needs two libraries more, which are
an extra of this package.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Callable

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

_BLOCK = re.compile(
    r"-----BEGIN TENDERMINT PRIVATE KEY-----\s*\n(?P<head>(?:[\w-]+: .*\n)*)\s*\n(?P<body>[A-Za-z0-9+/=\s]+?)"
    r"\n=(?P<sum>[A-Za-z0-9+/]{4})\s*\n-----END TENDERMINT PRIVATE KEY-----"
)
_SECP256K1 = bytes.fromhex("e1b0f79b20")
"""amino's name of the type, and the length of what follows"""
_NACL_NONCE = 24
_BCRYPT_LETTERS = b"./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
_BASE64_LETTERS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"


class WrongPassphrase(ValueError):
    pass


class LibraryMissing(ValueError):
    pass


def looks_armored(text: str) -> bool:
    return "-----BEGIN TENDERMINT PRIVATE KEY-----" in text


def opened(text: str, passphrase: str) -> bytes:
    """The 32 bytes of the key. ValueError says what is wrong; it never repeats text or passphrase."""
    block = _BLOCK.search(text.replace("\r\n", "\n"))
    if block is None:
        raise ValueError("not a whole block TENDERMINT PRIVATE KEY as `akash keys export` prints it")
    head = dict(line.split(": ", 1) for line in block["head"].splitlines())
    try:
        sealed = base64.b64decode("".join(block["body"].split()), validate=True)
        checksum = base64.b64decode(block["sum"])
        salt = bytes.fromhex(head.get("salt", ""))
    except (binascii.Error, ValueError):
        raise ValueError("the block is damaged: its salt or its body cannot be read") from None
    if _crc24(sealed) != int.from_bytes(checksum):
        raise ValueError("the block is damaged: its checksum does not fit")
    if (kind := head.get("type", "secp256k1")) != "secp256k1":
        raise ValueError(f"a key of type {kind!r}; accounts of providers are secp256k1")
    open_ = _OPENERS.get(head.get("kdf", ""))
    if open_ is None:
        raise ValueError(f"kdf {head.get('kdf', '')!r} is unknown; known are {' and '.join(_OPENERS)}")
    plain = open_(sealed, salt, passphrase.encode())
    if not plain.startswith(_SECP256K1) or len(plain) != len(_SECP256K1) + 32:
        raise ValueError("what the block holds is not a secp256k1 key")
    return plain[len(_SECP256K1) :]


def _argon2(sealed: bytes, salt: bytes, passphrase: bytes) -> bytes:
    key = Argon2id(salt=salt, length=32, iterations=1, lanes=4, memory_cost=64 * 1024).derive(passphrase)
    try:
        return ChaCha20Poly1305(key).decrypt(bytes(12), sealed, None)
    except InvalidTag:
        raise WrongPassphrase("the passphrase does not open it") from None


def _bcrypt(sealed: bytes, salt: bytes, passphrase: bytes) -> bytes:
    try:
        import bcrypt
        from nacl import bindings, exceptions
    except ImportError:
        raise LibraryMissing("its kdf is bcrypt, for which bcrypt and PyNaCl are not installed") from None
    letters = base64.b64encode(salt).rstrip(b"=").translate(bytes.maketrans(_BASE64_LETTERS, _BCRYPT_LETTERS))
    # The reference hashes the whole text that bcrypt makes, not only the hash in it, down to 32 bytes.
    key = hashlib.sha256(bcrypt.hashpw(passphrase, b"$2a$12$" + letters)).digest()
    try:
        return bytes(bindings.crypto_secretbox_open(sealed[_NACL_NONCE:], sealed[:_NACL_NONCE], key))
    except (exceptions.CryptoError, ValueError):
        raise WrongPassphrase("the passphrase does not open it") from None


_OPENERS: dict[str, Callable[[bytes, bytes, bytes], bytes]] = {"argon2": _argon2, "bcrypt": _bcrypt}


def _crc24(data: bytes) -> int:
    """OpenPGP's checksum (RFC 4880 §6.1)."""
    crc = 0xB704CE
    for byte in data:
        crc ^= byte << 16
        for _ in range(8):
            crc <<= 1
            if crc & 0x1000000:
                crc ^= 0x1864CFB
    return crc
