"""What became of our bids: who won and at what price, or why nobody did, and how a lease of ours came to life.

A block's events tell it (chain.md §3.2, §6.4): losers get no event of their own, but the winner's lease names the
order and the price. Only orders we have a bid on are looked at, and nothing is asked of the chain, except at a start
(`catch_up`) about bids and leases that ended while nobody watched.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

import structlog

from bidengine.explain import compared
from bidengine.outcomes import (
    BID,
    FAILED_START,
    LOST_NOT_PRICE,
    LOST_PRICE,
    NO_MANIFEST,
    ORDER_CLOSED,
    WITHDRAWN,
    WON,
    rank,
)
from bidengine.views import CloseReason, Lease, Order, reason_name
from manifests.coins import DecCoin
from manifests.ids import LeaseID, OrderID
from provider.chain.events import (
    BidClosed,
    BidCreated,
    Block,
    DeploymentClosed,
    Event,
    LeaseClosed,
    LeaseCreated,
    OrderClosed,
)
from provider.cluster.health.workloads import ServiceHealth
from provider.errors import Refused
from provider.ledger.decisions import Decided, Decisions
from provider.market.book import Book

log = structlog.get_logger()


class Cluster(Protocol):
    """What is asked of provider.cluster.cluster.Cluster."""

    def leases(self) -> Mapping[LeaseID, object]: ...
    def health(self, lease: LeaseID) -> Mapping[str, ServiceHealth]: ...


class Chain(Protocol):
    """What is asked of provider.chain.query.Query."""

    async def order(self, order: OrderID) -> Order: ...
    async def leases(self, provider: str = "", state: str = "", *, owner: str = "") -> list[Lease]: ...


class Outcomes:
    """`of(block)` once for each block, *before* the book takes it in: the book still knows the bids it ends."""

    def __init__(self, book: Book, cluster: Cluster) -> None:
        self.book, self.cluster = book, cluster
        self._starting: set[LeaseID] = set(book.leases)
        """live leases of which not every service has been seen running; the only ones to be looked at each block"""
        self._unnoted: set[OrderID] = set()
        """orders with a bid on its way that an earlier process sent, and perhaps ended before it had noted that"""

    def of(self, block: Block) -> list[Decided]:
        """What this block settles, one code for each order, and leases that have come to life."""
        time_unix_s = block.time_unix_ns // 10**9
        placed: dict[OrderID, DecCoin] = {}
        found: dict[OrderID, Decided] = {}
        for event in block.events:
            if isinstance(event, BidCreated) and event.id.provider == self.book.us.owner:
                placed[event.id.order] = event.price
            for one in self._settled(event, placed, block.height):
                before = found.get(one.order)
                if before is None or rank(one.outcome) > rank(before.outcome):
                    found[one.order] = replace(one, time_unix_s=time_unix_s)
        self._starting.difference_update(event.id for event in block.events if isinstance(event, LeaseClosed))
        started = [lease for lease in sorted(self._starting) if lease in self.book.leases and self._runs(lease)]
        self._starting.difference_update(started)
        alive = [
            Decided(lease.order, block.height, WON, "all services run", time_unix_s, started_at=block.height)
            for lease in started
            if lease.order not in found
        ]
        return [*found.values(), *alive]

    async def catch_up(self, chain: Chain, decisions: Decisions, in_air: Collection[OrderID] = ()) -> list[Decided]:
        """What ended while we were away, going by the ledger's open ends; `chain` must be bound to the book's
        height. Bids `in_air` may still come into a block: they have not ended."""
        stored = set(self.cluster.leases())  # now: what is left of dead leases is being torn down meanwhile
        of_owner: dict[str, list[Lease]] = {}
        rows = await decisions.unsettled()
        self._unnoted.update(in_air)
        out = [_stands(order, bid.price, self.book.height) for order, bid in self.book.bids.items()
               if bid.state == "open" and order not in {row.order for row in rows}]  # fmt: skip
        for row in rows:
            ours = row.order.bid_of(self.book.us.owner)
            if row.started_at is not None:
                self._starting.discard(ours)
            if (live := self.book.leases.get(ours)) is not None:
                if row.outcome == BID:
                    out.append(self._won(live.id, live.price, live.created_at))
                continue
            if row.order in self.book.bids or row.order in in_air:
                continue
            if row.order.owner not in of_owner:  # one question for each tenant
                of_owner[row.order.owner] = await chain.leases(owner=row.order.owner)
            price = DecCoin(row.denom, row.price_e18) if row.price_e18 is not None else None
            out.append(
                await self._became(
                    row.order, price, of_owner[row.order.owner], chain, stored, ran=row.started_at is not None
                )
            )
        if out:
            log.info("found out what became of bids while nobody watched", orders=len(out))
        return [replace(one, time_unix_s=self.book.time_unix_ns // 10**9) for one in out]

    def _settled(self, event: Event, placed: Mapping[OrderID, DecCoin], height: int) -> Iterator[Decided]:
        us = self.book.us.owner
        match event:
            case BidCreated(bid, price) if bid.provider == us and bid.order in self._unnoted:
                yield _stands(bid.order, price, height)
            case LeaseCreated(lease, price) if lease.provider == us:
                self._starting.add(lease)
                yield self._won(lease, price, height)
            case LeaseCreated(lease, price):
                ours = self._our_price(lease.order, placed)
                if ours is not None:
                    yield _lost(lease, price, ours, height)
            case LeaseClosed(lease, reason) if lease.provider == us:
                ran = lease in self.book.leases and lease not in self._starting
                yield _ended(lease, reason, height, self.cluster.leases(), ran=ran)
            case OrderClosed(order) if self._our_price(order, placed) is not None:
                yield Decided(order, height, ORDER_CLOSED, "the order was closed before anybody got it")
            case DeploymentClosed(deployment):
                for order in {*self.book.bids, *placed}:
                    if order.deployment == deployment:
                        yield Decided(order, height, ORDER_CLOSED, "the deployment was closed before anybody got it")
            case BidClosed(bid) if bid.provider == us:
                yield Decided(bid.order, height, WITHDRAWN, "the bid was closed by our account")

    def _our_price(self, order: OrderID, placed: Mapping[OrderID, DecCoin]) -> DecCoin | None:
        bid = self.book.bids.get(order)
        return bid.price if bid is not None else placed.get(order)

    def _won(self, lease: LeaseID, price: DecCoin, height: int) -> Decided:
        seen = len(self.book.bids_on.get(lease.order, ()))
        detail = f"at {price} per block" + (f", {seen} bids were seen" if seen > 1 else "")
        return Decided(
            lease.order, height, WON, detail, price=price, winner=lease.provider, winner_price=price, leased_at=height
        )

    def _runs(self, lease: LeaseID) -> bool:
        services = self.cluster.health(lease) if lease in self.cluster.leases() else {}
        return bool(services) and all(service.available > 0 for service in services.values())

    async def _became(
        self, order: OrderID, price: DecCoin | None, leases: Sequence[Lease], chain: Chain, stored: Collection[LeaseID],
        *, ran: bool,
    ) -> Decided:  # fmt: skip
        height = self.book.height
        lease = next((found for found in leases if found.id.order == order), None)
        if lease is not None and lease.id.provider == self.book.us.owner:
            ended = _ended(lease.id, lease.reason, lease.closed_on, stored, ran=ran)
            won = self._won(lease.id, lease.price, lease.created_at)
            return replace(
                won, height=ended.height, outcome=ended.outcome, detail=ended.detail, ended_at=ended.ended_at
            )
        if lease is not None and price is not None:
            return _lost(lease.id, lease.price, price, lease.created_at)
        try:
            state = (await chain.order(order)).state
        except Refused:  # unknown, or nothing we can read
            state = "gone"
        if state == "open":
            return Decided(order, height, WITHDRAWN, "the bid was over when we came back")
        return Decided(order, height, ORDER_CLOSED, f"the order was {state} when we came back, nobody had got it")


def _stands(order: OrderID, price: DecCoin, height: int) -> Decided:
    return Decided(order, height, BID, "sent before the daemon was started anew", price=price)


def _lost(winner: LeaseID, theirs: DecCoin, ours: DecCoin, height: int) -> Decided:
    outcome = LOST_PRICE if theirs.amount_e18 < ours.amount_e18 else LOST_NOT_PRICE
    detail = f"{winner.provider} got it at {theirs} per block, {compared(ours.amount_e18, theirs.amount_e18)}"
    return Decided(winner.order, height, outcome, detail, price=ours, winner=winner.provider, winner_price=theirs)


def _ended(lease: LeaseID, reason: int, height: int, stored: Collection[LeaseID], *, ran: bool) -> Decided:
    """A lease that was paid for and never ran is told apart: it earns a bad name, and next to no money."""
    outcome, detail = WON, f"the lease ended ({reason_name(reason)})"
    if not ran:
        if reason == CloseReason.MANIFEST_TIMEOUT or lease not in stored:
            outcome, detail = NO_MANIFEST, f"{detail}, no manifest had come"
        else:
            outcome, detail = FAILED_START, f"{detail}, not all its services had ever run"
    return Decided(lease.order, height, outcome, detail, ended_at=height)
