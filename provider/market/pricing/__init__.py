"""Who is asked for an order's price. Asking may take a while and may fail; a failure is a decline, never a guess.

A strategy is a `Pricer`. Two of them compute and answer at once (tariff.py, scale.py); two ask somebody else
(script.py, http.py), who may be slow, wrong or gone, through `Asked` (asked.py). `choose.py` makes the one that the
settings name.
"""

from __future__ import annotations

import time
from typing import Protocol

import structlog

from bidengine.placement import Placement
from bidengine.quote import Quote
from bidengine.reasons import Decline, Reason
from bidengine.views import Order
from provider.metrics import Metrics

log = structlog.get_logger()


class Failed(Exception):
    """No price came. `kind` is a word for the metric; `what` names who was asked, what happened, and what was said."""

    def __init__(self, kind: str, what: str) -> None:
        self.kind = kind
        super().__init__(what)


class Pricer(Protocol):
    strategy: str

    @property
    def denoms(self) -> frozenset[str]:
        """Denominations a price can be had in; orders in others are declined unasked."""

    def look(self) -> bool:
        """Once a block; True when prices have changed."""

    async def quote(self, order: Order, placement: Placement) -> Quote | Decline:
        """The price, or why there is none; raises `Failed` when that is not known."""


class Pricing:
    """What orders use. `generation` moves with each change of prices: a quote asked for in an earlier one is old."""

    def __init__(self, pricer: Pricer, metrics: Metrics) -> None:
        self._pricer, self._metrics = pricer, metrics
        self.generation = 0

    @property
    def denoms(self) -> frozenset[str]:
        return self._pricer.denoms

    def look(self) -> bool:
        """Once a block; True when prices have changed, so that what was declined is considered again."""
        changed = self._pricer.look()
        self.generation += changed
        return changed

    async def quote(self, order: Order, placement: Placement) -> Quote | Decline:
        strategy, begin = self._pricer.strategy, time.monotonic()
        try:
            return await self._pricer.quote(order, placement)
        except Failed as failed:
            self._metrics.pricing_errors.labels(strategy=strategy, kind=failed.kind).inc()
            log.warning("no price", strategy=strategy, kind=failed.kind, why=str(failed))
            return Decline(Reason.PRICER_FAILED, str(failed), final=False)
        finally:
            self._metrics.pricing_seconds.labels(strategy=strategy).observe(time.monotonic() - begin)
