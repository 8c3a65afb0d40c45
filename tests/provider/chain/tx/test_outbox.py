"""The outbox's guarantees, one by one."""

from __future__ import annotations

import asyncio

import pytest

from manifests.coins import Coin, DecCoin
from manifests.ids import DeploymentID, GroupID, LeaseID
from provider.chain import messages as ask
from provider.chain.tx.outbox import Item, Outbox, settled_by
from provider.chain.tx.priority import usual

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
        box.put(Item(msg, None, None, priority=usual(msg)))
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
        box.put(Item(bid(1), None, None, not_before=6, not_before_s=10.0))
        assert taken(box, height, now_s) == wanted


def test_one_that_must_go_alone_does() -> None:
    box = filled(bid(1))
    box.put(Item(bid(2), None, None, alone=True))
    box.put(Item(bid(3), None, None))
    assert [taken(box) for _ in range(2)] == [[bid(1), bid(3)], [bid(2)]]
    box.put_back([Item(bid(2), None, None, alone=True)])
    box.put(Item(bid(3), None, None))
    assert taken(box) == [bid(2)]


async def test_one_whose_sender_has_gone_is_dropped() -> None:
    box = Outbox(10)
    waiters = [asyncio.get_running_loop().create_future() for _ in range(2)]
    for n, waiter in enumerate(waiters, 1):
        box.put(Item(bid(n), None, waiter))
    waiters[0].cancel()
    assert box.sweep() == 1
    assert taken(box) == [bid(2)]


def test_what_is_put_back_is_first_again() -> None:
    box = filled(*(bid(n) for n in range(1, 12)))
    first = box.take(5, 0.0)
    box.put_back(first)
    assert len(box) == 11
    assert [i.msg for i in box.take(5, 0.0)] == [i.msg for i in first]
    assert [i.msg for i in box.drain()] == [bid(11)]


@pytest.mark.parametrize(
    ("msg", "settles"),
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
def test_whose_escrow_a_message_settles(msg: ask.Msg, settles: object) -> None:
    assert settled_by(msg) == settles
