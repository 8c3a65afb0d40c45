"""The heart: takes in each block and tells every part which keys to look at.

A block is taken whole or not at all: what it touches is fetched at its own height, what was paid is booked together
with the cursor, and only then is anybody told. A node that does not answer is waited for.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import structlog

from bidengine.room import Room
from provider.chain.client import Chain
from provider.chain.events import Block
from provider.chain.follow import GapTooWide
from provider.chain.messages import CloseBid, CreateBid
from provider.chain.tx.signer import Signer
from provider.cluster.cluster import Cluster
from provider.errors import Fatal, Pruned
from provider.ledger.books import Books, Head, Paid
from provider.market.bids.orders import Orders
from provider.market.bids.outcomes import Outcomes
from provider.market.book import Book
from provider.market.leases.leases import Leases
from provider.market.money.accounts import Accounts
from provider.market.money.funds import Funds
from provider.market.pricing import Pricing
from provider.market.restart import MOST_BEHIND
from provider.metrics import Metrics
from provider.tasks import insist

log = structlog.get_logger()


@dataclass(slots=True)
class Follower:
    """All parts that a block concerns."""

    chain: Chain
    book: Book
    room: Room
    books: Books
    cluster: Cluster
    signer: Signer
    orders: Orders
    leases: Leases
    funds: Funds
    accounts: Accounts
    pricing: Pricing
    metrics: Metrics
    outcomes: Outcomes = field(init=False)
    _seen_inventory: int = -1

    def __post_init__(self) -> None:
        self.outcomes = Outcomes(self.book, self.cluster)

    async def run(self) -> None:
        at = self.chain.at(self.book.height)
        in_air = {msg.id.order for msg in self.signer.under_way if isinstance(msg, CreateBid)}
        found = await insist("ended bids", lambda: self.outcomes.catch_up(at, self.books.decisions, in_air))
        await self.books.decisions.note(*found)
        self.funds.booked((), await self.books.journal.uncollected(), self.book.height)
        try:
            async for block in self.chain.follow(
                after=self.book.height, after_unix_ns=self.book.time_unix_ns, most=MOST_BEHIND
            ):
                await self.take(block)
        except (GapTooWide, Pruned) as gap:
            raise Fatal(f"{gap}; starting anew loads the present state") from None

    async def take(self, block: Block) -> None:
        outcomes = self.outcomes.of(block)  # the book still knows the bids that this block ends
        touched = self.book.apply(block)
        # A node that is silent is waited for: no block may be left half taken in, and none can be skipped.
        await insist("what the block touches", lambda: self.book.fill(self.chain.at(block.height), touched))
        entries = await insist("what was paid", lambda: self.accounts.entries(block, touched))
        self.funds.booked({entry.lease for entry in entries if isinstance(entry, Paid)}, touched.closed, block.height)
        failures = self.signer.look(block)  # what became of transactions is written together with the cursor
        await self.books.advance(Head(block.height, block.time_unix_ns), [*entries, *outcomes], self.accounts.usd)
        for outcome in outcomes:
            self.metrics.outcomes.labels(outcome=outcome.outcome).inc()
        for reason in touched.closed.values():
            self.metrics.leases.labels(reason=str(reason)).inc()
        for failed in failures:
            self.metrics.failed.labels(message=type(failed.msg).__name__).inc()
            if isinstance(failed.msg, CreateBid):
                self.orders.failed(failed.msg, failed.error)
                continue
            log.error("a message came to nothing", message=type(failed.msg).__name__, why=str(failed.error))
            self.funds.failed(failed.msg)
            self.leases.closing.failed(failed.msg)
            if isinstance(failed.msg, CloseBid):
                self.orders.close_failed(failed.msg.id.order)
            self.leases.look_at_all()
        self.room_moved()
        prices_changed = self.pricing.look()
        if prices_changed or touched.provider:
            self.orders.look_at_declined(prices_changed=prices_changed)
        self.orders.look(touched.orders)
        self.leases.look(touched.leases)
        self.funds.opened(touched.opened)
        self.funds.guard(touched.orders)
        for part in (self.orders, self.leases, self.leases.closing, self.funds):
            part.tick(block.height)
        self.metrics.blocks.inc()

    def room_moved(self) -> None:
        """The cluster's objects have changed: what is free is read anew, and so is each order declined."""
        if self.cluster.inventory_version != self._seen_inventory:
            self._seen_inventory = self.cluster.inventory_version
            self.room.see(self.cluster.inventory())
            self.orders.look_at_declined()
