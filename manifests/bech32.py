"""Addresses as text: classic bech32 (BIP-173), the form every account of the chain is written in."""

from __future__ import annotations

_CHARS = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_GENERATOR = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)


def encode(prefix: str, data: bytes) -> str:
    """`encode("akash", 20 bytes)` -> "akash1…"."""
    five = _regroup(data, 8, 5, pad=True)
    rest = _polymod([*_expand(prefix), *five, 0, 0, 0, 0, 0, 0]) ^ 1
    return prefix + "1" + "".join(_CHARS[v] for v in [*five, *((rest >> 5 * (5 - i)) & 31 for i in range(6))])


def decode(text: str) -> tuple[str, bytes]:
    """(prefix, data); ValueError says what is wrong with the text."""
    if text != text.lower() and text != text.upper():
        raise ValueError(f"{text!r} mixes upper and lower case")
    prefix, one, body = text.lower().rpartition("1")
    if not one or not prefix or len(body) < 6 or len(text) > 128:
        raise ValueError(f"{text!r} is not a bech32 address")
    values = [_CHARS.find(c) for c in body]
    if min(values) < 0:
        raise ValueError(f"{text!r} has a character that bech32 does not use")
    if _polymod([*_expand(prefix), *values]) != 1:
        raise ValueError(f"{text!r} has a wrong checksum: a character is missing or mistyped")
    return prefix, bytes(_regroup(values[:-6], 5, 8, pad=False))


def _expand(prefix: str) -> list[int]:
    return [ord(c) >> 5 for c in prefix] + [0] + [ord(c) & 31 for c in prefix]


def _polymod(values: list[int]) -> int:
    check = 1
    for value in values:
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ value
        for i, g in enumerate(_GENERATOR):
            if top >> i & 1:
                check ^= g
    return check


def _regroup(data: bytes | list[int], have: int, want: int, *, pad: bool) -> list[int]:
    acc = bits = 0
    out = []
    for value in data:
        acc = acc << have | value
        bits += have
        while bits >= want:
            bits -= want
            out.append(acc >> bits & (1 << want) - 1)
        acc &= (1 << bits) - 1
    if pad and bits:
        out.append(acc << (want - bits) & (1 << want) - 1)
    elif not pad and (bits >= have or acc):
        raise ValueError("padding is not zero")
    return out
