"""What a new process finds again: the book at the height the ledger has reached, and every promise's room."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog

from bidengine.commit import Commit
from bidengine.node import Inventory
from bidengine.owners import shown_time
from bidengine.packing import Packing, Strategy
from bidengine.rebuild import rebuild
from bidengine.room import Room
from manifests.ids import OrderID
from provider.chain.client import Chain
from provider.chain.comet import Head as Tip
from provider.chain.follow import GapTooWide
from provider.errors import Fatal, Pruned, Refused
from provider.ledger.books import Books, Head
from provider.market.book import Book
from provider.metrics import Metrics
from provider.settings import BidSettings, ClusterSettings
from provider.tasks import insist

log = structlog.get_logger()
MOST_BEHIND = 2000
"""After a longer absence the blocks in between are not replayed; the present state is loaded and the ledger compared
with it."""
_TOLD_EVERY_LOOKS = 60
Waits = Callable[[str, int], None]
"""hears what is waited for, and how many blocks that is behind"""


async def remembered(
    chain: Chain, books: Books, provider: str, metrics: Metrics, *, waits: Waits = lambda what, behind: None,
    look_again_s: float = 1.0,
) -> Book:  # fmt: skip
    """The book at the height the ledger has reached, so that every block after it is seen; at the tip when that is
    too long ago, or when no node keeps what is needed. Blocks that are skipped for it are told and counted. Nodes that
    are away or behind are waited for: the ledger is right, and they will be back."""
    head = await books.head()
    tip = await _tip(chain, head, waits, look_again_s)
    if head is not None:
        at = head
        try:
            await _can_be_followed(chain, at.height, tip.height)
            return await insist(
                "the book", lambda: Book.load(chain.at(at.height), provider, at.height, at.time_unix_ns)
            )
        except (Refused, GapTooWide, Pruned) as gone:
            tip = await _tip(chain, head, waits, look_again_s)  # nodes may have been away for hours since the last look
            skipped = tip.height - head.height
            log.warning("blocks are skipped, the present state is loaded", after=head.height, at=tip.height,
                        skipped=skipped, why=str(gone))  # fmt: skip
            metrics.skipped.inc(skipped)
            metrics.reloads.inc()
    return await Book.load(chain.at(tip.height), provider, tip.height, tip.time_unix_ns)


async def _tip(chain: Chain, head: Head | None, waits: Waits, look_again_s: float) -> Tip:
    """Not below what the ledger has reached. Nodes below it are behind as long as their last block is older than the
    ledger's; one that is younger belongs to another chain of the same name, as does a block of another time at the
    ledger's height, and no waiting helps. Fatal then."""
    looks = 0
    while True:
        tip = await insist("the chain's height", chain.head)
        behind = 0 if head is None else head.height - tip.height
        if head is None:
            return tip
        if behind <= 0:
            await _same_chain(chain, head, tip)
            return tip
        if tip.time_unix_ns >= head.time_unix_ns:
            raise Fatal(
                f"the ledger has reached height {head.height}; the nodes are at {tip.height}, in a block younger than"
                f" that: they serve another chain of this name. Point chain.nodes at the one the ledger is of."
            )
        waits(f"the nodes are at height {tip.height}, {behind} blocks behind the ledger's {head.height}", behind)
        if looks % _TOLD_EVERY_LOOKS == 0:
            log.warning("waiting for a node in step", ledger=head.height, nodes=tip.height, behind=behind)
        looks += 1
        await asyncio.sleep(look_again_s)


async def _same_chain(chain: Chain, head: Head, tip: Tip) -> None:
    """Fatal when the block that the ledger has reached is another one there. Where it is pruned nobody can tell."""
    found: int | None = tip.time_unix_ns
    if tip.height > head.height:
        found = await insist(f"block {head.height}", lambda: chain.time_at(head.height))
    if found is not None and found != head.time_unix_ns:
        raise Fatal(
            f"the ledger has reached block {head.height} of {shown_time(head.time_unix_ns // 10**9)}; that of the nodes"
            f" is of {shown_time(found // 10**9)}: they serve another chain of this name. Point chain.nodes at the one"
            f" the ledger is of."
        )


async def _can_be_followed(chain: Chain, height: int, tip: int) -> None:
    """GapTooWide unless the blocks from there on are few enough, and the next one can be read."""
    if tip - height > MOST_BEHIND:
        raise GapTooWide(height, tip, f"more than {MOST_BEHIND} blocks are missing")
    gap = await chain.gap_after(height) if height < tip else None
    if gap is not None:
        raise gap


def rebuilt(
    book: Book, inventory: Inventory, cluster: ClusterSettings, bids: BidSettings
) -> tuple[Room, dict[OrderID, str]]:
    """All promises again: leases are kept whether they fit or not, open bids get their room back if it is there, last
    those whose order is said to be over, since that room may have been promised to others already.
    Also the open bids that can no longer be kept, with the reason: they must be closed before a tenant accepts them."""
    room = seen(inventory, cluster, bids)
    specs = {key: order.spec for key, order in book.orders.items()}
    offers = {key: bid.offer for key, bid in book.bids.items()}
    leases = [
        (one, specs[one.id.order], offers.get(one.id.order, ()))
        for one in book.leases.values()
        if one.id.order in specs
    ]
    open_bids = [(bid, specs[key]) for key, bid in book.bids.items() if key in specs]
    waiting = [(bid, spec) for bid, spec in open_bids if book.orders[bid.id.order].state == "open"]
    unkept = (*rebuild(room, leases, waiting), *rebuild(room, (), open_bids))
    return room, {bid.id.order: no.detail for bid, no in unkept}


def seen(inventory: Inventory, cluster: ClusterSettings, bids: BidSettings) -> Room:
    """Room without any promise, as the operator wants it sold and filled."""
    room = Room(
        Commit(cluster.overcommit_cpu_percent, cluster.overcommit_memory_percent, cluster.overcommit_storage_percent),
        Packing(Strategy(bids.packing), bids.gpu_node_cpu_share_percent),
    )
    room.see(inventory)
    return room
