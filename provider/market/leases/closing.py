"""Ending a lease from our side: closed at once, or, where notice was promised, after that notice (chain.md §2.8).

A lease that promised notice goes StartReclaim → wait for the deadline → CloseBid. Nothing of that is remembered: each
look reads the lease as the book has it, so the whole way survives a restart. Whoever gave notice, this daemon or
`akp leases reclaim`, the lease is closed when its time is up; the chain does not do that by itself.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import structlog

from bidengine.views import CloseReason, Lease
from manifests.ids import LeaseID
from provider.chain.messages import CloseBid, Msg, StartReclaim
from provider.errors import TxRefused
from provider.market.book import Book
from provider.tasks import WorkQueue, work

log = structlog.get_logger()
SENT_BLOCKS = 20
"""What was asked so long ago and has changed nothing is asked again."""
NEVER_PROMISED, NOT_STARTED = ("market", 35), ("market", 37)
"""The chain knows better what was promised than the book, whose view may be a block old. Its other refusals say that
the lease is over (6, 8, 10, 11), notice runs already (36, as 10), or its time is not up (38): the book will show it."""


class Closing:
    """The one way a lease of ours is ended by us; `end` may be called again and again until the lease is over, and asks
    the chain once."""

    def __init__(self, book: Book, send: Callable[[Msg], Awaitable[str]]) -> None:
        self.book, self._send = book, send
        self.queue: WorkQueue[LeaseID] = WorkQueue()
        """leases whose notice is over"""
        self._asked: dict[tuple[LeaseID, type[Msg]], int] = {}
        """step that was asked of the chain -> the height of asking"""

    async def end(self, live: Lease, reason: int) -> None:
        """`reason` is a CloseReason, or another number of the provider's, 10000–19999."""
        step = self._step(live, int(reason))
        if step is None or self.book.height < self._asked.get((step.id, type(step)), -SENT_BLOCKS) + SENT_BLOCKS:
            return  # not yet, or its block is on its way
        try:
            await self._ask(step)
        except TxRefused as no:
            other = _instead(step, no)
            if other is None:
                log.info("closing refused, the chain knows better", why=str(no))
                return
            log.warning("the promise of notice is not as the book has it", lease=str(live.id), why=str(no))
            await self._ask(other)

    def tick(self, height: int) -> None:
        """Once a block: whose notice is over."""
        self._asked = {step: at for step, at in self._asked.items() if height < at + SENT_BLOCKS}
        for lease in self.book.leases.values():
            if lease.state == "reclaiming" and self._is_over(lease):
                self.queue.put(lease.id)

    def failed(self, msg: Msg) -> None:
        """A message that had left came to nothing: it may be asked again."""
        if isinstance(msg, CloseBid | StartReclaim):
            self._asked.pop((msg.id, type(msg)), None)

    async def run(self) -> None:
        await work(self.queue, self.handle, what="lease")

    async def handle(self, lease: LeaseID) -> None:
        live = self.book.leases.get(lease)
        if live is not None and live.reclamation is not None:
            await self.end(live, live.reclamation.reason or CloseReason.UNSPECIFIED)

    def _step(self, live: Lease, reason: int) -> CloseBid | StartReclaim | None:
        if live.reclamation is None:
            return CloseBid(live.id, reason)
        if live.state == "active":
            return StartReclaim(live.id, reason)
        if live.state == "reclaiming" and self._is_over(live):
            return CloseBid(live.id, reason)
        return None

    def _is_over(self, lease: Lease) -> bool:
        """In whole seconds of block time, the very second included (chain-probes.md, recorded scenarios 20)."""
        return lease.reclamation is not None and self.book.time_unix_ns >= lease.reclamation.deadline_unix_s * 10**9

    async def _ask(self, step: CloseBid | StartReclaim) -> None:
        key = step.id, type(step)
        self._asked[key] = self.book.height
        try:
            await self._send(step)
        except BaseException:
            self._asked.pop(key, None)
            raise
        log.info("giving notice" if isinstance(step, StartReclaim) else "closing a lease", lease=str(step.id))


def _instead(step: CloseBid | StartReclaim, no: TxRefused) -> CloseBid | StartReclaim | None:
    match step, (no.codespace, no.code):
        case StartReclaim(lease, reason), known if known == NEVER_PROMISED:
            return CloseBid(lease, reason)
        case CloseBid(lease, reason), known if known == NOT_STARTED:
            return StartReclaim(lease, reason)
    return None
