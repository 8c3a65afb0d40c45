"""A price for one order, with what it is made of: the answer of whoever was asked for it."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from manifests.coins import E18, DecCoin, shown

PERCENT = "%"
MICRO = 10**6
"""micro-units in a coin"""


@dataclass(frozen=True, slots=True)
class PriceLine:
    """One line of an explanation: so many `unit`s at `rate_usd_e18` a month each. A line in % adds to (or takes from)
    the lines above it; its rate is one percent of them, cut to 18 digits."""

    what: str
    quantity: Fraction
    unit: str
    rate_usd_e18: int
    usd_per_month: Fraction

    def __str__(self) -> str:
        if self.unit == PERCENT:
            return f"{self.what}: {float(self.quantity):+g} % = {float(self.usd_per_month):+g} USD/month"
        return (
            f"{self.what}: {float(self.quantity):g} {self.unit} × {shown(self.rate_usd_e18)}"
            f" = {float(self.usd_per_month):g} USD/month"
        )


@dataclass(frozen=True, slots=True)
class Conversion:
    """From dollars a month to the order's denomination a block."""

    denom: str
    usd_e18: int
    """one coin (10^6 micro-units) in dollars"""
    source: str
    """fixed, oracle, fallback"""
    block_time_ms: int
    haircut_e18: int = 0
    age_s: int | None = None
    """of the oracle's price; None where the price is fixed"""

    @property
    def micro_per_usd(self) -> Fraction:
        return Fraction(MICRO * E18 * E18, self.usd_e18 * (E18 - self.haircut_e18))

    def __str__(self) -> str:
        of = self.source if self.age_s is None else f"{self.source}, {self.age_s} s old"
        haircut = f", {shown(100 * self.haircut_e18)} % off" if self.haircut_e18 else ""
        return f"1 {self.denom} = {shown(self.usd_e18)}/10^6 USD ({of}{haircut}), a block of {self.block_time_ms} ms"


@dataclass(frozen=True, slots=True)
class Quote:
    """`per_block` is in the order's denomination. `lines` are empty where the price came from outside, which does not
    say; their sum is the price in dollars a month, that of `floor` what the lease costs us."""

    per_block: DecCoin
    lines: tuple[PriceLine, ...] = ()
    strategy: str = "tariff"
    floor: tuple[PriceLine, ...] = ()
    conversion: Conversion | None = None

    @property
    def usd_per_month(self) -> Fraction:
        return total(self.lines)

    @property
    def floor_usd_per_month(self) -> Fraction:
        return total(self.floor)


def total(lines: tuple[PriceLine, ...]) -> Fraction:
    return sum((line.usd_per_month for line in lines), Fraction(0))


def share_line(what: str, share: Fraction, of: Fraction) -> PriceLine:
    """`share` (0.2 for 20 %) of an amount, as a line in percent."""
    return PriceLine(what, 100 * share, PERCENT, int(of * E18 / 100), share * of)
