"""What blocks mean for the ledger: leases that began or ended, and all that moved money of ours.

Events and signed bytes only say when and of which deployment it is worth asking what was paid (income.py); everything
else is taken from the bank's events (moves.py), so that the rows of an account add up to its balance. What happened
while nobody wrote is found by comparing (drift.py).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from typing import Protocol

import structlog

from bidengine.room import Room
from bidengine.usage import Span
from bidengine.views import Lease, OraclePrice, Order
from manifests.ids import LeaseID
from provider.chain.events import Block, PriceStaled, PriceTold
from provider.errors import Refused
from provider.ledger.books import Books, Ended, Entry, Head, Opened, Settled
from provider.ledger.journal import FIXED
from provider.market.book import Book, Touched
from provider.market.money import drift
from provider.market.money.income import Income
from provider.market.money.moves import Us, moves, refunded

log = structlog.get_logger()
PRICE_BLOCKS = 10
"""A price stands so long. While the oracle is fed every block tells one, and one that is not any more is told too
(chain-probes.md §3); this is for a chain that falls silent."""
_MOST_TOLD = 20


class Chain(drift.Chain, Protocol):
    async def oracle_price(self, denom: str = ...) -> OraclePrice | None: ...


class Accounts:
    """`reconcile` once at start, then `entries` for each block, in order."""

    def __init__(
        self,
        book: Book,
        room: Room,
        books: Books,
        chain_at: Callable[[int], Chain],
        others: Iterable[str] = (),
        own: Collection[str] = (),
    ) -> None:
        """`others`: accounts besides the provider's whose balance we keep; `own`: those that money is swept to."""
        self.book, self.room, self.books = book, room, books
        self.usd = dict(FIXED)
        """dollars ×10^18 of a whole coin as of the last block; without those whose price is not known"""
        self._told_at: dict[str, int] = {}
        self._chain_at = chain_at
        self._us = Us(book.us.owner, frozenset({book.us.owner, *others}), own=frozenset(own))
        self._income = Income(books.journal, book.us.owner)
        self._tenants: defaultdict[str, set[LeaseID]] = defaultdict(set)
        """leases by tenant that a settlement may credit, as of the last block: those that live, and those that are over
        and whose payment is not closed: left open, or a debt (chain.md §5.5, §5.6)"""
        for lease in book.leases:
            self._tenants[lease.owner].add(lease)

    async def entries(self, block: Block, touched: Touched) -> list[Entry]:
        """What one block, which the book has taken in, is for the ledger. When a question fails nothing has happened,
        and it may be asked again."""
        self._look_at_prices(block)
        back = refunded(block, self._us.owner)
        locked = await self.books.journal.deposits(back) if back else {}
        moved = moves(block, replace(self._us, locked=locked))
        chain = self._chain_at(block.height)
        income = await self._income.of(moved, chain, block.height, self._tenants, touched.closed, touched.opened)
        for lease in touched.opened & self.book.leases.keys():
            self._tenants[lease.owner].add(lease)
        states = dict.fromkeys(touched.closed, "") | {e.lease: e.state for e in income if isinstance(e, Settled)}
        for lease, state in states.items():
            unclosed = state not in ("", "closed")
            (self._tenants[lease.owner].add if unclosed else self._tenants[lease.owner].discard)(lease)
        opened = [entry for lease in sorted(touched.opened) for entry in self._opened(lease)]
        ended = [Ended(lease, self.book.height, reason) for lease, reason in sorted(touched.closed.items())]
        return [*opened, *ended, *income, *moved.postings]

    async def reconcile(self, before: Head | None) -> list[Entry]:
        """What happened while nobody wrote: compare the ledger, whose last height is `before`, with the chain at the
        book's."""
        chain, height = self._chain_at(self.book.height), self.book.height
        await self._ask_price(chain)
        for lease in await self.books.journal.unclosed():
            self._tenants[lease.owner].add(lease)
        skipped = before is not None and before.height < height  # blocks were skipped, not followed
        compare = drift.Compare(
            chain, height, self._us.owner, self._us.accounts, self.books, self.book.leases, self._span,
            before.height if before is not None and skipped else None,
        )  # fmt: skip
        found = [one async for one in compare.all()]
        for one in found[:_MOST_TOLD]:
            log.info("ledger brought up to date", what=one.what, name=one.name, chain=one.chain, ledger=one.ledger)
        if len(found) > _MOST_TOLD:
            log.info("ledger brought up to date", more=len(found) - _MOST_TOLD)
        return drift.entries(found)

    def _opened(self, lease: LeaseID) -> list[Entry]:
        """A lease won and lost in one block never ran: there is nothing to open."""
        found, order = self.book.leases.get(lease), self.book.orders.get(lease.order)
        return [Opened(self._span(found, order))] if found is not None and order is not None else []

    def _span(self, lease: Lease, order: Order) -> Span:
        return span_of(lease, order, self.room)

    def _look_at_prices(self, block: Block) -> None:
        for event in block.events:
            match event:
                case PriceTold(denom, usd_e18):
                    self._priced(f"u{denom}", usd_e18, block.height)
                case PriceStaled(denom):
                    self._unpriced(f"u{denom}")
        for coin in [coin for coin, height in self._told_at.items() if block.height - height > PRICE_BLOCKS]:
            self._unpriced(coin)

    def _priced(self, coin: str, usd_e18: int, height: int) -> None:
        self.usd[coin], self._told_at[coin] = usd_e18, height

    def _unpriced(self, coin: str) -> None:
        if self._told_at.pop(coin, None) is not None:
            del self.usd[coin]
            log.warning("the oracle tells no price any more, what is booked has no dollars beside it", coin=coin)

    async def _ask_price(self, chain: Chain) -> None:
        """Blocks tell it from now on."""
        try:
            found = await chain.oracle_price("akt")
        except Refused:  # a chain without an oracle
            return
        if found is not None and found.healthy and found.usd_e18 > 0:
            self._priced("uakt", found.usd_e18, self.book.height)


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
