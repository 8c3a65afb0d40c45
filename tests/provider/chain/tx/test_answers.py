"""Each item ends exactly once, and somebody hears of it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from manifests.coins import Coin, DecCoin
from manifests.ids import LeaseID
from provider.chain import messages as ask
from provider.chain.tx.answers import FUNDS_S, MOST_TRIES, Answers, Failed, culprits, without
from provider.chain.tx.journal import Forgetful
from provider.chain.tx.outbox import Item
from provider.errors import Retry, TxRefused, Unreachable
from provider.intents import IntentState, Moment

pytestmark = pytest.mark.looptime
NO = TxRefused("market", 24, "order closed")


def lease(dseq: int) -> LeaseID:
    return LeaseID("t", dseq, 1, 1, "p")


def item(dseq: int, *, waits: bool = True, bid: bool = True) -> Item:
    msg = ask.CreateBid(lease(dseq), DecCoin("uact", 1), Coin("uakt", 1)) if bid else ask.WithdrawLease(lease(dseq))
    made = Item(msg, None, f"{type(msg).__name__}/{dseq}", left=not waits)
    if waits:
        WAITERS[id(made)] = asyncio.get_running_loop().create_future()
        made.waiters.append(WAITERS[id(made)])
    return made


WAITERS: dict[int, asyncio.Future[str]] = {}
ENDED: list[tuple[str, str]] = []


class Noted(Forgetful):
    def ended(self, keys: Sequence[str], state: IntentState, why: str, now: Moment) -> None:
        ENDED.extend((key, state) for key in keys)


def answers(*items: Item) -> Answers:
    ENDED.clear()
    found = Answers(Noted(), lambda: Moment(7, 70))
    for it in items:
        it.stored = True
        found.admit(it)
    return found


async def heard(it: Item) -> object:
    return (await asyncio.gather(WAITERS[id(it)], return_exceptions=True))[0]


async def test_a_sender_who_waits_hears_it_and_one_who_was_answered_finds_it_in_the_next_look() -> None:
    waiting, left = item(1), item(2, waits=False)
    book = answers(waiting, left)
    book.end([waiting, left], NO)
    assert await heard(waiting) is NO
    assert book.collect() == (Failed(left.msg, NO),)
    assert book.collect() == ()
    assert book.open == 0
    assert ENDED == [("CreateBid/1", "refused"), ("CreateBid/2", "refused")]


async def test_after_it_has_left_a_failure_is_for_the_next_look() -> None:
    one = item(1)
    book = answers(one)
    book.left([one], "AB")
    assert await heard(one) == one.tx_hash == "AB"
    assert book.open == 1
    book.end([one], NO, "failed")
    assert [f.msg for f in book.collect()] == [one.msg]
    assert ENDED == [("CreateBid/1", "failed")]


async def test_who_joins_hears_what_the_first_one_hears() -> None:
    one = item(1)
    book = answers(one)
    assert book.find(one.key) is one
    joined = asyncio.get_running_loop().create_future()
    one.waiters.append(joined)
    book.left([one], "AB")
    assert [await heard(one), joined.result()] == ["AB", "AB"]
    book.done([one])
    assert book.find(one.key) is None
    assert ENDED == [], "the end of its transaction says it"


async def test_one_whose_senders_have_gone_is_noted_as_dropped() -> None:
    one = item(1)
    book = answers(one)
    WAITERS[id(one)].cancel()
    book.gone([one])
    assert book.open == 0
    assert ENDED == [("CreateBid/1", "dropped")]


async def test_a_sender_need_not_wait_for_what_nobody_knows() -> None:
    one = item(1)
    book = answers(one)
    book.unsure([one], Unreachable("down"))
    assert isinstance(await heard(one), Unreachable)
    assert book.open == 1, "it may still be included"


async def test_one_tried_too_often_ends_in_retry_not_in_a_no() -> None:
    one = item(1)
    book = answers(one)
    for _ in range(MOST_TRIES):
        assert book.again([one], "mempool is full") == [one]
    assert book.again([one], "mempool is full") == []
    error = await heard(one)
    assert isinstance(error, Retry)
    assert "mempool is full" in str(error)


async def test_twice_the_gas_once() -> None:
    one, other = item(1), item(2)
    book = answers(one, other)
    assert book.more_gas([one], NO) == [one]
    assert one.gas_times == 2
    assert book.more_gas([one, other], NO) == [other]
    assert await heard(one) is NO


async def test_where_money_ran_out_later_bids_end_too_but_not_what_costs_no_deposit() -> None:
    first, short, later, withdrawal = item(1), item(2), item(3), item(4, bid=False)
    book = answers(first, short, later, withdrawal)
    assert book.short_of_funds([first, short, later, withdrawal], 1, "no money") == [first, withdrawal]
    for it in (short, later):
        error = await heard(it)
        assert isinstance(error, Retry)
        assert error.after_s == FUNDS_S
    assert book.short_of_funds([first, withdrawal], None, "no fee") == []
    assert book.open == 0
    await heard(first)
    await heard(withdrawal)


async def test_whom_a_missing_payment_is_about() -> None:
    items = [item(1, bid=False, waits=False), item(2, bid=False, waits=False)]
    panic = 'recovered: couldn\'t find payment aid:<scope:deployment xid:"t/2" > xid:"1/1/p" \nstack:'
    assert culprits(items, None, panic) == [items[1]]
    assert culprits(items, 0, "order closed") == [items[0]]
    assert culprits(items, None, "order closed") == []
    assert without(items, [items[0]]) == [items[1]]
