"""What a placement costs per block: from dollars a month in the price file to the bid's amount, exactly and rounded
up once.

The way: rates make lines (tariff/lines.py), rules add to them and take from them (tariff/changes.py), their sum is
held against what the lease costs us (tariff/floor.py) and turned into the order's denomination (tariff/currency.py).
Everything on the way is a fraction. The amount is rounded up to six digits after the point, or to the tenant's
ceiling where that lies between; it is never moved to please a floor or a ceiling.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from bidengine.placement import Placement
from bidengine.quote import Quote, total
from bidengine.reasons import Decline, Reason
from bidengine.tariff.cards import card_rate
from bidengine.tariff.changes import lines
from bidengine.tariff.currency import CoinPrice, convert
from bidengine.tariff.floor import floor_lines
from bidengine.tariff.terms import Tariff
from manifests.coins import E18, DecCoin, shown
from manifests.gpus import GpuModel
from manifests.resources import GroupSpec

__all__ = ["MONTH_MS", "CoinPrice", "Tariff", "card_price", "lines", "price"]

MONTH_MS = 2_629_800_000
"""30.4375 days (chain.md §5.8)"""
_STEP_E18 = 10**12
"""A price has at most six digits after the point."""


def price(
    spec: GroupSpec,
    placement: Placement,
    tariff: Tariff,
    *,
    block_time_ms: int,
    owner: str = "",
    market: Mapping[str, CoinPrice] | None = None,
    factors_e18: Mapping[str, int] | None = None,
    reclamation_window_s: int = 0,
) -> Quote | Decline:
    """Price per block for the whole group in the order's denomination, or why there is none.

    `block_time_ms` is the measured average, `market` what the oracle says (by its own names), `factors_e18` the
    factors of auto-pricing by subject, `reclamation_window_s` the notice that the bid will promise.
    """
    terms = tariff.of(owner)
    found = lines(spec, placement, terms, factors_e18=factors_e18, reclamation_window_s=reclamation_window_s)
    if isinstance(found, Decline):
        return found
    conversion = convert(spec.denom, terms.currencies, market or {}, block_time_ms)
    if isinstance(conversion, Decline):
        return conversion
    month, floor = total(found), floor_lines(spec, placement, terms.floor)
    exact_e18 = month * conversion.micro_per_usd * block_time_ms / MONTH_MS * E18
    amount_e18 = -(-exact_e18 // _STEP_E18) * _STEP_E18
    if exact_e18 <= spec.ceiling_e18 < amount_e18:
        amount_e18 = spec.ceiling_e18
    if amount_e18 <= 0:
        return Decline(
            Reason.PRICE_UNKNOWN, "the price file makes this cost nothing, and a bid of zero is refused", False
        )
    if amount_e18 > spec.ceiling_e18:
        most = f"{shown(spec.ceiling_e18)}{spec.denom}"
        detail = f"costs {shown(amount_e18)}{spec.denom} a block, the tenant pays at most {most}"
        return Decline(Reason.PRICE_TOO_HIGH, detail, final=False)
    if month < total(floor):
        return Decline(Reason.PRICE_BELOW_FLOOR, _below(month, total(floor)), final=False)
    return Quote(DecCoin(spec.denom, amount_e18), found, floor=floor, conversion=conversion)


def card_price(card: GpuModel, tariff: Tariff) -> int | None:
    """Dollars a month ×10^18 by the most specific key (tariff/cards.py)."""
    return card_rate(card, tariff.gpu_usd_e18)


def _below(month: Fraction, floor: Fraction) -> str:
    return f"would earn {float(month):.6g} USD a month and cost {float(floor):.6g}, margin included"
