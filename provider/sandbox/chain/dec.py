"""Decimals of 18 places as scaled integers, and the two ways they are written (chain.md §1.4): never a float, never
rounding up.
"""

from __future__ import annotations

E18 = 10**18


def parse(wire: str) -> int:
    """A wire amount (already an integer scaled by 10^18; empty reads as zero)."""
    return int(wire or "0")


def text(scaled: int) -> str:
    """As event attributes and logs print it: 12500000000000000000 -> "12.500000000000000000"."""
    whole, fraction = divmod(abs(scaled), E18)
    return f"{'-' if scaled < 0 else ''}{whole}.{fraction:018d}"


def truncate(scaled: int) -> int:
    """Whole units, cut towards zero."""
    whole = abs(scaled) // E18
    return -whole if scaled < 0 else whole


def of(units: int) -> int:
    """Whole units as a scaled integer."""
    return units * E18


def mul(a: int, b: int) -> int:
    """The product of two scaled numbers, the 19th decimal rounded half to even as the node does."""
    return _round(a * b)


def quo(a: int, b: int) -> int:
    """The quotient of two scaled numbers: cut at 36 decimals, then rounded half to even at 18."""
    whole = abs(a) * E18 * E18 // abs(b)
    return _round(whole if (a < 0) == (b < 0) else -whole)


def _round(scaled_twice: int) -> int:
    whole, rest = divmod(abs(scaled_twice), E18)
    if rest * 2 > E18 or (rest * 2 == E18 and whole % 2):
        whole += 1
    return -whole if scaled_twice < 0 else whole
