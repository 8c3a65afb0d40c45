"""Strategy `tariff`: the price file answers."""

from __future__ import annotations

from collections.abc import Callable

from bidengine.placement import Placement
from bidengine.quote import Quote
from bidengine.reasons import Decline
from bidengine.tariff import price
from bidengine.views import Order
from provider.market.prices import Prices


class FromTariff:
    strategy = "tariff"

    def __init__(self, prices: Prices, block_time_ms: Callable[[], int]) -> None:
        self._prices, self._block_time_ms = prices, block_time_ms

    @property
    def denoms(self) -> frozenset[str]:
        return frozenset(self._prices.current.currencies)

    def look(self) -> bool:
        return self._prices.look()

    async def quote(self, order: Order, placement: Placement) -> Quote | Decline:
        return price(
            order.spec, placement, self._prices.current, block_time_ms=self._block_time_ms(), owner=order.id.owner
        )
