"""What an order would get, without any of it being done."""

from __future__ import annotations

from typing import Any

from bidengine.reasons import Reason


async def test_a_person_may_ask_for_the_whole_way_after_a_no(play: Any) -> None:
    order = play.chain.orders_[play.chain.add_order(1)]
    play.book.bids_on[order.id] = set(map(str, range(99)))
    short, whole = await play.orders.judge.answer(order), await play.orders.judge.answer(order, through=True)
    assert short.no == whole.no
    assert short.placement is short.quote is None
    assert whole.placement is not None
    assert whole.quote is not None
    assert not play.room.holds


async def test_nothing_is_held_or_sent(play: Any) -> None:
    order = play.chain.orders_[play.chain.add_order(1)]
    play.book.orders[order.id] = order
    judged = await play.orders.judge.answer(order)
    assert judged.no is None
    assert judged.placement is not None
    assert judged.quote is not None
    assert not play.room.holds
    assert not play.sent


async def test_an_order_that_is_over_when_the_price_is_there_gets_none(play: Any) -> None:
    order = play.chain.orders_[play.chain.add_order(1)]
    judged = await play.orders.judge.answer(order)  # the book has never had it, as if it had just lost it
    assert judged.no is not None
    assert judged.no.reason is Reason.ORDER_GONE
    assert judged.quote is not None
