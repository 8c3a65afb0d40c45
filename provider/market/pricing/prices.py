"""Prices as the price file has them: re-read when it changes, asked together with the oracle and auto-pricing.

A file that cannot be read or is wrong never replaces prices that work; without prices that work the daemon does not
start, so a file lost in an upgrade never means that something is free (product.md D16).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from bidengine.placement import Placement
from bidengine.quote import Quote
from bidengine.reasons import Decline
from bidengine.tariff import CoinPrice, Tariff, price
from bidengine.tariff.currency import priced
from bidengine.tariff.file import parse_tariff
from bidengine.views import Order
from provider.market.pricing.autoprice import AutoPrice
from provider.market.pricing.oracle import Oracle
from provider.watched import Watched, parsed


class Prices(Watched[Tariff]):
    """`current` is always a whole, valid tariff. Without an oracle only fixed prices and fallbacks count, without
    auto-pricing the file's own prices."""

    def __init__(self, path: Path, oracle: Oracle | None = None, auto: AutoPrice | None = None) -> None:
        super().__init__(path, _read, "price file")
        self._oracle, self._auto = oracle, auto
        self._priced = priced(self.current.currencies, {})  # nothing has been asked of the oracle yet

    @property
    def denoms(self) -> frozenset[str]:
        """Denominations of the file, whether they have a price now or not: an order in one is told why."""
        return frozenset(self.current.currencies)

    def look(self) -> bool:
        """Once a block: take over a changed file; True when an order may get another price than before."""
        changed = super().look()
        if self._auto is not None:
            changed |= self._auto.look(self.current.auto)
        if self._oracle is not None:
            self._oracle.look(c.oracle for c in self.current.currencies.values() if c.oracle)
        before, self._priced = self._priced, priced(self.current.currencies, self._market())
        return changed or before != self._priced

    def quote(self, order: Order, placement: Placement, *, block_time_ms: int) -> Quote | Decline:
        return price(
            order.spec,
            placement,
            self.current,
            block_time_ms=block_time_ms,
            owner=order.id.owner,
            market=self._market(),
            factors_e18=self._auto.factors_e18 if self._auto is not None else {},
            # What will be promised is what is demanded (bidengine/rules/reclamation.py).
            reclamation_window_s=order.reclamation_min_window_s or 0,
        )

    def _market(self) -> Mapping[str, CoinPrice]:
        return self._oracle.prices if self._oracle is not None else {}


def _read(path: Path) -> Tariff:
    return parsed(
        path, parse_tariff, "price file", "Set bid.prices to a readable file.", "See docs/prices.md for the format."
    )
