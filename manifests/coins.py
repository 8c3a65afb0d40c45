"""Money as integers: whole micro-units (`Coin`) and 18-digit fixed point (`DecCoin`, `*_e18`), rounded as on chain.

The one subtlety: a decimal travels as an integer scaled by 10^18 on the wire and as "12.500000000000000000" in events
and JSON (cosmos-sdk LegacyDec). Inside it is always the integer, named with `_e18`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

E18 = 10**18
_DECIMAL = re.compile(r"([+-]?)([0-9]+)(?:\.([0-9]{1,18}))?", re.ASCII)


@dataclass(frozen=True, slots=True, order=True)
class Coin:
    """Whole micro-units of one denomination, e.g. 500000 uakt."""

    denom: str
    amount: int

    def __str__(self) -> str:
        return f"{self.amount}{self.denom}"


@dataclass(frozen=True, slots=True, order=True)
class DecCoin:
    """A price or rate: `amount_e18` is micro-units × 10^18, e.g. per block."""

    denom: str
    amount_e18: int

    def __str__(self) -> str:
        return f"{shown(self.amount_e18)}{self.denom}"


def parse_decimal(text: str) -> int:
    """ "12.5" -> 12_500_000_000_000_000_000. At most 18 fraction digits, digits on both sides of the point, no
    exponent; raises ValueError otherwise (cosmos-sdk LegacyNewDecFromStr)."""
    m = _DECIMAL.fullmatch(text)
    if m is None:
        raise ValueError(f"{text!r} is not a decimal number with at most 18 digits after the point")
    sign, whole, fraction = m.groups()
    e18 = int(whole) * E18 + int((fraction or "").ljust(18, "0"))
    return -e18 if sign == "-" else e18


def format_decimal(amount_e18: int) -> str:
    """The 18-digit text the chain uses in events and JSON: 12_500… -> "12.500000000000000000"."""
    sign, whole, fraction = ("-" if amount_e18 < 0 else ""), *divmod(abs(amount_e18), E18)
    return f"{sign}{whole}.{fraction:018d}"


def shown(amount_e18: int) -> str:
    """For people: no trailing zeros."""
    return format_decimal(amount_e18).rstrip("0").rstrip(".")


def trunc(amount_e18: int) -> int:
    """Whole units, cut towards zero (TruncateInt)."""
    return amount_e18 // E18 if amount_e18 >= 0 else -(-amount_e18 // E18)


def quo(amount_e18: int, divisor: int) -> int:
    """amount / whole divisor, rounded half to even (LegacyDec.Quo)."""
    sign = 1 if (amount_e18 < 0) == (divisor < 0) else -1
    whole, rest = divmod(abs(amount_e18), abs(divisor))
    twice = 2 * rest
    if twice > abs(divisor) or (twice == abs(divisor) and whole % 2):
        whole += 1
    return sign * whole


def parse_coins(text: str) -> tuple[Coin, ...]:
    """Bank event amounts: "5uakt,7uact" -> coins; "" -> ()."""
    out = []
    for part in filter(None, text.split(",")):
        m = re.fullmatch(r"([0-9]+)(.+)", part)
        if m is None:
            raise ValueError(f"{part!r} is not an amount with a denomination")
        out.append(Coin(m.group(2), int(m.group(1))))
    return tuple(out)
