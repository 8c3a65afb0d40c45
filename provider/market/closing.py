"""Ending a lease from our side: closed at once, or, where notice was promised, after that notice (chain.md §2.8).

A lease that promised notice goes StartReclaim → wait for the deadline → CloseBid. Nothing of that is remembered: each
look reads the lease as the book has it, so the whole way survives a restart.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import structlog

from bidengine.views import CloseReason, Lease
from provider.chain.messages import CloseBid, Msg, StartReclaim
from provider.errors import TxRefused
from provider.market.book import Book

log = structlog.get_logger()


class Closing:
    """The one way a lease of ours is ended by us; `end` is called again until the lease is over."""

    def __init__(self, book: Book, send: Callable[[Msg], Awaitable[str]]) -> None:
        self.book, self._send = book, send

    async def end(self, live: Lease, reason: CloseReason) -> None:
        promised = live.reclamation
        try:
            if promised is None or (
                live.state == "reclaiming" and self.book.time_unix_ns >= promised.deadline_unix_s * 10**9
            ):
                await self._send(CloseBid(live.id, int(reason)))
            elif live.state == "active":
                await self._send(StartReclaim(live.id, int(reason)))
        except TxRefused as already:
            log.info("closing refused, the chain knows better", why=str(already))
