"""What a new process finds again: the book at the height the ledger has reached, and every promise's room."""

from __future__ import annotations

import structlog

from bidengine.commit import Commit
from bidengine.node import Inventory
from bidengine.offer import narrowed
from bidengine.reasons import Decline
from bidengine.room import Room
from provider.chain.client import Chain
from provider.errors import Fatal, Refused
from provider.ledger.books import Books
from provider.market.book import Book
from provider.settings import ClusterSettings

log = structlog.get_logger()
MOST_BEHIND = 2000
"""After a longer absence the blocks in between are not replayed; the present state is loaded and the ledger compared
with it."""


async def remembered(chain: Chain, books: Books, provider: str) -> Book:
    """The book at the height the ledger has reached, so that every block after it is seen; at the tip when that is
    too long ago."""
    tip, head = await chain.head(), await books.head()
    if head is not None and head.height > tip.height:
        raise Fatal(
            f"the ledger has reached height {head.height}, the chain is at {tip.height}: this is another chain, or the"
            f" node is far behind. Point chain.grpc at a node that is in step, or `data` at an empty directory."
        )
    if head is not None and tip.height - head.height <= MOST_BEHIND:
        try:
            return await Book.load(chain.at(head.height), provider, head.height, head.time_unix_ns)
        except Refused as gone:
            log.warning("the state of that height is gone", height=head.height, tip=tip.height, why=str(gone))
    elif head is not None:
        log.warning("too far behind to replay", height=head.height, tip=tip.height)
    return await Book.load(chain.at(tip.height), provider, tip.height, tip.time_unix_ns)


def rebuilt(book: Book, inventory: Inventory, settings: ClusterSettings) -> Room:
    """All promises again: leases are adopted whether they fit or not, open bids get their room back if it is there."""
    c = settings
    room = Room(Commit(c.overcommit_cpu_percent, c.overcommit_memory_percent, c.overcommit_storage_percent))
    room.see(inventory)
    for lease in sorted(book.leases.values(), key=lambda lease: lease.created_at):
        order, bid = book.orders.get(lease.id.order), book.bids.get(lease.id.order)
        if order is not None:
            room.adopt(lease.id, narrowed(order.spec, bid.offer) if bid else order.spec, height=lease.created_at)
    for key, bid in book.bids.items():
        order = book.orders.get(key)
        if bid.state == "open" and order is not None:
            promised = narrowed(order.spec, bid.offer)
            placement = room.fit(promised)
            if isinstance(placement, Decline):
                log.warning("an open bid no longer fits", order=str(key), why=placement.detail)
                continue
            room.hold(key, promised, placement, height=bid.created_at)
            room.bid(key)
    return room
