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


def quo(scaled: int, divisor: int) -> int:
    """Divided by a whole positive number, rounded half to even."""
    whole, rest = divmod(scaled, divisor)
    return whole + (2 * rest > divisor or (2 * rest == divisor and whole % 2 == 1))


def of(units: int) -> int:
    """Whole units as a scaled integer."""
    return units * E18
