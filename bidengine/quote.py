"""A price for one order, with what it is made of: the answer of whoever was asked for it."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from manifests.coins import DecCoin, shown


@dataclass(frozen=True, slots=True)
class PriceLine:
    """One line of an explanation: so many `unit`s at `rate_usd_e18` a month each."""

    what: str
    quantity: Fraction
    unit: str
    rate_usd_e18: int
    usd_per_month: Fraction

    def __str__(self) -> str:
        return (
            f"{self.what}: {float(self.quantity):g} {self.unit} × {shown(self.rate_usd_e18)}"
            f" = {float(self.usd_per_month):g} USD/month"
        )


@dataclass(frozen=True, slots=True)
class Quote:
    """`per_block` is in the order's denomination. `lines` are empty where the price came from outside, which does not
    say."""

    per_block: DecCoin
    lines: tuple[PriceLine, ...] = ()
    strategy: str = "tariff"
