"""What one coin of an order's denomination counts for in dollars, and when nobody can say.

A fixed price always counts. One of the oracle counts while it is young enough; then its fallback does, and without
one there is no bid in this denomination: yesterday's price of a coin that moves is a guess.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bidengine.quote import Conversion
from bidengine.reasons import Decline, Reason
from bidengine.tariff.terms import Currency


@dataclass(frozen=True, slots=True)
class CoinPrice:
    """The last good price of a whole coin that the oracle gave."""

    usd_e18: int
    age_s: int


def convert(
    denom: str, currencies: Mapping[str, Currency], market: Mapping[str, CoinPrice], block_time_ms: int
) -> Conversion | Decline:
    """`market` is what the oracle says, by the oracle's names."""
    currency = currencies.get(denom)
    if currency is None:
        detail = f"the price file has no price in {denom or 'no denomination'}"
        return Decline(Reason.DENOM_UNSUPPORTED, detail, final=False)
    if currency.usd_e18 is not None:
        return Conversion(denom, currency.usd_e18, "fixed", block_time_ms, currency.haircut_e18)
    found = market.get(currency.oracle)
    if found is not None and found.usd_e18 > 0 and found.age_s <= currency.max_age_s:
        return Conversion(denom, found.usd_e18, "oracle", block_time_ms, currency.haircut_e18, found.age_s)
    if currency.fallback_usd_e18 is not None:
        return Conversion(denom, currency.fallback_usd_e18, "fallback", block_time_ms, currency.haircut_e18)
    have = f"is {found.age_s} s old, at most {currency.max_age_s} s are good" if found else "is not known"
    return Decline(Reason.ORACLE_STALE, f"the oracle's price of {currency.oracle} {have}", final=False)


def priced(currencies: Mapping[str, Currency], market: Mapping[str, CoinPrice]) -> frozenset[str]:
    """Denominations in which an order would get a price now."""
    return frozenset(d for d in currencies if not isinstance(convert(d, currencies, market, 1), Decline))
