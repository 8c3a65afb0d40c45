"""The book: what concerns us of the market on chain, kept in step with its blocks.

`apply(block)` changes only the book and says which keys to look at. It never asks the chain; where an event tells
too little (an order's resources, a lease's reclamation terms), the key lands in `Touched.missing_*` and `fill`
fetches it afterwards, at the height of that very block. Events are triggers, not truth: applying one twice, or late,
does no harm.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Protocol

import structlog

from bidengine.views import LIVE, Bid, Deployment, Lease, MarketParams, Order, Provider
from manifests.ids import BidID, DeploymentID, LeaseID, OrderID
from manifests.resources import Attributes
from provider.chain.events import (
    AuditChanged,
    BidClosed,
    BidCreated,
    Block,
    DeploymentClosed,
    DeploymentUpdated,
    GroupChanged,
    LeaseClosed,
    LeaseCreated,
    LeaseReclaimStarted,
    OrderClosed,
    OrderCreated,
    ProviderChanged,
)
from provider.errors import ConfigError, NotFound, Refused

log = structlog.get_logger()


class Chain(Protocol):
    """The queries the book asks, all bound to one height (provider.chain.query.Query)."""

    async def orders(self, state: str = "open", owner: str = "") -> list[Order]: ...
    async def order(self, order: OrderID) -> Order: ...
    async def bids(self, provider: str, state: str = "") -> list[Bid]: ...
    async def bid(self, bid: BidID) -> Bid: ...
    async def leases(self, provider: str = "", state: str = "") -> list[Lease]: ...
    async def lease(self, lease: LeaseID) -> Lease: ...
    async def deployment(self, deployment: DeploymentID) -> Deployment: ...
    async def provider(self, owner: str) -> Provider: ...
    async def audited(self, owner: str) -> dict[str, Attributes]: ...
    async def market_params(self) -> MarketParams: ...


@dataclass(slots=True)
class Touched:
    """Keys to look at after a block."""

    orders: set[OrderID] = field(default_factory=set)
    leases: set[LeaseID] = field(default_factory=set)
    opened: set[LeaseID] = field(default_factory=set)
    """leases of ours that began in this block"""
    closed: dict[LeaseID, int] = field(default_factory=dict)
    """leases of ours that ended in this block, with the chain's reason"""
    missing_orders: set[OrderID] = field(default_factory=set)
    missing_leases: set[LeaseID] = field(default_factory=set)
    missing_deployments: set[DeploymentID] = field(default_factory=set)
    provider: bool = False
    """our record or what auditors say of us has changed"""


@dataclass(slots=True)
class Book:
    us: Provider
    params: MarketParams
    height: int
    time_unix_ns: int
    orders: dict[OrderID, Order] = field(default_factory=dict)
    """open orders, and those we have a bid or lease on"""
    bids: dict[OrderID, Bid] = field(default_factory=dict)
    """ours that are not known to be over"""
    leases: dict[LeaseID, Lease] = field(default_factory=dict)
    """ours that live"""
    unreadable: set[OrderID] = field(default_factory=set)
    """of our open bids, those whose order is there and cannot be read, such as every one after an upgrade of the chain
    that this version does not know: nobody can tell whether it is still to be won, until a block ends it"""
    over: set[OrderID] = field(default_factory=set)
    """of our open bids, those whose order a block has ended, so that nobody can accept them; what an answer says of an
    order's end is not among them, since one node alone may be wrong (chain/confirm.py)"""
    deployments: dict[DeploymentID, Deployment] = field(default_factory=dict)
    """those we have a live lease of"""
    bids_on: dict[OrderID, set[str]] = field(default_factory=dict)
    """who has bid on an open order, as far as we have seen it. One bid per provider for ever, and a closed one keeps
    its place (chain.md §2.2): nobody is ever taken off, and nobody is counted twice"""

    @classmethod
    async def load(cls, chain: Chain, provider: str, height: int, time_unix_ns: int) -> Book:
        """Everything at one height; `chain` must be pinned to it. ConfigError when the provider is not registered."""
        try:
            us = await chain.provider(provider)
        except NotFound:
            raise ConfigError(
                "key",
                f"{provider} is not registered as a provider on this chain",
                "Register it (MsgCreateProvider), or use the key of the account that is.",
            ) from None
        book = cls(
            replace(us, audited=await chain.audited(provider)), await chain.market_params(), height, time_unix_ns
        )
        for order in await chain.orders(state="open"):
            book.orders[order.id] = order
        for state in ("open", "active"):
            for bid in await chain.bids(provider=provider, state=state):
                book.bids[bid.id.order] = bid
        for state in LIVE:
            for lease in await chain.leases(provider=provider, state=state):
                book.leases[lease.id] = lease
        # An active bid is the lease's other face: without a live lease it is over.
        for key, bid in list(book.bids.items()):
            if bid.state == "active" and bid.id not in book.leases:
                del book.bids[key]
        await book.fill(
            chain,
            Touched(
                missing_orders={
                    key for key in (*book.bids, *(lease.order for lease in book.leases)) if key not in book.orders
                },
                missing_deployments={lease.deployment for lease in book.leases},
            ),
        )
        return book

    def apply(self, block: Block) -> Touched:
        """Take in one block. Pure but for the book itself."""
        touched = Touched()
        self.height, self.time_unix_ns = block.height, block.time_unix_ns
        for event in block.events:
            match event:
                case OrderCreated(order):
                    touched.orders.add(order)
                    if order not in self.orders:
                        touched.missing_orders.add(order)
                case OrderClosed(order):
                    self._order_over(order, touched)
                case BidCreated(bid, price):
                    if bid.order in self.orders or bid.order in touched.missing_orders:
                        self.bids_on.setdefault(bid.order, set()).add(bid.provider)
                    if bid.provider == self.us.owner:
                        self.bids[bid.order] = Bid(bid, "open", price, block.height)
                        touched.orders.add(bid.order)
                        if bid.order not in self.orders:  # an earlier process, perhaps an earlier version, has sent it
                            touched.missing_orders.add(bid.order)
                case BidClosed(bid) if bid.provider == self.us.owner:
                    self._bid_over(bid.order)
                    touched.orders.add(bid.order)
                case LeaseCreated(lease, price):
                    self._matched(lease, touched)
                    if lease.provider == self.us.owner:
                        self._won(Lease(lease, "active", price, block.height), touched)
                case LeaseClosed(lease, reason) if lease.provider == self.us.owner:
                    self._lease_over(lease, reason, touched)
                case LeaseReclaimStarted(lease, _, _) if lease in self.leases:
                    touched.missing_leases.add(lease)
                    touched.leases.add(lease)
                case DeploymentUpdated(deployment, digest) if deployment in self.deployments:
                    self.deployments[deployment] = replace(self.deployments[deployment], hash=digest)
                    touched.leases.update(lease for lease in self.leases if lease.deployment == deployment)
                case DeploymentClosed(deployment):
                    for order in [o for o in (*self.orders, *self.unreadable) if o.deployment == deployment]:
                        self._order_over(order, touched)
                case GroupChanged(group):
                    touched.orders.update(o for o in self.orders if o.group == group)
                case ProviderChanged(owner) if owner == self.us.owner:
                    touched.provider = True
                case AuditChanged(owner, _) if owner == self.us.owner:
                    touched.provider = True
        return touched

    async def fill(self, chain: Chain, touched: Touched) -> None:
        """Fetch what events could not tell, from `chain` pinned to the book's height. What is gone already is left
        out."""
        wanted = {key for key in touched.missing_orders if key not in self.orders}
        for owner, count in _owners(wanted).items():
            if count > 3:  # one list costs less than many single questions, and a burst comes from few owners
                for order in await chain.orders(state="open", owner=owner):
                    if order.id in wanted:
                        self.orders[order.id] = order
        for key in sorted(key for key in wanted if key not in self.orders):
            try:
                self.orders[key] = await chain.order(key)
            except NotFound:
                continue
            except Refused as odd:  # one tenant's strange order must not stop the others'
                self._cannot_be_read(key, odd)
        for key in wanted:
            self._drop_if_unneeded(key)  # opened and over in one block
            if key not in self.orders:
                self.bids_on.pop(key, None)
        for lease in touched.missing_leases:
            try:
                found = await chain.lease(lease)
            except NotFound:
                continue
            if found.live:
                self.leases[lease] = found
        for deployment in touched.missing_deployments:
            try:
                self.deployments[deployment] = await chain.deployment(deployment)
            except NotFound:
                continue
            except Refused as odd:
                log.warning("a deployment that cannot be read is left out", deployment=str(deployment), why=str(odd))
        if touched.provider:
            # Both are asked whole: an event tells neither what was signed nor what was taken back.
            try:
                record = await chain.provider(self.us.owner)
            except NotFound:
                log.error("our provider record is gone; the chain will refuse our bids", provider=self.us.owner)
                record = self.us
            self.us = replace(record, audited=await chain.audited(self.us.owner))

    def forget_bid(self, order: OrderID) -> None:
        """The chain said our bid is over although no event did (chain.md §6.4: losers are not told)."""
        self._bid_over(order)
        self._drop_if_unneeded(order)

    def lease_of(self, order: OrderID) -> Lease | None:
        return self.leases.get(order.bid_of(self.us.owner))

    def _cannot_be_read(self, order: OrderID, odd: Refused) -> None:
        bid = self.bids.get(order)
        if bid is None or bid.state != "open":
            log.warning("an order that cannot be read is left out", order=str(order), why=str(odd))
        elif order not in self.unreadable:
            self.unreadable.add(order)
            log.error("the order of an open bid cannot be read, the bid is left as it is", order=str(order),
                      why=str(odd), cure="is there a newer akp, for an upgrade of the chain?")  # fmt: skip

    def _matched(self, lease: LeaseID, touched: Touched) -> None:
        """An order found its provider: it is no longer open, whoever won."""
        if lease.order in self.bids and lease.provider != self.us.owner:
            self.over.add(lease.order)
        if lease.order in self.unreadable:
            self.unreadable.discard(lease.order)
            touched.orders.add(lease.order)
        order = self.orders.get(lease.order)
        if order is not None:
            self.orders[lease.order] = replace(order, state="active")
            touched.orders.add(lease.order)
            if lease.order not in self.bids and lease.provider != self.us.owner:
                self._drop_if_unneeded(lease.order)

    def _won(self, lease: Lease, touched: Touched) -> None:
        self.leases[lease.id] = lease
        ours = self.bids.get(lease.id.order)
        if ours is not None:
            self.bids[lease.id.order] = replace(ours, state="active")
        touched.leases.add(lease.id)
        touched.opened.add(lease.id)
        touched.missing_leases.add(lease.id)
        touched.missing_deployments.add(lease.id.deployment)
        if lease.id.order not in self.orders:
            touched.missing_orders.add(lease.id.order)

    def _lease_over(self, lease: LeaseID, reason: int, touched: Touched) -> None:
        touched.closed[lease] = reason
        touched.leases.add(lease)
        touched.orders.add(lease.order)
        self.leases.pop(lease, None)
        self._bid_over(lease.order)
        if not any(other.deployment == lease.deployment for other in self.leases):
            self.deployments.pop(lease.deployment, None)
        self._drop_if_unneeded(lease.order)

    def _order_over(self, order: OrderID, touched: Touched) -> None:
        touched.orders.add(order)
        self.unreadable.discard(order)
        if order in self.bids:
            self.over.add(order)
        found = self.orders.get(order)
        if found is not None:
            self.orders[order] = replace(found, state="closed")
        self._drop_if_unneeded(order)

    def _bid_over(self, order: OrderID) -> None:
        self.bids.pop(order, None)
        self.unreadable.discard(order)
        self.over.discard(order)

    def _drop_if_unneeded(self, order: OrderID) -> None:
        """An order that is over is kept only while a bid or lease of ours still refers to it."""
        found = self.orders.get(order)
        if (
            found is not None
            and found.state != "open"
            and order not in self.bids
            and order.bid_of(self.us.owner) not in self.leases
        ):
            del self.orders[order]
            self.bids_on.pop(order, None)


def _owners(keys: Iterable[OrderID]) -> dict[str, int]:
    count: dict[str, int] = {}
    for key in keys:
        count[key.owner] = count.get(key.owner, 0) + 1
    return count
