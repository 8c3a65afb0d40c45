"""What coins are worth in dollars, as the chain's oracle says it: asked once a block, the last good answer kept.

A price that the oracle itself calls unhealthy is no answer, so what is kept grows old, by the chain's clock. How old
is too old is for the price file to say (bidengine/tariff/currency.py).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Protocol

import structlog

from bidengine.tariff.currency import CoinPrice
from bidengine.views import OraclePrice
from provider.errors import Refused, Retry
from provider.metrics import Sample

log = structlog.get_logger()
AKT = "akt"
"""asked for whatever the price file says: fees are paid in it"""
SELDOM_S = 600.0


class Asked(Protocol):
    def oracle_price(self, denom: str = ...) -> Awaitable[OraclePrice | None]: ...


class Oracle:
    """`prices` is all that others read. `look` asks for one more round, by names; `run` is the task that asks. Where
    nobody looks, as under a strategy that has no use for it, a round every ten minutes is enough for fees."""

    def __init__(self, latest: Callable[[], Asked], now_unix_ns: Callable[[], int]) -> None:
        self._latest, self._now = latest, now_unix_ns
        self._good: dict[str, OraclePrice] = {}
        self._trouble: dict[str, str] = {}
        self._wanted: frozenset[str] = frozenset({AKT})
        self._due = asyncio.Event()

    @property
    def prices(self) -> Mapping[str, CoinPrice]:
        now = self._now()
        return {
            denom: CoinPrice(found.usd_e18, max(0, now - found.time_unix_ns) // 10**9)
            for denom, found in self._good.items()
        }

    def look(self, denoms: Iterable[str]) -> None:
        """Once a block."""
        self._wanted = frozenset({AKT, *denoms})
        self._due.set()

    async def run(self) -> None:
        while True:
            await self.ask()
            with suppress(TimeoutError):
                async with asyncio.timeout(SELDOM_S):  # wait_for may lose a cancellation that comes with the event
                    await self._due.wait()
            self._due.clear()

    async def ask(self) -> None:
        for denom in sorted(self._wanted):
            try:
                found = await self._latest().oracle_price(denom)
            except (Retry, Refused) as no:
                self._told(denom, str(no))
                continue
            if found is not None and found.healthy and found.usd_e18 > 0:
                self._good[denom] = found
            self._told(denom, _trouble(found))

    def gauges(self) -> Iterator[Sample]:
        for denom, found in self.prices.items():
            yield "akp_price_usd", {"denom": denom}, found.usd_e18 / 1e18
            yield "akp_oracle_age_seconds", {"denom": denom}, found.age_s

    def _told(self, denom: str, trouble: str) -> None:
        """Each change is logged once: a node asked every block would fill the log."""
        before = self._trouble.get(denom, "")
        self._trouble[denom] = trouble
        if trouble and trouble != before:
            last = self.prices.get(denom)
            log.warning("no fresh price", coin=denom, why=trouble, last_good_age_s=last.age_s if last else None)
        elif before and not trouble:
            log.info("price is fresh again", coin=denom)


def _trouble(found: OraclePrice | None) -> str:
    if found is None:
        return "the oracle has no price"
    if not found.healthy:
        return found.why or "the oracle is unhealthy"
    return "" if found.usd_e18 > 0 else "the oracle's price is zero"
