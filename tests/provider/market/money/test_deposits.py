"""Where deposits are, and that those which lie there for nothing are got back."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from structlog.testing import capture_logs

from bidengine.views import Deposit, Order
from manifests.coins import E18, DecCoin
from manifests.ids import BidID, OrderID
from provider.chain.confirm import confirmed
from provider.errors import Pruned, Refused, Retry
from provider.market.book import Book
from provider.market.money.deposits import Deposits, survey
from provider.metrics import HELP

US, GRANTER = "akash1us", "akash1granter"


@pytest.fixture
def bid(chain: Any) -> Any:
    """`bid(dseq, order_state, bid_state)`: a bid of ours with half an AKT behind it."""

    def make(dseq: int, order: str = "open", state: str = "open", source: str = "balance") -> BidID:
        made: BidID = chain.add_bid(chain.add_order(dseq, state=order), state=state, at=dseq)
        owner = GRANTER if source == "grant" else US
        chain.locked_[made] = (Deposit(owner, dseq, source, DecCoin("uakt", 500_000 * E18)),)
        return made

    return make


async def test_what_each_deposit_is_locked_for(chain: Any, bid: Any) -> None:
    waits, matched, closed = bid(1), bid(2, "active"), bid(3, "closed")
    leased, orphan, lost = bid(4, "active", "active"), bid(5, "closed", "active"), bid(6, "active", "lost")
    gone = bid(7)
    del chain.orders_[gone.order]
    lease = chain.add_lease(leased.order)
    found = await survey(chain, US, {waits.order: chain.orders_[waits.order]}, {lease})
    assert {locked.bid.id: locked.why for locked in found} == {
        waits: "waits for an answer",
        matched: "lost: the order is active",
        closed: "lost: the order is closed",
        gone: "lost: the order is gone",
        leased: "leased",
        orphan: "won, but there is no lease",
    }
    assert {locked.bid.id for locked in found if locked.stale} == {matched, closed, gone, orphan}
    assert {locked.bid.id for locked in found if locked.reclaimable} == {matched, closed, gone}
    assert lost not in {locked.bid.id for locked in found}
    assert found[0].stale
    assert not found[-1].stale


async def test_what_the_book_knows_is_not_asked_of_the_chain(chain: Any, bid: Any) -> None:
    bids = [bid(dseq) for dseq in range(1, 50)]
    await survey(chain, US, {one.order: chain.orders_[one.order] for one in bids}, ())
    assert "order" not in chain.asked


async def cannot_be_read(key: OrderID) -> Order:
    raise Refused(f"{key} cannot be read")


async def test_an_order_that_cannot_be_read_hides_no_deposit_and_makes_no_bid_stale(chain: Any, bid: Any) -> None:
    odd, orphan = bid(1), bid(2, "closed", "active")
    chain.order = cannot_be_read
    found = {locked.bid.id: locked for locked in await survey(chain, US, {}, ())}
    assert (found[odd].order_state, found[odd].stale, found[odd].reclaimable) == ("unreadable", False, False)
    assert found[odd].why == "its order cannot be read: is there a newer akp?"
    assert (found[orphan].stale, found[orphan].unreadable) == (True, False), "whether a lease lives, no order says"


async def test_after_an_upgrade_that_nobody_can_read_no_bid_is_closed_and_it_is_told(chain: Any, bid: Any) -> None:
    bids = [bid(dseq, "closed") for dseq in (1, 2, 3)]
    desk = Desk(chain, await Book.load(chain, US, 9, 90))
    desk.book.orders.clear()
    for one in bids:
        desk.book.forget_bid(one.order)
    chain.order, readable = cannot_be_read, chain.order
    with capture_logs() as told:
        for _ in range(2):
            await desk.deposits.read()
    assert (desk.looked, desk.book.bids, desk.gauge("akp_deposits_stale")) == ([], {}, 0)
    assert [(said["log_level"], said["bids"], said["first"]) for said in told] == [("error", 3, str(bids[0].order))]
    chain.order = readable  # a node that can be read after all
    desk.book.unreadable.add(bids[0].order)
    await desk.deposits.read()
    assert not desk.book.unreadable
    assert sorted(desk.looked) == sorted(one.order for one in bids)


class Desk:
    def __init__(self, chain: Any, book: Book) -> None:
        self.looked: list[OrderID] = []
        self.book = book
        self.deposits = Deposits(book, lambda _: chain, self.looked.extend)

    def gauge(self, name: str, **labels: str) -> float:
        samples = list(self.deposits.gauges())
        assert {sample for sample, _, _ in samples} <= HELP.keys()
        return next(value for sample, known, value in samples if sample == name and known == labels)


async def test_a_bid_the_book_has_given_up_is_closed_all_the_same(chain: Any, bid: Any) -> None:
    forgotten, waits = bid(1, "closed"), bid(2)
    desk = Desk(chain, await Book.load(chain, US, 9, 90))
    desk.book.forget_bid(forgotten.order)
    await desk.deposits.read()
    assert desk.looked == [forgotten.order]
    assert desk.book.bids.keys() == {forgotten.order, waits.order}
    chain.bids_[forgotten] = replace(chain.bids_[forgotten], state="closed")
    desk.looked.clear()
    await desk.deposits.read()
    assert desk.looked == []


async def test_an_order_that_the_book_lets_go_of_meanwhile(chain: Any, bid: Any) -> None:
    waits, unknown = bid(1), bid(2, "closed")
    orders = {waits.order: chain.orders_[waits.order]}
    ask = chain.order

    async def a_block_comes(order: OrderID) -> Order:
        orders.clear()
        found: Order = await ask(order)
        return found

    chain.order = a_block_comes
    found = await survey(chain, US, orders, ())
    assert {one.bid.id: one.order_state for one in found} == {waits: "open", unknown: "closed"}


async def test_what_one_node_calls_stale_is_not_closed_while_another_says_it_is_open(chain: Any, play: Any) -> None:
    """The survey's node knows nothing of the order; orders.py asks two."""
    order = chain.add_order(1)
    waits = chain.add_bid(order)
    chain.locked_[waits] = (Deposit(US, 1, "balance", DecCoin("uakt", 500_000 * E18)),)
    astray = replace(chain, orders_={})
    deposits = Deposits(play.book, lambda _: astray, play.orders.look)
    await deposits.read()
    (stale,) = deposits.found
    assert (stale.order_state, stale.reclaimable) == ("gone", True)

    async def two(key: OrderID) -> bool:
        return await confirmed([("a", lambda: astray.over(key)), ("b", lambda: chain.over(key))], alike=bool)

    play.orders._confirmed_over = two
    key = await play.orders.queue.get()
    with pytest.raises(Retry, match="a says True, b says False"):
        await play.orders.handle(key)
    assert (key, play.sent) == (order, [])


async def test_gauges(chain: Any, bid: Any) -> None:
    bid(1), bid(2, source="grant"), bid(3, "closed")
    chain.add_lease(bid(4, "active", "active").order)
    desk = Desk(chain, await Book.load(chain, US, 9, 90))
    assert desk.gauge("akp_deposits_stale") == 0, "nothing is known yet"
    await desk.deposits.read()
    assert desk.gauge("akp_deposits_stale") == 1
    for source, state, amount in (
        ("balance", "open", 10**6),
        ("grant", "open", 500_000),
        ("balance", "active", 500_000),
    ):
        assert desk.gauge("akp_deposits_locked_utokens", denom="uakt", source=source, bid=state) == amount


async def test_trouble_that_passes_ends_nothing(chain: Any, bid: Any, until: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr("provider.market.money.deposits.AGAIN_S", 0.001)
    bid(1)
    book = await Book.load(chain, US, 9, 90)
    ask, troubles = chain.locked_bids, [Retry("no node answers"), Refused("no"), Pruned("no state at height 9")]
    heights = []

    def at(height: int) -> Any:
        heights.append(height)
        return chain

    async def at_first_not(*args: Any) -> Any:
        if troubles:
            book.height += 1  # meanwhile
            raise troubles.pop()
        return await ask(*args)

    chain.locked_bids = at_first_not
    deposits = Deposits(book, at, lambda orders: None)

    async def found() -> bool:
        return bool(deposits.found)

    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(deposits.run(), name="deposits")
        await until("it is read", found)
        running.cancel()
    assert heights == [9, 10, 11, 12], "each time at the height of then"
