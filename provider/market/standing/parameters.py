"""The chain's parameters and its software, looked at now and then: governance changes the one and an upgrade the
other, and neither says so in an event that names what is new (chain.md §1.3, §6.5).

The book always holds the market's parameters of the last look. Each change is told, old and new; after an upgrade so
is every service version we speak and the chain no longer does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import fields
from typing import Protocol

import structlog

from bidengine.views import MarketParams
from manifests.coins import Coin
from provider.chain import familiar
from provider.chain.convert.records import Software
from provider.errors import Refused, Retry
from provider.market.book import Book
from provider.metrics import Metrics

LOOK_S = 300.0
"""chain.md §9.3"""
log = structlog.get_logger()


class Asked(Protocol):
    def market_params(self) -> Awaitable[MarketParams]: ...
    def software(self) -> Awaitable[Software]: ...


class Parameters:
    """`run` looks for ever; `changed()` is called after the book's parameters have changed. A `deposit` of bids that
    the chain does not take is told once, and again after it was taken meanwhile."""

    def __init__(
        self, book: Book, latest: Callable[[], Asked], changed: Callable[[], None], metrics: Metrics,
        *, deposit: Coin | None = None, every_s: float = LOOK_S,
    ) -> None:  # fmt: skip
        self._book, self._latest, self._changed, self._metrics, self._every_s = book, latest, changed, metrics, every_s
        self._deposit, self._deposit_trouble = deposit, ""
        self._software: Software | None = None

    async def run(self) -> None:
        while True:
            try:
                await self.look()
            except (Retry, Refused) as trouble:
                log.warning("the chain's parameters are not known anew", why=str(trouble))
            await asyncio.sleep(self._every_s)

    async def look(self) -> None:
        self._take(await self._latest().market_params())
        try:
            found = await self._latest().software()
        except Refused:  # an old node, or a proxy that passes on no more than it must
            return
        before, self._software = self._software, found
        if found != before:
            self._judge(before, found)

    def _take(self, new: MarketParams) -> None:
        old, self._book.params = self._book.params, new
        trouble = _untaken(self._deposit, new) if self._deposit is not None else ""
        if trouble and trouble != self._deposit_trouble:
            log.error("the chain refuses every bid of ours", why=trouble, cure="set bid.deposit")
        self._deposit_trouble = trouble
        if new == old:
            return
        for field in fields(MarketParams):
            was, now = getattr(old, field.name), getattr(new, field.name)
            if was != now:
                log.warning("market parameter changed", name=field.name, old=_text(was), new=_text(now))
                self._metrics.parameters.labels(parameter=field.name).inc()
        self._changed()

    def _judge(self, before: Software | None, found: Software) -> None:
        if before is not None:
            log.warning("the chain's software changed", old=before.version, new=found.version)
        gone = familiar.gone(found.modules)
        if gone:
            log.error("the chain no longer offers what this daemon speaks", gone=gone, software=found.version)
        new = familiar.new_modules(found.modules)
        if new:
            log.warning("the chain has modules this daemon knows nothing of", modules=new, software=found.version)


def _untaken(deposit: Coin, params: MarketParams) -> str:
    """Why the chain takes no bid with this deposit (chain.md §2.2); "" where it does."""
    least = {coin.denom: coin.amount for coin in params.bid_min_deposits}
    if deposit.amount >= least.get(deposit.denom, deposit.amount + 1) or not least:
        return ""
    return f"bid.deposit is {deposit}, the least that is taken is {' or '.join(map(str, params.bid_min_deposits))}"


def _text(value: object) -> str:
    return (
        ",".join(map(str, value))
        if isinstance(value, tuple) and all(isinstance(v, Coin) for v in value)
        else str(value)
    )
