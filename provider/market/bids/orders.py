"""An order's way to a bid: look, screen, find room, hold it, price, send; and back: close what lost, give the room
free.

`handle(key)` asks the book afresh each time and does the one thing that is due; nothing is remembered about how far
an order has come.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable

import structlog

from bidengine.decide import SENT_BLOCKS, Consider, Keep, Release, outlook
from bidengine.decide import CloseBid as CloseIt
from bidengine.explain import Judged, cards, summary
from bidengine.offer import resources_offer
from bidengine.outcomes import BID, TIMEOUT, UNKNOWN, WITHDRAWN
from bidengine.reasons import Decline, Reason
from bidengine.rebuild import rebuild
from bidengine.room import Room
from bidengine.rules.reclamation import window_to_offer
from bidengine.views import Bid, CloseReason, Order
from manifests.coins import parse_coins
from manifests.ids import BidID, OrderID
from provider.chain.messages import CloseBid, CreateBid, Msg
from provider.chain.tx import classify
from provider.chain.tx.classify import Verdict
from provider.errors import NotFound, Refused, Retry, TxRefused
from provider.ledger.books import Books
from provider.market.bids.declined import Declined
from provider.market.bids.judge import Judge
from provider.market.bids.notes import Notes
from provider.market.bids.wallet import Wallet
from provider.market.book import Book
from provider.market.policy.policy import Policies
from provider.market.pricing import Pricing
from provider.metrics import Metrics
from provider.settings import BidSettings
from provider.tasks import WorkQueue, loop_s, spawn, work

log = structlog.get_logger()

FORGET_EVERY_BLOCKS = 500
"""Declines of orders that are over are forgotten."""
REFUSED_AGAIN_S = 30.0
"""The chain refused for a reason that may pass; a new try costs a simulation, no fee."""


class Orders:
    """Workers over order keys. `look` is all that others call."""

    def __init__(
        self,
        book: Book,
        room: Room,
        pricing: Pricing,
        books: Books,
        send: Callable[[Msg], Awaitable[str]],
        bid_on_chain: Callable[[BidID], Awaitable[Bid]],
        confirmed_over: Callable[[OrderID], Awaitable[bool]],
        settings: BidSettings,
        metrics: Metrics,
        block_time_ms: Callable[[], int],
        policies: Policies,
        wallet: Wallet,
    ) -> None:
        self.book, self.room = book, room
        self.settings, self.metrics = settings, metrics
        self.judge = Judge(book, room, pricing, policies, wallet, settings, block_time_ms)
        self.queue: WorkQueue[OrderID] = WorkQueue(max_backoff_s=30)
        self.declined = Declined()
        self._send, self._bid_on_chain, self._confirmed_over = send, bid_on_chain, confirmed_over
        self._block_time_ms = block_time_ms
        self._deposit = parse_coins(settings.deposit)[0]
        self._until: dict[OrderID, int] = {}
        """order -> the height at which its bid, sent or seen, is looked at again"""
        self._closing: dict[OrderID, int] = {}
        """open bid that we have asked the chain to close -> the height of asking"""
        self._held: set[OrderID] = set()
        """whose room was held a block ago"""
        self.unkept: dict[OrderID, str] = {}
        """open bids the cluster can no longer keep, found at a restart"""
        self.notes = Notes(book, books.decisions, lambda: len(self.queue) > 0)

    def look(self, orders: Iterable[OrderID]) -> None:
        for order in orders:
            self.queue.put(order)

    def look_at_all(self) -> None:
        self.look({*self.book.orders, *self.book.bids, *self.room.holds})

    def look_at_declined(self, *, anew: bool = False, prices_changed: bool = False) -> None:
        """Room, prices, our record or (`anew`) the policy have changed: what that may cure is considered again."""
        self.look(self.declined.curable(self.book.orders, anew=anew, prices_changed=prices_changed))

    def tick(self, height: int) -> None:
        """Once a block: bids whose time is over, and those sent that no block has shown; and what the operator, the
        wallet or room given back allow again."""
        given_back, self._held = not self._held <= self.room.holds.keys(), set(self.room.holds)
        funded = self.judge.wallet.tick(height)
        if self.judge.policies.look(self.book.time_unix_ns // 10**9):
            self.look_at_declined(anew=True)
        elif funded or given_back:
            self.look_at_declined()
        self.look([order for order, until in self._until.items() if until <= height])
        if height % FORGET_EVERY_BLOCKS == 0:
            self.declined.forget(self.book.orders)

    def failed(self, bid: CreateBid, error: Exception) -> None:
        """A bid that a node accepted did not make it into a block, or failed there."""
        order = bid.id.order
        self.room.release(order)
        self._refused(order, error)
        if order in self.book.bids:
            self.queue.put(order)  # one sent by an earlier process is there all the same: it needs its room

    def close_failed(self, order: OrderID) -> None:
        """The closing of a bid came to nothing: it is still open, and looked at again."""
        if self._closing.pop(order, None) is not None:
            self.queue.put(order)

    async def run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            for n in range(self.settings.workers):
                spawn(tasks, f"orders-{n}", work(self.queue, self.handle, what="order"))
            spawn(tasks, "orders-notes", self.notes.run())

    async def handle(self, key: OrderID) -> None:
        self._until.pop(key, None)
        if key in self.book.unreadable:
            return  # it may well be open, and its tenant about to accept our bid
        if key in self.unkept:
            await self._close(key, CloseReason.UNSPECIFIED, f"it no longer fits: {self.unkept.pop(key)}")
            return
        if key in self._closing and key not in self.book.bids:  # the chain has closed it
            self._over(key, "closed", "the bid was closed by us")
        steps = outlook(
            self.book.orders.get(key),
            self.book.bids.get(key),
            self.book.lease_of(key),
            self.room.holds.get(key),
            height=self.book.height,
            bid_timeout_s=self.settings.timeout_s,
            block_time_ms=self._block_time_ms(),
            order_over=key in self.book.over,
        )
        for step in steps:
            match step:
                case Consider() if self.declined.may(key, loop_s()):
                    try:
                        await self._consider(self.book.orders[key])
                    except (Retry, Refused):
                        self.declined.again(key)  # it was not considered to the end: the leave to is not used up
                        raise
                case Consider():
                    if (left_s := self.declined.left_s(key, loop_s())) is not None:
                        self.queue.put_after(key, left_s + 1)
                case Keep(until):
                    if until is not None:
                        self._until[key] = until
                    if key in self.book.bids and key not in self.room.holds:
                        await self._hold_again(self.book.bids[key], self.book.orders.get(key))
                case CloseIt(reason, why, lost, unsure):
                    await self._close(key, reason, why, WITHDRAWN if lost else TIMEOUT, unsure=unsure)
                case Release():
                    self.room.release(key)
                    self.declined.drop(key)

    async def _consider(self, order: Order) -> None:
        if order.id not in self.declined:
            self.notes.seen(order)
        pricing = self.judge.pricing
        prices = pricing.generation
        judged = await self.judge.answer(order)
        if pricing.generation != prices or order.id in self.book.bids:
            self._afresh(order.id)  # the world went on while the price was asked for
            return
        found = judged.answer
        if isinstance(found, Decline):
            self._decline(order.id, found, judged)
            return
        placement, quote = found
        held = self.room.hold(order.id, order.spec, placement, height=self.book.height)
        if isinstance(held, Decline):  # taken while we were looking; the next look finds another place
            self._afresh(order.id)
            return
        window = window_to_offer(order, self.judge.us(order.id))
        bid = CreateBid(
            order.id.bid_of(self.book.us.owner),
            quote.per_block,
            self._deposit,
            resources_offer(order.spec, held.placement),
            window,
            self.settings.deposit_sources,
        )
        try:
            tx_hash = await self._send(bid)
        except TxRefused as no:
            self.room.release(order.id)
            self._refused(order.id, no)
            return
        except BaseException:
            self.room.release(order.id)
            raise
        self.room.bid(order.id, height=self.book.height)
        self.declined.drop(order.id)
        self.metrics.bids.labels(outcome="sent").inc()
        self.notes.decided(
            order.id, BID, price=quote.per_block, tx_hash=tx_hash, facts=summary(judged), gpu_model=cards(placement)
        )
        log.info("bid sent", price=str(quote.per_block))

    async def _hold_again(self, bid: Bid, order: Order | None) -> None:
        """A bid of ours that an earlier process sent: this one learns of it from its block, or from the refusal of a
        second. It gets its room as at a restart, or is closed."""
        try:
            found = await self._bid_on_chain(bid.id)  # the event does not tell which cards were promised
        except NotFound:
            return
        if found.state == "open" and order is not None:
            self.declined.drop(order.id)
            for _, no in rebuild(self.room, (), ((found, order.spec),)):
                await self._close(order.id, CloseReason.UNSPECIFIED, f"it no longer fits: {no.detail}")

    async def _close(
        self, key: OrderID, reason: CloseReason, why: str, outcome: str = WITHDRAWN, *, unsure: bool = False
    ) -> None:
        """Give up a bid. Losers are not told (chain.md §6.4), so the chain is asked what became of it before
        anything is paid. An open one keeps its room until the chain has closed it: the tenant may still accept; not so
        one whose order is over. If that is `unsure` it is confirmed first."""
        bid = key.bid_of(self.book.us.owner)
        try:
            found = await self._bid_on_chain(bid)
        except NotFound:
            found = None
        if found is not None and found.state == "active":
            return  # it won meanwhile; the lease's block is on its way
        if found is None or found.state != "open":
            self._over(key, found.state if found is not None else "gone", why)
            return
        self._until[key] = self.book.height + SENT_BLOCKS
        if self.book.height < self._closing.get(key, -SENT_BLOCKS) + SENT_BLOCKS:
            return  # asked already; its block is on its way
        if unsure:
            # The chain closes an open bid whatever its order is, and there is never a second one (chain/confirm.py).
            if not await self._confirmed_over(key):
                log.warning("an order that was said to be over is open, the bid stays")
                return
            self.room.release(key)
            self.declined.drop(key)
        try:
            await self._send(CloseBid(bid, int(reason)))
        except TxRefused as already:
            log.warning("bid could not be closed, it is looked at again", why=str(already))
            return
        self._closing[key] = self.book.height
        self.notes.decided(key, outcome, why)
        log.info("closing a bid", why=why)

    def _over(self, key: OrderID, outcome: str, why: str) -> None:
        """A bid of ours is no more; there is never a second one on the same order (chain.md §2.2)."""
        self._closing.pop(key, None)
        self.book.forget_bid(key)
        self.room.release(key)
        self.declined.put(key, Decline(Reason.CHAIN_REFUSED, f"our bid is over: {outcome}", final=True))
        self.metrics.bids.labels(outcome=outcome).inc()
        # Stands only where no block has told more (outcomes.py).
        self.notes.decided(key, WITHDRAWN if outcome == "closed" else UNKNOWN, why)
        log.info("bid over", outcome=outcome, why=why)

    def _refused(self, order: OrderID, error: Exception) -> None:
        final = isinstance(error, TxRefused) and _gone(error)
        self.metrics.bids.labels(outcome="refused").inc()
        known = f"{error.codespace}.{error.code}" if isinstance(error, TxRefused) and error.code else ""
        self._decline(order, Decline(Reason.CHAIN_REFUSED, str(error), final, known))
        if not final:
            self._wait(order, REFUSED_AGAIN_S)

    def _decline(self, order: OrderID, no: Decline, judged: Judged | None = None) -> None:
        if order not in self.declined or self.declined[order] != no:
            self.metrics.declines.labels(reason=no.code).inc()
            self.notes.decided(order, no.code, no.detail, facts=summary(judged) if judged else {})
            log.info("declined", reason=no.code, detail=no.detail, final=no.final)
        delay_s = self.declined.put(order, no)
        if delay_s is not None:
            self._wait(order, delay_s)

    def _afresh(self, order: OrderID) -> None:
        """Looked at again at once, from the beginning, an earlier decline or not."""
        self.declined.again(order)
        self.queue.put(order)

    def _wait(self, order: OrderID, delay_s: float) -> None:
        """A declined order is considered once more after this, whatever else happens."""
        self.declined.again(order, loop_s() + delay_s)
        self.queue.put_after(order, delay_s + 1)


def _gone(no: TxRefused) -> bool:
    """Whether trying again cannot cure it. By codespace and code: a node in trouble says all sorts of words (chain.md
    §6.6)."""
    return classify.classify(no.codespace, no.code, no.log) is Verdict.GONE
