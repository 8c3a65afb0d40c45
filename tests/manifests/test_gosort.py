"""Go's sort: sorted whatever comes, stable when short, and in one known order of equals when long."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from manifests.gosort import go_sorted


@given(st.lists(st.integers(0, 50), max_size=300))
def test_the_result_is_sorted_and_whole(values: list[int]) -> None:
    assert list(go_sorted(values, lambda x, y: x < y)) == sorted(values)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers()), max_size=12))
def test_up_to_twelve_equals_keep_their_order(values: list[tuple[int, int]]) -> None:
    assert list(go_sorted(values, lambda x, y: x[0] < y[0])) == sorted(values, key=lambda v: v[0])


def test_patterns_that_make_bad_pivots_end_in_order() -> None:
    for n in (13, 49, 50, 51, 200, 1000):
        for values in (
            range(n),
            range(n, 0, -1),
            [i % 2 for i in range(n)],
            [i ^ 1 for i in range(n)],
            [*range(n // 2), *range(n // 2)],
        ):
            assert list(go_sorted(values, lambda x, y: x < y)) == sorted(values)


def test_a_comparison_that_always_says_greater_does_not_hang() -> None:
    assert sorted(go_sorted(range(500), lambda x, y: True)) == list(range(500))


def test_above_twelve_equals_move_in_the_way_the_reference_moves_them() -> None:
    keys = [1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0]
    moved = go_sorted(list(enumerate(keys)), lambda x, y: x[1] < y[1])
    assert [key for _, key in moved] == sorted(keys)
    assert [i for i, _ in moved] != [i for i, _ in sorted(enumerate(keys), key=lambda v: v[1])]


def test_heap_sort_takes_over_when_pivots_stay_bad() -> None:
    """A comparison that answers against the pivot as long as it can (an adversary for quicksort)."""
    fixed: dict[int, int] = {}
    state = {"gas": 1000, "solid": 0, "candidate": 0}

    def less(x: int, y: int) -> bool:
        if x not in fixed and y not in fixed:
            fixed[x if x == state["candidate"] else y] = state["solid"]
            state["solid"] += 1
        if x not in fixed:
            state["candidate"] = x
        elif y not in fixed:
            state["candidate"] = y
        return fixed.get(x, state["gas"]) < fixed.get(y, state["gas"])

    order = go_sorted(range(400), less)
    ranks = [fixed.get(v, state["gas"]) for v in order]
    assert ranks == sorted(ranks)
