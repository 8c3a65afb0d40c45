"""An order's way to a bid, in plays over a real room, a real price file and a ledger; only the chain is in memory."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any
from unittest.mock import AsyncMock

import pytest

from bidengine.decide import SENT_BLOCKS
from bidengine.node import Inventory, Node
from bidengine.recorded import parse_order
from bidengine.room import HoldState
from manifests.coins import E18, Coin, DecCoin
from manifests.ids import OrderID
from manifests.wirevalues import decoded
from provider.chain.events import BidClosed, Block, DeploymentClosed, Event, LeaseCreated, OrderClosed, TxResult
from provider.chain.messages import CloseBid, CreateBid
from provider.errors import Retry, TxRefused, Unreachable
from provider.ledger.decisions import Link
from provider.market.book import Book

US = "akash1us"
Play = Any
"""of conftest.py"""


async def test_an_order_that_fits_gets_one_bid_and_keeps_its_room(play: Play) -> None:
    key = await play.order()
    (bid,) = play.sent
    assert isinstance(bid, CreateBid)
    assert bid.id == key.bid_of(US)
    assert bid.deposit == Coin("uakt", 500_000)
    assert 0 < bid.price.amount_e18 < 1000 * E18
    assert [o.count for o in bid.offer] == [1]
    assert play.state(key) is HoldState.BID
    await play.orders.handle(key)
    assert len(play.sent) == 1, "looked at again before its block came: no second bid"


async def test_an_order_too_large_is_declined_with_the_shortage_and_bid_on_when_there_is_room(play: Play) -> None:
    key = await play.order(cpu_milli=2000)
    assert not play.sent
    assert "cpu" in play.orders.declined[key].detail
    assert not play.orders.declined[key].final
    play.room.see(Inventory((Node("n2", 4000, 4 << 30, 64 << 30),), node_ports=10))
    play.orders.look_at_declined()
    assert await play.orders.queue.get() == key
    await play.orders.handle(key)
    assert len(play.sent) == 1


async def test_too_cheap_an_order_holds_no_room(play: Play) -> None:
    key = await play.order(price=0)
    assert play.orders.declined[key].reason == "skip.price.above_max"
    assert play.state(key) is None


async def test_two_orders_share_the_node_until_it_is_full(play: Play) -> None:
    keys = [await play.order(n, cpu_milli=400) for n in range(3)]
    assert [play.state(k) for k in keys] == [HoldState.BID, HoldState.BID, None]


@pytest.mark.parametrize(
    ("refusal", "final"),
    [
        (TxRefused("market", 24, "order closed"), True),
        (TxRefused("market", 21, "invalid bid: bid exists from provider"), True),
        (TxRefused("market", 13, "bid: order not open"), True),
        (TxRefused("undefined", 1, "message index: 0: invalid bid: too many existing bids (20)"), True),
        (TxRefused("market", 5, "attribute mismatch"), False),
        (TxRefused("undefined", 1, "this node is in trouble"), False),
        (TxRefused("undefined", 1, "cache: order not found, order closed, bid exists from provider"), False),
        (TxRefused("sdk", 18, "invalid request: too many existing bids, order active"), False),
    ],
    ids=["closed", "exists", "not open", "too many", "disagreement", "a node in trouble", "its words", "another code"],
)
async def test_a_bid_the_chain_refuses_gives_its_room_back(play: Play, refusal: TxRefused, final: bool) -> None:
    play.answer = refusal
    key = await play.order()
    assert play.state(key) is None
    assert play.orders.declined[key].final is final, "what may pass is tried again later, on its own"


async def test_trouble_on_the_way_gives_the_room_back_and_is_tried_again(play: Play) -> None:
    play.answer = Retry("no node answers")
    key = play.chain.add_order(1)
    play.book.orders[key] = play.chain.orders_[key]
    with pytest.raises(Retry):
        await play.orders.handle(key)
    assert play.state(key) is None


async def test_trouble_does_not_use_up_the_second_look_at_a_declined_order(play: Play) -> None:
    """Found by the random schedules: a node in trouble at the one moment an order might be bid on again."""
    play.answer = TxRefused("market", 5, "attribute mismatch")
    key = await play.order()
    play.orders.look_at_declined()
    play.answer = Retry("no node answers")
    with pytest.raises(Retry):
        await play.orders.handle(await play.orders.queue.get())
    play.answer = None
    await play.orders.handle(key)
    assert len(play.sent) == 1
    assert key not in play.orders.declined


async def test_a_bid_that_failed_in_its_block_gives_its_room_back(play: Play) -> None:
    key = await play.order()
    bid = play.sent[0]
    assert isinstance(bid, CreateBid)
    play.orders.failed(bid, TxRefused("market", 24, "order closed"))
    assert play.state(key) is None
    assert play.orders.declined[key].final


async def test_a_bid_of_an_earlier_process_gets_its_room_when_its_block_is_seen(play: Play) -> None:
    """Killed with the bid in the mempool: the new process does not know of it and bids again."""
    play.answer = TxRefused("market", 21, "invalid bid: bid exists from provider")
    key = await play.order()
    assert play.state(key) is None
    play.chain.add_bid(key)
    play.book.bids[key] = play.chain.bids_[key.bid_of(US)]
    await play.orders.handle(key)
    assert play.state(key) is HoldState.BID
    assert key not in play.orders.declined
    assert play.sent == []


async def test_a_second_bid_that_failed_in_its_block_does_not_cost_the_first_its_room(play: Play) -> None:
    key = await play.order()
    play.chain.add_bid(key)
    play.book.bids[key] = play.chain.bids_[key.bid_of(US)]
    bid = play.sent[0]
    assert isinstance(bid, CreateBid)
    play.orders.failed(bid, TxRefused("market", 21, "invalid bid: bid exists from provider"))
    await play.orders.handle(await play.orders.queue.get())
    assert play.state(key) is HoldState.BID


async def test_a_bid_of_an_earlier_process_that_no_longer_fits_is_closed(play: Play) -> None:
    play.room.see(Inventory((), node_ports=10))
    key = play.chain.add_order(1)
    play.chain.add_bid(key)
    play.book.orders[key] = play.chain.orders_[key]
    play.book.bids[key] = play.chain.bids_[key.bid_of(US)]
    await play.orders.handle(key)
    assert play.sent == [CloseBid(key.bid_of(US), 10002)]
    assert play.state(key) is None


async def test_a_lost_bid_that_the_chain_left_open_is_closed(play: Play) -> None:
    key = await play.order()
    play.chain.add_bid(key)
    play.book.bids[key] = play.chain.bids_[key.bid_of(US)]
    play.chain.orders_[key] = play.book.orders[key] = _as(play.book.orders[key], "active")
    await play.orders.handle(key)
    assert play.sent[1:] == [CloseBid(key.bid_of(US), 10002)]
    assert play.state(key) is None, "another has the order: nobody can accept ours any more"
    await play.orders.handle(key)
    assert len(play.sent) == 2, "asked once"
    del play.book.bids[key]  # its block
    await play.orders.handle(key)
    assert key not in play.book.orders


async def test_an_open_bid_is_given_up_with_its_order_only_when_that_is_confirmed(play: Play) -> None:
    key = await left_open(play)
    play.orders._confirmed_over = AsyncMock(side_effect=[Retry("nodes disagree"), Unreachable("refused"), True])
    for _ in range(2):
        with pytest.raises(Retry):
            await play.orders.handle(key)
    assert play.sent == [], "it may be open, and there is never a second bid on an order"
    await play.orders.handle(key)
    assert play.sent == [CloseBid(key.bid_of(US), 10002)]


async def test_the_room_is_kept_until_then(play: Play) -> None:
    key = await play.order()
    play.book.bids[key] = play.chain.bids_[play.chain.add_bid(key)]
    play.book.orders[key] = _as(play.book.orders[key], "closed")
    play.orders._confirmed_over = AsyncMock(side_effect=[Retry("nodes disagree"), True])
    with pytest.raises(Retry):
        await play.orders.handle(key)
    assert play.state(key) is HoldState.BID
    await play.orders.handle(key)
    assert play.state(key) is None


async def test_with_the_second_node_away_a_bid_past_its_time_is_given_up_all_the_same(play: Play) -> None:
    key = await play.order()
    play.book.bids[key] = play.chain.bids_[play.chain.add_bid(key, at=8)]
    play.book.orders[key] = _as(play.book.orders[key], "active")
    play.orders._confirmed_over = AsyncMock(side_effect=Unreachable("no second node confirms it"))
    play.book.height = 17
    with pytest.raises(Retry):
        await play.orders.handle(key)
    assert len(play.sent) == 1, "60 s are ten blocks of 6 s: not yet"
    play.book.height = 18
    await play.orders.handle(key)
    assert play.sent[1:] == [CloseBid(key.bid_of(US), 10002)]
    assert play.state(key) is HoldState.BID, "one node alone says that nobody can accept it"
    block(play, 19, BidClosed(key.bid_of(US)))
    await play.orders.handle(key)
    assert play.state(key) is None


@pytest.mark.parametrize(
    "end",
    [
        lambda order: OrderClosed(order),
        lambda order: DeploymentClosed(order.deployment),
        lambda order: LeaseCreated(order.bid_of("akash1rival"), DecCoin("uact", E18)),
    ],
    ids=["order closed", "deployment closed", "another's lease"],
)
async def test_an_end_told_by_a_block_needs_no_second_node_and_the_room_is_free_at_once(play: Play, end: Any) -> None:
    key = await play.order(cpu_milli=900)
    play.book.bids[key] = play.chain.bids_[play.chain.add_bid(key)]
    play.orders._confirmed_over = AsyncMock(side_effect=Unreachable("no second node confirms it"))
    block(play, 8, end(key))
    await play.orders.handle(key)
    assert play.sent[1:] == [CloseBid(key.bid_of(US), 10002)]
    other = await play.order(2, cpu_milli=900)
    assert (play.state(key), play.state(other)) == (None, HoldState.BID)
    assert play.orders._confirmed_over.await_count == 0


def block(play: Play, height: int, *events: Event) -> None:
    play.book.apply(Block(height, height * 10**9, (TxResult("AA", 0, "", "", 1, events),), ()))


async def test_a_bid_whose_order_is_open_after_all_stays_and_is_looked_at_again(play: Play) -> None:
    key = await left_open(play)
    await play.orders.handle(key)
    assert (play.sent, key in play.book.bids) == ([], True)
    play.chain.orders_.clear()
    play.book.height += SENT_BLOCKS
    play.orders.tick(play.book.height)
    await play.orders.handle(await play.orders.queue.get())
    assert play.sent == [CloseBid(key.bid_of(US), 10002)]


async def left_open(play: Play) -> OrderID:
    """An open bid of ours whose order the book does not know, and the chain does."""
    key = play.chain.add_order(1)
    play.book.bids[key] = play.chain.bids_[play.chain.add_bid(key)]
    return key


async def test_a_lost_bid_that_is_over_costs_nothing(play: Play) -> None:
    key = await play.order()
    play.chain.add_bid(key, state="lost")
    play.book.bids[key] = _as(play.chain.bids_[key.bid_of(US)], "open")
    play.book.orders[key] = _as(play.book.orders[key], "active")
    await play.orders.handle(key)
    assert len(play.sent) == 1
    assert play.state(key) is None


async def test_a_bid_nobody_answers_is_closed_after_its_time_and_keeps_its_room_until_then(play: Play) -> None:
    key = await play.order()
    play.chain.add_bid(key, at=8)
    play.book.bids[key] = play.chain.bids_[key.bid_of(US)]
    await play.orders.handle(key)
    play.book.height = 17
    play.orders.tick(17)
    assert play.orders.queue.idle, "60 s are ten blocks of 6 s: not yet"
    play.book.height = 18
    play.orders.tick(18)
    await play.orders.handle(await play.orders.queue.get())
    assert isinstance(play.sent[-1], CloseBid)
    assert play.state(key) is HoldState.BID, "the tenant may accept until the chain has closed it"
    del play.book.bids[key]  # its block
    await play.orders.handle(key)
    assert play.state(key) is None
    assert len(play.sent) == 2, "and there is never a second bid on the same order"


async def test_a_closing_that_comes_to_nothing_is_asked_again(play: Play) -> None:
    key = await play.order()
    play.chain.add_bid(key, at=8)
    play.book.bids[key] = play.chain.bids_[key.bid_of(US)]
    play.book.height = 18
    await play.orders.handle(key)
    play.orders.close_failed(key)
    await play.orders.handle(await play.orders.queue.get())
    assert [type(m) for m in play.sent] == [CreateBid, CloseBid, CloseBid]


async def test_the_same_no_is_written_down_once(play: Play) -> None:
    key = await play.order(cpu_milli=2000)
    for _ in range(5):
        play.orders.look_at_declined()
        await play.orders.handle(key)
    assert [type(note).__name__ for note in play.orders.notes.pending] == ["Seen", "Decided"]


async def test_a_lease_keeps_its_room(play: Play) -> None:
    key = await play.order()
    lease = play.chain.add_lease(key)
    play.book.leases[lease] = play.chain.leases_[lease]
    play.book.orders[key] = _as(play.book.orders[key], "active")
    await play.orders.handle(key)
    assert play.state(key) is not None
    assert len(play.sent) == 1


async def written(play: Play, key: OrderID) -> list[Link]:
    running = asyncio.ensure_future(play.orders.notes.run())  # noqa: TID251 - the test ends it
    await asyncio.sleep(0)
    running.cancel()
    await asyncio.wait([running])
    return await play.orders.notes.decisions.of(key)


async def test_what_was_decided_can_be_read_afterwards_with_what_it_was_made_from(play: Play) -> None:
    good, bad = await play.order(1), await play.order(2, cpu_milli=5000)
    (bid,) = await written(play, good)
    assert (bid.outcome, bid.height, bid.tx_hash) == ("bid", 7, "HASH")
    assert bid.price == str(play.sent[0].price)  # type: ignore[union-attr]
    assert bid.facts["placement"] == ["unit 1: 1 on n1"]
    assert bid.facts["price"][0].startswith("unit 1 cpu: 0.1 core × 1.6 = 0.16 USD/month")
    (no,) = await written(play, bad)
    assert (no.outcome, no.detail) == ("skip.capacity.aggregate", "needs 5000 milli of cpu, 900 are free")
    row = await play.orders.notes.decisions.row(bad)
    assert row is not None
    at = decoded(row.order_json.encode())
    assert parse_order(bad, at, created_at=row.created_at) == play.chain.orders_[bad]


async def test_every_rule_that_objects_is_noted(play: Play) -> None:
    play.chain.us = replace(play.chain.us, owner="akash1tenant")
    play.book.us = replace(play.book.us, owner="akash1tenant")
    play.book.bids_on[play.chain.add_order(1)] = set(map(str, range(99)))
    (no,) = await written(play, await play.order(1))
    assert no.outcome == "skip.owner_denied", "the most telling"
    assert {rule["code"] for rule in no.facts["rules"]} == {"skip.max_bids", "skip.owner_denied"}


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (TxRefused("market", 15, "order closed"), "fail.tx.market.15"),
        (TxRefused("", 0, "insufficient funds in simulation"), "fail.tx"),
    ],
    ids=["with a code", "in simulation"],
)
async def test_a_refusal_keeps_the_chains_code(play: Play, answer: TxRefused, code: str) -> None:
    play.answer = answer
    (no,) = await written(play, await play.order())
    assert no.outcome == code
    assert no.detail == str(answer)


async def test_nobody_answered_in_time(play: Play) -> None:
    key = await play.order()
    play.chain.bids_[key.bid_of(US)] = play.book.bids[key] = play.chain.bids_[play.chain.add_bid(key, at=8)]
    play.book.height = 8 + 10
    await play.orders.handle(key)
    assert [link.outcome for link in await written(play, key)] == ["bid", "lost.timeout"]


def _as(view: Any, state: str) -> Any:
    return replace(view, state=state)


async def test_a_start_leaves_a_bid_open_whose_order_cannot_be_read(play: Play) -> None:
    """As after an upgrade of the chain that this version does not know: that is every bid."""
    key = play.chain.add_order(1)
    play.chain.add_bid(key)
    play.chain.unreadable_.add(key)
    play.orders.book = book = await Book.load(play.chain, US, 7, 70)
    play.orders.look_at_all()
    assert await play.orders.queue.get() == key
    await play.orders.handle(key)
    assert (play.sent, set(book.bids)) == ([], {key})

    block(play, 8, OrderClosed(key))
    play.chain.orders_[key] = _as(play.chain.orders_[key], "closed")
    await play.orders.handle(key)
    assert [type(msg) for msg in play.sent] == [CloseBid]
