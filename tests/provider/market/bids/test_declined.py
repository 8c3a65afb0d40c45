from __future__ import annotations

import pytest

from bidengine.reasons import Decline, Reason
from manifests.ids import OrderID
from provider.market.bids.declined import UNPRICED_AGAIN_AT_MOST_S, UNPRICED_AGAIN_S, Declined

A, B, C = (OrderID("akash1t", dseq, 1, 1) for dseq in (1, 2, 3))
FINAL = Decline(Reason.GROUP_INVALID, "", final=True)
CURABLE = Decline(Reason.NO_AGGREGATE, "", final=False)
FOR_GOOD = Decline(Reason.CHAIN_REFUSED, "", final=True)
UNPRICED = Decline(Reason.PRICER_FAILED, "", final=False)


@pytest.fixture
def declined() -> Declined:
    return Declined()


def test_who_was_not_declined_may(declined: Declined) -> None:
    assert declined.may(A, 0.0)
    assert A not in declined


def test_who_was_waits_for_leave_and_uses_it_up(declined: Declined) -> None:
    assert declined.put(A, CURABLE) is None
    assert declined[A] == CURABLE
    assert not declined.may(A, 1e9)
    declined.again(A)
    assert declined.may(A, 0.0)
    assert not declined.may(A, 0.0)


def test_leave_from_a_time_on(declined: Declined) -> None:
    declined.put(A, CURABLE)
    declined.again(A, 30.0)
    assert not declined.may(A, 29.9)
    assert declined.may(A, 30.0)


def test_how_long_until_then(declined: Declined) -> None:
    assert declined.left_s(A, 0.0) is None
    declined.put(A, CURABLE)
    assert declined.left_s(A, 0.0) is None, "something else has to happen first"
    declined.again(A, 30.0)
    assert (declined.left_s(A, 10.0), declined.left_s(A, 40.0)) == (20.0, 0.0)


def test_a_new_no_takes_the_leave_back(declined: Declined) -> None:
    declined.put(A, CURABLE)
    declined.again(A)
    declined.put(A, FINAL)
    assert not declined.may(A, 1e9)


def test_leave_for_who_was_not_declined_is_nothing(declined: Declined) -> None:
    declined.again(A)
    assert A not in declined


@pytest.mark.parametrize(
    ("changed", "again"),
    [
        ({}, [B]),
        ({"anew": True}, [A, B]),
        ({"prices_changed": True}, [B, C]),
    ],
)
def test_what_a_change_may_cure(declined: Declined, changed: dict[str, bool], again: list[OrderID]) -> None:
    declined.put(A, FINAL)
    declined.put(B, CURABLE)
    declined.put(C, UNPRICED)
    assert declined.curable({A, B, C}, **changed) == again
    assert all(declined.may(order, 0.0) is (order in again) for order in (A, B, C))


def test_what_the_chain_has_refused_for_good_no_policy_cures(declined: Declined) -> None:
    declined.put(A, FOR_GOOD)
    assert declined.curable({A}, anew=True, prices_changed=True) == []


def test_a_pricer_is_asked_later_and_later_until_prices_change(declined: Declined) -> None:
    waits = [declined.put(A, UNPRICED) for _ in range(8)]
    assert waits[:3] == [UNPRICED_AGAIN_S, 2 * UNPRICED_AGAIN_S, 4 * UNPRICED_AGAIN_S]
    assert waits[-1] == UNPRICED_AGAIN_AT_MOST_S
    declined.curable({A}, prices_changed=True)
    assert declined.put(A, UNPRICED) == UNPRICED_AGAIN_S


def test_orders_that_are_over_are_forgotten(declined: Declined) -> None:
    declined.put(A, CURABLE)
    declined.put(B, CURABLE)
    assert declined.curable({B}) == [B]
    assert A not in declined
    declined.drop(B)
    assert B not in declined
