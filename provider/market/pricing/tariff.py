"""Strategy `tariff`: the price file answers."""

from __future__ import annotations

from collections.abc import Callable

from bidengine.placement import Placement
from bidengine.quote import Quote
from bidengine.reasons import Decline
from bidengine.views import Order
from provider.market.pricing.prices import Prices


class FromTariff:
    strategy = "tariff"

    def __init__(self, prices: Prices, block_time_ms: Callable[[], int]) -> None:
        self._prices, self._block_time_ms = prices, block_time_ms

    @property
    def denoms(self) -> frozenset[str]:
        return self._prices.denoms

    def look(self) -> bool:
        return self._prices.look()

    async def quote(self, order: Order, placement: Placement) -> Quote | Decline:
        return self._prices.quote(order, placement, block_time_ms=self._block_time_ms())
