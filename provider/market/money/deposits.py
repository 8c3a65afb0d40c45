"""Where the deposits of our bids are: one each, locked until the bid is lost or closed, and for a lease's whole life
(chain.md §2.2).

The subtlety are losers. Of several, the chain ends one and leaves the others open, tells nobody, and never frees them,
not even with the deployment's end (chain.md §6.4, chain-probes.md §11.6). Such a bid is found here by asking the chain
for all of ours, whatever the book believes, and handed to `orders`, which closes it once a block or a second node has
said the same, or its time is over. An order that cannot be read, such as every one after an upgrade of the chain that
this version does not know, may well be open: its bid is left and told.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

import structlog

from bidengine.views import Bid, Deposit, LockedBid, Order
from manifests.ids import LeaseID, OrderID
from provider.errors import NotFound, Pruned, Refused, Retry
from provider.market.book import Book
from provider.metrics import Sample
from provider.tasks import each

log = structlog.get_logger()
SURVEY_S = 600.0
AGAIN_S = 60.0
"""after one that came to nothing: at a newer height then, since nodes may keep few"""
GONE, UNREADABLE = "gone", "unreadable"


class Chain(Protocol):
    """What is asked of provider.chain.query.Query, bound to a height."""

    async def locked_bids(self, provider: str, state: str = ...) -> list[LockedBid]: ...
    async def order(self, order: OrderID) -> Order: ...


@dataclass(frozen=True, slots=True)
class Locked:
    """A bid of ours that is open or won, and what is locked for it."""

    bid: Bid
    order_state: str
    """open, active, closed; gone where the chain does not know it, unreadable where this version does not"""
    lives: bool
    """as a lease"""
    deposits: tuple[Deposit, ...]

    @property
    def stale(self) -> bool:
        """It can win no more, and is no lease: the deposit lies there for nothing."""
        return not self.lives if self.bid.state == "active" else self.order_state not in ("open", UNREADABLE)

    @property
    def unreadable(self) -> bool:
        """Whether it is stale nobody can tell."""
        return self.bid.state == "open" and self.order_state == UNREADABLE

    @property
    def reclaimable(self) -> bool:
        """Closing the bid brings it back."""
        return self.stale and self.bid.state == "open"

    @property
    def why(self) -> str:
        if self.unreadable:
            return "its order cannot be read: is there a newer akp?"
        match self.bid.state, self.stale:
            case "open", False:
                return "waits for an answer"
            case "open", True:
                return f"lost: the order is {self.order_state}"
            case _, False:
                return "leased"
        return "won, but there is no lease"


async def survey(
    chain: Chain, provider: str, orders: Mapping[OrderID, Order], leases: Collection[LeaseID]
) -> list[Locked]:
    """All that is locked for this provider's bids at `chain`'s height: two lists, and a question for each order that
    is not among `orders`."""
    listed = [found for state in ("open", "active") for found in await chain.locked_bids(provider, state)]
    locked = [found for found in listed if found.account_state != "closed"]
    wanted = {found.bid.id.order for found in locked}
    states = {order: orders[order].state for order in wanted & orders.keys()}  # blocks may change `orders` from here on
    states |= await each(wanted - states.keys(), lambda order: _state(chain, order), what="orders")
    out = [Locked(one.bid, states[one.bid.id.order], one.bid.id in leases, one.deposits) for one in locked]
    return sorted(out, key=lambda locked: (not locked.stale, locked.bid.created_at, locked.bid.id))


class Deposits:
    """`found` is what the last survey saw; `run` surveys at the start and every ten minutes."""

    def __init__(self, book: Book, chain_at: Callable[[int], Chain], look: Callable[[Iterable[OrderID]], None]) -> None:
        self.book = book
        self.found: list[Locked] = []
        self._chain_at, self._look = chain_at, look
        self._told: set[OrderID] = set()

    async def run(self) -> None:
        while True:
            try:
                await self.read()
            except (Retry, Refused, Pruned) as trouble:
                log.warning("the deposits of bids could not be read", why=str(trouble), again_in_s=AGAIN_S)
                await asyncio.sleep(AGAIN_S)
            else:
                await asyncio.sleep(SURVEY_S)

    async def read(self) -> None:
        book = self.book
        self.found = await survey(self._chain_at(book.height), book.us.owner, book.orders, book.leases)
        stale = [locked for locked in self.found if locked.reclaimable]
        for locked in stale:
            # One that the book had given up is known again; `orders` asks the chain once more before it closes it.
            book.bids.setdefault(locked.bid.id.order, locked.bid)
            book.unreadable.discard(locked.bid.id.order)
        if stale:
            log.warning("bids are still open whose order is over, they are to be closed", bids=len(stale))
            self._look([locked.bid.id.order for locked in stale])
        unreadable = [locked.bid.id.order for locked in self.found if locked.unreadable]
        if not self._told.issuperset(unreadable):
            log.error("orders of open bids cannot be read, their bids are left as they are", bids=len(unreadable),
                      first=str(unreadable[0]), cure="is there a newer akp, for an upgrade of the chain?")  # fmt: skip
        self._told = set(unreadable)

    def gauges(self) -> Iterator[Sample]:
        sums: Counter[tuple[str, str, str]] = Counter()
        for locked in self.found:
            for deposit in locked.deposits:
                sums[deposit.left.denom, deposit.source, locked.bid.state] += deposit.left.amount_e18
        for (denom, source, bid), e18 in sums.items():
            yield "akp_deposits_locked_utokens", {"denom": denom, "source": source, "bid": bid}, e18 / 1e18
        yield "akp_deposits_stale", {}, sum(locked.stale for locked in self.found)


async def _state(chain: Chain, order: OrderID) -> str:
    try:
        return (await chain.order(order)).state
    except NotFound:
        return GONE
    except Refused:  # there, but nothing we can read
        return UNREADABLE
