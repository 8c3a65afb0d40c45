"""Kubernetes quantities in canonical form, e.g. `1024Mi` → `1Gi`, `1000m` → `1`, and their value for arithmetic.

Canonical means: no fraction, the largest suffix that allows it. Binary suffixes stay binary, except where that would
lose something: below 1024, and where there is a fraction of a byte.
"""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Any

_PATTERN = re.compile(r"([+-]?)(\d+(?:\.\d*)?|\.\d+)(?:([eE][+-]?\d+)|([KMGTPE]i|[numkMGTPE])?)")
_BINARY = {"Ki": 1, "Mi": 2, "Gi": 3, "Ti": 4, "Pi": 5, "Ei": 6}
_DECIMAL = {"n": -3, "u": -2, "m": -1, "": 0, "k": 1, "M": 2, "G": 3, "T": 4, "P": 5, "E": 6}


def parse(value: Any) -> Fraction:
    """The exact value; ValueError when it is no quantity."""
    return _split(value)[0]


def milli(value: Any) -> int:
    """In thousandths, rounded away from zero as the real server does."""
    return _up(parse(value) * 1000)


def whole(value: Any) -> int:
    return _up(parse(value))


def canonical(value: Any) -> str:
    amount, suffix = _split(value)
    if suffix in _BINARY and abs(amount) >= 1024 and amount.denominator == 1:
        return _with(amount, 1024, {each: name for name, each in _BINARY.items()} | {0: ""}, lowest=0)
    if suffix[:1] in ("e", "E") and suffix != "E":
        exponent = 0
        while amount and amount % 1000 == 0:
            amount, exponent = amount / 1000, exponent + 3
        return (
            f"{amount}e{exponent}" if exponent else _with(amount, 1000, {e: n for n, e in _DECIMAL.items()}, lowest=-3)
        )
    return _with(amount, 1000, {each: name for name, each in _DECIMAL.items()}, lowest=-3)


def _with(amount: Fraction, base: int, names: dict[int, str], lowest: int) -> str:
    if not amount:
        return "0"
    power = max(names)
    while power > lowest and amount % (Fraction(base) ** power):
        power -= 1
    return f"{_up(amount / Fraction(base) ** power)}{names[power]}"


def _split(value: Any) -> tuple[Fraction, str]:
    text = str(value).strip()
    found = _PATTERN.fullmatch(text)
    if isinstance(value, bool) or not found:
        raise ValueError("quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'")
    sign, number, exponent, suffix = found.groups()
    amount = Fraction(number) * (-1 if sign == "-" else 1)
    if exponent:
        return amount * Fraction(10) ** int(exponent[1:]), exponent
    suffix = suffix or ""
    if suffix in _BINARY:
        return amount * 1024 ** _BINARY[suffix], suffix
    return amount * Fraction(1000) ** _DECIMAL[suffix], suffix


def _up(amount: Fraction) -> int:
    """To the next whole number away from zero."""
    up = -(-abs(amount.numerator) // amount.denominator)
    return up if amount >= 0 else -up
