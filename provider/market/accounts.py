"""What a block means for the ledger: leases that began or ended, and money that arrived.

Money is read from the chain's own running total of each lease (`withdrawn`), never added up from events: a total
cannot be missed or counted twice. Events only say when it is worth asking.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol

import structlog

from bidengine.room import Room
from bidengine.usage import Span
from bidengine.views import EscrowPayment, Lease, Order
from manifests.ids import DeploymentID, LeaseID, OrderID
from provider.errors import NotFound, Refused, Retry
from provider.ledger.books import Books, Ended, Entry, Head, Opened, Paid
from provider.market.book import Book, Touched

log = structlog.get_logger()


class Chain(Protocol):
    async def escrow_payments(self, deployment: DeploymentID) -> list[EscrowPayment]: ...
    async def lease(self, lease: LeaseID) -> Lease: ...
    async def leases(self, provider: str = "", state: str = "") -> list[Lease]: ...
    async def order(self, order: OrderID) -> Order: ...


class Accounts:
    """`entries` for each block, `reconcile` once at start."""

    def __init__(self, book: Book, room: Room, books: Books, chain_at: Callable[[int], Chain]) -> None:
        self.book, self.room, self.books = book, room, books
        self._chain_at = chain_at
        self._totals: dict[LeaseID, int] = {}
        """what the ledger has booked of live leases, so that an unchanged total is no news"""

    async def entries(self, touched: Touched, withdrawn: Iterable[LeaseID] = ()) -> list[Entry]:
        """`withdrawn`: live leases whose withdrawal may have been in this block."""
        known = dict(self._totals)
        try:
            return await self._entries(touched, withdrawn)
        except Retry:
            self._totals = known  # nothing has been booked: the same totals are news again at the next try
            raise

    async def reconcile(self, before: Head | None) -> list[Entry]:
        """What happened while nobody wrote: compare the ledger, whose last height is `before`, with the chain at the
        book's."""
        out: list[Entry] = []
        if before is not None and before.height < self.book.height:  # blocks were skipped, not followed
            out.extend(await self._missed(before.height))
        known = await self.books.open_leases()
        for lease in sorted(self.book.leases):
            if lease not in known:
                out.extend(self._opened(self.book.leases[lease]))
            out.extend(await self._paid(lease, self.book.height, "found"))
        for lease in sorted(known - self.book.leases.keys()):
            try:
                ended = await self._chain_at(self.book.height).lease(lease)
            except NotFound:
                log.error("a lease of the ledger is unknown to the chain", lease=str(lease))
                continue
            if not ended.live:
                out.append(Ended(lease, ended.closed_on, ended.reason))
                out.extend(await self._paid(lease, self.book.height, "found"))
        if out:
            log.info("ledger brought up to date", entries=len(out), height=self.book.height)
        return out

    async def _missed(self, after_height: int) -> list[Entry]:
        """Leases of ours that began and ended in blocks nobody read."""
        out: list[Entry] = []
        chain = self._chain_at(self.book.height)
        for state in ("closed", "insufficient_funds"):
            for lease in await chain.leases(self.book.us.owner, state):
                if lease.created_at <= after_height:
                    continue
                try:
                    order = await chain.order(lease.id.order)
                except Refused as odd:
                    log.error("a lease was missed and cannot be booked", lease=str(lease.id), why=str(odd))
                    continue
                out.append(Opened(span_of(lease, order, self.room)))
                out.append(Ended(lease.id, lease.closed_on, lease.reason))
                out.extend(await self._paid(lease.id, self.book.height, "found"))
        return out

    async def _entries(self, touched: Touched, withdrawn: Iterable[LeaseID]) -> list[Entry]:
        out: list[Entry] = []
        for lease in sorted(touched.opened):
            out.extend(self._opened(self.book.leases.get(lease)))
        for lease, reason in sorted(touched.closed.items()):
            out.append(Ended(lease, self.book.height, reason))
            out.extend(await self._paid(lease, self.book.height, "closed"))
            self._totals.pop(lease, None)
        for lease in sorted(set(withdrawn) - touched.closed.keys()):
            out.extend(await self._paid(lease, self.book.height, "withdraw"))
        return out

    def _opened(self, lease: Lease | None) -> list[Entry]:
        """A lease won and lost in one block never ran: there is nothing to open."""
        order = self.book.orders.get(lease.id.order) if lease is not None else None
        if lease is None or order is None:
            return []
        return [Opened(span_of(lease, order, self.room))]

    async def _paid(self, lease: LeaseID, height: int, reason: str) -> list[Entry]:
        payments = await self._chain_at(height).escrow_payments(lease.deployment)
        total = next((p.withdrawn for p in payments if p.lease == lease), None)
        if total is None or total.amount <= self._totals.get(lease, 0):
            return []
        self._totals[lease] = total.amount
        return [Paid(lease, height, total, reason)]


def span_of(lease: Lease, order: Order, room: Room) -> Span:
    """What the lease uses from its first block on: all replicas of all units, as ordered."""
    units = order.spec.resources
    storage: dict[str, int] = {}
    for unit in units:
        for volume in unit.resources.storage:
            name = volume.storage_class or ("default" if volume.persistent else "ephemeral")
            storage[name] = storage.get(name, 0) + volume.quantity_bytes * unit.count
    hold = room.holds.get(lease.id.order)
    cards = {slot.gpu.key() for slot in hold.placement.slots if slot.gpu is not None} if hold is not None else set()
    return Span(
        lease=lease.id,
        from_height=lease.created_at,
        to_height=None,
        rate=lease.price,
        cpu_milli=sum(u.resources.cpu.milli * u.count for u in units),
        memory_bytes=sum(u.resources.memory.quantity_bytes * u.count for u in units),
        gpu_units=sum(u.resources.gpu.units * u.count for u in units),
        gpu_model=",".join(sorted(cards)),
        storage=tuple(sorted(storage.items())),
    )
