from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bidengine.decide import CloseBid, Consider, Keep, Nothing, Release, bid_timeout_height, blocks_within, outlook
from bidengine.placement import Placement
from bidengine.room import Hold, HoldState
from bidengine.views import Bid, CloseReason, Lease
from manifests.coins import DecCoin

ORDERS = (None, "open", "active", "closed")
BIDS = (None, "open", "active", "lost", "closed")
LEASES = (None, "active", "reclaiming", "closed", "insufficient_funds")
HOLDS = (None, HoldState.HELD, HoldState.BID, HoldState.LEASED)
PRICE = DecCoin("uact", 10**18)


def seen(
    make: Any, order: Any, bid: Any, lease: Any, hold: Any, height: int = 110, *, over: bool = False
) -> tuple[Any, ...]:
    """At height 110; the bid is from 105, the hold from 100; a bid is given up after 60 s at 6 s a block."""
    the_order = make.order(state=order) if order else None
    the_bid = Bid(make.lease_id(7), bid, PRICE, 105) if bid else None
    the_lease = Lease(make.lease_id(7), lease, PRICE, 106) if lease else None
    the_hold = Hold(make.order_id(7), make.group(make.unit()), Placement(()), hold, 100) if hold else None
    return outlook(
        the_order,
        the_bid,
        the_lease,
        the_hold,
        height=height,
        bid_timeout_s=60,
        block_time_ms=6000,
        order_over=over,
        sent_blocks=20,
    )


LOST = [CloseBid]
TABLE = {
    # (order, our bid): by hold none, held, bid, leased
    (None, None): ([Nothing], [Release], [Release], [Release]),
    ("open", None): ([Consider], [Consider], [Keep], [Release, Consider]),
    ("active", None): ([Nothing], [Release], [Release], [Release]),
    ("closed", None): ([Nothing], [Release], [Release], [Release]),
    (None, "open"): (LOST,) * 4,
    ("open", "open"): ([Keep],) * 4,
    ("active", "open"): (LOST,) * 4,
    ("closed", "open"): (LOST,) * 4,
    **{(order, "active"): ([Keep],) * 4 for order in ORDERS},
    **{(order, bid): ([Nothing], [Release], [Release], [Release]) for order in ORDERS for bid in ("lost", "closed")},
}


def test_the_table_leaves_nothing_out() -> None:
    assert set(TABLE) == set(itertools.product(ORDERS, BIDS))


@pytest.mark.parametrize(("order", "bid"), list(TABLE), ids=str)
def test_what_to_do_without_a_lease(make: Any, order: str | None, bid: str | None) -> None:
    for hold, expected in zip(HOLDS, TABLE[order, bid], strict=True):
        assert [type(step) for step in seen(make, order, bid, None, hold)] == expected, hold


def test_with_a_lease_of_ours_the_lease_flow_has_it(make: Any) -> None:
    for order, bid, lease, hold in itertools.product(ORDERS, BIDS, LEASES[1:], HOLDS):
        assert seen(make, order, bid, lease, hold) == (Nothing(),)


def test_an_unanswered_bid_is_kept_to_its_last_block_and_its_room_until_the_chain_has_closed_it(make: Any) -> None:
    assert seen(make, "open", "open", None, HoldState.BID, 114) == (Keep(115),)
    assert seen(make, "open", "open", None, HoldState.BID, 115) == (
        CloseBid(CloseReason.UNSPECIFIED, "not accepted within 60 s"),
    )


def test_a_bid_that_was_sent_and_never_seen_is_made_again(make: Any) -> None:
    assert seen(make, "open", None, None, HoldState.BID, 119) == (Keep(120),)
    assert seen(make, "open", None, None, HoldState.BID, 120) == (Release(), Consider())


def test_a_losing_bid_says_why_it_is_closed(make: Any) -> None:
    (close,) = seen(make, "active", "open", None, None)
    assert close == CloseBid(
        CloseReason.UNSPECIFIED, "the order is active and the bid was left open", lost=True, unsure=True
    )
    assert 10_000 <= close.reason <= 19_999


@pytest.mark.parametrize("height", [114, 115], ids=["in time", "past it"])
@pytest.mark.parametrize("order", [None, "active", "closed"])
def test_an_end_that_a_block_has_told_is_sure_and_frees_the_room_at_once(
    make: Any, order: str | None, height: int
) -> None:
    release, close = seen(make, order, "open", None, HoldState.BID, height, over=True)
    assert release == Release()
    assert (close.lost, close.unsure) == (True, False)


@pytest.mark.parametrize("order", ORDERS)
def test_past_its_time_a_bid_is_ours_to_give_up_whatever_is_said_of_its_order(make: Any, order: str | None) -> None:
    assert seen(make, order, "open", None, HoldState.BID, 115) == (
        CloseBid(CloseReason.UNSPECIFIED, "not accepted within 60 s"),
    )


@pytest.mark.parametrize(
    ("created", "timeout_s", "block_ms", "until"),
    [(100, 0, 6000, None), (100, 300, 6000, 150), (100, 301, 6000, 151), (100, 1, 6000, 101), (0, 300, 1000, 300)],
)
def test_a_bids_age_counts_from_the_chains_height(
    created: int, timeout_s: int, block_ms: int, until: int | None
) -> None:
    """D4: the reference measured from its own start, so no bid was ever old."""
    assert bid_timeout_height(created, timeout_s, block_ms) == until


@pytest.mark.parametrize(
    ("period_s", "block_time_ms", "blocks"), [(60, 6000, 10), (65, 6000, 10), (1, 6000, 1), (2, 0, 2000)]
)
def test_a_period_is_at_least_one_whole_block(period_s: int, block_time_ms: int, blocks: int) -> None:
    assert blocks_within(period_s, block_time_ms) == blocks


STATES = st.tuples(
    st.sampled_from(ORDERS),
    st.sampled_from(BIDS),
    st.sampled_from(LEASES),
    st.sampled_from(HOLDS),
    st.integers(90, 140),
)


@settings(deadline=None)
@given(st.lists(STATES, min_size=2, max_size=8))
def test_what_to_do_depends_on_nothing_but_what_is_asked(make: Any, questions: list[Any]) -> None:
    """Whatever was asked before, and in whichever order."""
    first = [seen(make, *question) for question in questions]
    assert [seen(make, *question) for question in reversed(questions)] == first[::-1]
    assert all(steps for steps in first)
