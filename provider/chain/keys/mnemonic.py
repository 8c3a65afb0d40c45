"""The words of a mnemonic: which of them is wrong, and the seed they stand for (BIP-39, English list). Pure.

The last word carries a checksum of the others, so a word mistaken for another of the list is nearly always noticed,
though not which one it is. Only a word that is not on the list is ever repeated in an error: the others are the secret.
"""

from __future__ import annotations

import hashlib
import unicodedata
from functools import cache

from mnemonic import Mnemonic

LENGTHS = (12, 15, 18, 21, 24)
_BITS = 11
"""per word"""


def words(text: str) -> tuple[str, ...]:
    """The words of a valid mnemonic; ValueError says what is wrong with it, and where."""
    found = tuple(unicodedata.normalize("NFKD", text).lower().split())
    if len(found) not in LENGTHS:
        raise ValueError(f"{len(found)} words; a mnemonic has 12, 15, 18, 21 or 24")
    known = _numbers()
    for at, word in enumerate(found, start=1):
        if word not in known:
            raise ValueError(f"word {at} of {len(found)}, {word!r}, is not in the BIP-39 list")
    if not _checks([known[word] for word in found]):
        raise ValueError(
            f"all {len(found)} words are in the BIP-39 list, but their checksum is wrong: two have changed places, or"
            " one stands for another"
        )
    return found


def seed(of: tuple[str, ...]) -> bytes:
    """64 bytes, without a BIP-39 passphrase, as the reference's keyring makes them."""
    return hashlib.pbkdf2_hmac("sha512", " ".join(of).encode(), b"mnemonic", 2048)


def _checks(numbers: list[int]) -> bool:
    """Of 33 bits, 32 are entropy and one is the beginning of its SHA-256."""
    total = len(numbers) * _BITS
    check_bits = total // 33
    value = 0
    for number in numbers:
        value = value << _BITS | number
    entropy = (value >> check_bits).to_bytes((total - check_bits) // 8)
    return value & (1 << check_bits) - 1 == hashlib.sha256(entropy).digest()[0] >> 8 - check_bits


@cache
def _numbers() -> dict[str, int]:
    return {word: n for n, word in enumerate(Mnemonic("english").wordlist)}
