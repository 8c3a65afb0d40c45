"""What orders decide, written down for people: in bundles, behind the bids.

A burst of orders must not wait for the disk, so decisions are kept until the burst is over or has lasted a while. What
is not yet written when the process is killed is lost; what blocks tell is not among it (outcomes.py).
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

from bidengine.recorded import order_json
from bidengine.views import Order
from manifests.ids import OrderID
from provider.ledger.decisions import Decided, Decisions, Seen
from provider.market.book import Book

LOOK_S = 0.25
WAIT_S = 2.0
"""People can wait so long."""
PRUNE_EVERY_BLOCKS = 500
KEEP_DECISIONS_BLOCKS = 100_000
"""about a week of blocks of six seconds"""
KEEP_ORDERS_BLOCKS = 430_000
"""... a month of them"""


class Notes:
    """`busy()` tells whether orders are being worked on."""

    def __init__(self, book: Book, decisions: Decisions, busy: Callable[[], bool]) -> None:
        self.book, self.decisions, self._busy = book, decisions, busy
        self.pending: list[Seen | Decided] = []
        self._pruned_at = 0

    def seen(self, order: Order) -> None:
        """Before the first decision about it."""
        text = json.dumps(order_json(order), ensure_ascii=False)
        self.pending.append(Seen(order.id, order.created_at, self.book.height, self._time_unix_s, text))

    def decided(self, order: OrderID, outcome: str, detail: str = "", **more: Any) -> None:
        """`more` are fields of `Decided`."""
        self.pending.append(Decided(order, self.book.height, outcome, detail, self._time_unix_s, **more))

    async def run(self) -> None:
        """Write and prune, for ever; the last are written when it is ended."""
        late_s = 0.0
        try:
            while True:
                await asyncio.sleep(LOOK_S)
                late_s += LOOK_S
                if self.pending and (not self._busy() or late_s >= WAIT_S):
                    late_s = 0.0
                    await self._write()
                if self.book.height >= self._pruned_at + PRUNE_EVERY_BLOCKS:
                    self._pruned_at = self.book.height
                    await self._prune()
        finally:
            await self._write()

    async def _write(self) -> None:
        entries, self.pending = self.pending, []
        await self.decisions.note(*entries)

    async def _prune(self) -> None:
        await self.decisions.prune(
            decisions_before=self.book.height - KEEP_DECISIONS_BLOCKS,
            orders_before=self.book.height - KEEP_ORDERS_BLOCKS,
            keep=[*self.book.bids, *(lease.order for lease in self.book.leases)],
        )

    @property
    def _time_unix_s(self) -> int:
        return self.book.time_unix_ns // 10**9
