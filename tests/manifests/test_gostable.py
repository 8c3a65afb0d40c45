"""Go's stable sort: any stable sort for an order, and defined by its steps where there is none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from manifests.gostable import go_stable_sorted


@given(st.lists(st.tuples(st.integers(0, 5), st.integers()), max_size=200))
def test_equals_keep_their_order(values: list[tuple[int, int]]) -> None:
    assert list(go_stable_sorted(values, lambda x, y: x[0] < y[0])) == sorted(values, key=lambda v: v[0])


@pytest.mark.parametrize(
    ("length", "left"),
    # what Go leaves of 0, 1, 2 … where each comes before each other: runs of twenty reversed, then merged
    [
        (2, [1, 0]),
        (20, list(range(19, -1, -1))),
        (21, [20, *range(19, -1, -1)]),
        (23, [22, 21, 20, *range(19, -1, -1)]),
    ],
)
def test_where_the_rule_is_no_order_the_steps_decide(length: int, left: list[int]) -> None:
    assert list(go_stable_sorted(range(length), lambda x, y: True)) == left


@pytest.mark.parametrize(
    ("length", "left"),
    [
        (12, "10 5 0 11 6 1 2 3 4 7 8 9"),
        (24, "20 15 10 5 0 16 11 6 1 17 12 2 21 22 23 3 4 7 18 13 8 19 9 14"),
        (
            45,
            (
                "40 30 25 20 15 10 5 0 41 31 26 16 11 6 1 21 32 27 22 17 12 2 33 23 42 43 3 4 7 18 13 8 44 24 19 9 "
                "14 28 34 29 35 36 37 38 39"
            ),
        ),
    ],
)
def test_a_contradictory_rule_ends_as_go_1_26_ends_it(length: int, left: str) -> None:
    found = go_stable_sorted(range(length), lambda x, y: x % 5 <= y % 5 and x % 7 != 0)
    assert " ".join(map(str, found)) == left


@given(st.integers(0, 150))
def test_nothing_is_lost_whatever_the_rule_says(length: int) -> None:
    for answer in (True, False):
        assert sorted(go_stable_sorted(range(length), lambda x, y, a=answer: a)) == list(range(length))
