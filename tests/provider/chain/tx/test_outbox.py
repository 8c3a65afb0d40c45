"""The outbox's guarantees, one by one."""

from __future__ import annotations

import asyncio

import pytest

from manifests.coins import Coin, DecCoin
from manifests.ids import DeploymentID, GroupID, LeaseID
from provider.chain import messages as ask
from provider.chain.tx import build
from provider.chain.tx.business_key import key_of
from provider.chain.tx.outbox import PATIENCE, Item, Outbox, intent_of, settled_by, settles
from provider.chain.tx.priority import Priority, usual
from provider.intents import SETTLING

pytestmark = pytest.mark.looptime


def lease(dseq: int, gseq: int = 1) -> LeaseID:
    return LeaseID("t", dseq, gseq, 1, "p")


def bid(dseq: int) -> ask.CreateBid:
    return ask.CreateBid(lease(dseq), DecCoin("uact", 1), Coin("uakt", 1))


def withdraw(dseq: int, gseq: int = 1) -> ask.WithdrawLease:
    return ask.WithdrawLease(lease(dseq, gseq))


def filled(*msgs: ask.Msg, most: int = 10) -> Outbox:
    box = Outbox(most)
    for msg in msgs:
        box.put(Item(msg, None, priority=usual(msg)))
    return box


def taken(box: Outbox, height: int = 5, now_s: float = 0.0) -> list[ask.Msg]:
    return [i.msg for i in box.take(height, now_s)]


def test_at_most_so_many_and_the_rest_next_time() -> None:
    box = filled(*(bid(n) for n in range(1, 26)))
    assert [len(taken(box)) for _ in range(4)] == [10, 10, 5, 0]


def test_closing_comes_before_collecting_and_both_before_bidding_and_bids_travel_alone() -> None:
    box = filled(bid(1), withdraw(2), ask.CloseBid(lease(3), 10000), bid(4))
    assert taken(box) == [ask.CloseBid(lease(3), 10000), withdraw(2)]
    assert taken(box) == [bid(1), bid(4)]


def test_two_that_settle_one_deployment_never_travel_together() -> None:
    box = filled(withdraw(1, 1), withdraw(1, 2), withdraw(2))
    assert taken(box) == [withdraw(1, 1), withdraw(2)]
    assert taken(box) == [withdraw(1, 2)]


def test_nor_while_the_first_is_out_nor_before_the_block_after() -> None:
    box = filled(withdraw(1, 1), withdraw(1, 2))
    first = box.take(5, 0.0)
    box.hold(first)
    assert taken(box, height=6) == []
    box.release(first, settled_at=7)
    assert taken(box, height=7) == []
    assert taken(box, height=8) == [withdraw(1, 2)]


def test_one_that_settled_nothing_frees_at_once() -> None:
    box = filled(withdraw(1, 1), withdraw(1, 2))
    first = box.take(5, 0.0)
    box.hold(first)
    box.release(first)
    assert taken(box, height=5) == [withdraw(1, 2)]


def test_several_leases_of_one_deployment_may_be_made_together_but_not_with_a_withdrawal() -> None:
    box = filled(ask.CreateLease(lease(1, 1)), ask.CreateLease(lease(1, 2)), withdraw(1, 3))
    assert taken(box) == [ask.CreateLease(lease(1, 1)), ask.CreateLease(lease(1, 2))]
    assert taken(box) == [withdraw(1, 3)]


def test_one_that_must_wait_for_a_block_waits_for_it_or_for_its_time() -> None:
    for height, now_s, wanted in ((5, 9.0, []), (6, 9.0, [bid(1)]), (5, 10.0, [bid(1)])):
        box = Outbox(10)
        box.put(Item(bid(1), None, not_before=6, not_before_s=10.0))
        assert taken(box, height, now_s) == wanted


def test_what_may_share_with_few_does_so_with_its_like_only() -> None:
    box = filled(bid(1))
    for n in range(2, 6):
        box.put(Item(bid(n), None, at_most=2 if n % 2 else 3))
    box.put(Item(bid(6), None, at_most=3))
    box.put(Item(bid(7), None, at_most=2))
    box.put(Item(bid(8), None, at_most=99))
    assert taken(box) == [bid(1)]
    assert [taken(box) for _ in range(4)] == [[bid(2), bid(4), bid(6)], [bid(3), bid(5)], [bid(7)], [bid(8)]]


def test_one_that_must_go_alone_does() -> None:
    box = filled(bid(1))
    box.put(Item(bid(2), None, at_most=1))
    box.put(Item(bid(3), None))
    assert [taken(box) for _ in range(2)] == [[bid(1), bid(3)], [bid(2)]]
    box.put_back([Item(bid(2), None, at_most=1)])
    box.put(Item(bid(3), None))
    assert taken(box) == [bid(2)]


async def test_one_whose_senders_have_all_gone_is_dropped_unless_it_has_left_before() -> None:
    loop = asyncio.get_running_loop()
    gone, stays, left = [Item(bid(n), None, waiters=[loop.create_future()]) for n in (1, 2, 3)]
    stays.waiters.append(loop.create_future())
    left.left = True
    box = Outbox(10)
    for item in (gone, stays, left):
        box.put(item)
        item.waiters[0].cancel()
    assert box.sweep() == [gone]
    assert taken(box) == [bid(2), bid(3)]


def test_endless_bids_do_not_keep_the_rest_from_leaving_and_closing_stays_first() -> None:
    box, order = filled(withdraw(900), most=2), []
    for n in range(1, 40):
        for dseq in (2 * n, 2 * n + 1, 2 * n + 100):  # more than leave
            box.put(Item(bid(dseq), None, priority=Priority.BID))
        if n == 5:
            box.put(Item(ask.CloseBid(lease(950), 10000), None, priority=Priority.CLOSE))
        order.append(taken(box))
    assert [ask.CloseBid(lease(950), 10000)] == order[4][:1], "at once"
    assert next(n for n, batch in enumerate(order) if withdraw(900) in batch) <= PATIENCE + 1


def test_those_that_came_later_and_wait_as_well_do_not_grow_urgent_by_it() -> None:
    box = filled(*(bid(n) for n in range(1, 100)), most=2)
    for _ in range(20):
        taken(box)
    assert {item.overtaken for item in box} == {0}


def test_what_is_put_back_is_first_again() -> None:
    box = filled(*(bid(n) for n in range(1, 12)))
    first = box.take(5, 0.0)
    box.put_back(first)
    assert len(box) == 11
    assert [i.msg for i in box.take(5, 0.0)] == [i.msg for i in first]
    assert [i.msg for i in box.drain()] == [bid(11)]


@pytest.mark.parametrize(
    ("msg", "settled"),
    [
        (bid(1), None),
        (ask.StartReclaim(lease(1), 10000), None),
        (ask.Deposit("t", DeploymentID("t", 1), Coin("uact", 1)), None),
        (withdraw(1), (DeploymentID("t", 1), False)),
        (ask.CloseBid(lease(1), 10000), (DeploymentID("t", 1), False)),
        (ask.CloseLease(lease(1)), (DeploymentID("t", 1), False)),
        (ask.CloseDeployment(DeploymentID("t", 1)), (DeploymentID("t", 1), False)),
        (ask.CloseGroup(GroupID("t", 1, 1)), (DeploymentID("t", 1), False)),
        (ask.CreateLease(lease(1)), (DeploymentID("t", 1), True)),
    ],
)
def test_whose_escrow_a_message_settles(msg: ask.Msg, settled: object) -> None:
    assert settled_by(msg) == settled


@pytest.mark.parametrize(
    "msg",
    [
        withdraw(7),
        ask.CloseBid(lease(7), 10000),
        ask.CloseLease(lease(7)),
        ask.CloseDeployment(DeploymentID("t", 7)),
        ask.CreateLease(lease(7)),
        bid(7),
        ask.StartReclaim(lease(7), 10000),
    ],
)
def test_the_journal_can_tell_whose_escrow_a_message_settles(msg: ask.Msg) -> None:
    """By its kind and its key; a group's closing, which no provider sends, has no key that tells."""
    box = build.box(msg, "t")
    item = Item(msg, box, f"cli/{key_of(msg, box)}")
    known = intent_of(item).kind in SETTLING
    assert known is (settled_by(msg) is not None)
    assert settles([item]) == (((item.key, "t/7"),) if known else ())
    assert "/t/7/" in f"{item.key}/"
