from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from bidengine.footprint import claimed, unmatched
from bidengine.node import Ask, BoundPod
from bidengine.placement import Slot


def slot(ask: Ask, node: str = "a", gpu: Any = None) -> Slot:
    return Slot(1, node, ask, gpu)


def test_a_pod_stands_for_the_slot_on_its_node(make: Any) -> None:
    ask = make.ask()
    here, there = slot(ask, "a"), slot(ask, "b")
    assert unmatched([here, there], [BoundPod("b", ask)]) == [here]


def test_a_pod_scheduled_elsewhere_stands_for_a_slot_of_its_shape(make: Any) -> None:
    assert unmatched([slot(make.ask(), "a")], [BoundPod("z", make.ask())]) == []


def test_a_pod_at_home_is_matched_before_one_that_strayed(make: Any) -> None:
    ask = make.ask()
    pods = [BoundPod("b", ask), BoundPod("a", ask)]
    assert unmatched([slot(ask, "a"), slot(ask, "c")], pods) == []
    assert unmatched([slot(ask, "a"), slot(ask, "c"), slot(ask, "b")], pods) == [slot(ask, "c")]


def test_the_second_pod_of_a_rollout_takes_no_other_units_slot(make: Any) -> None:
    web, db = slot(make.ask(1000)), slot(make.ask(2000))
    assert unmatched([web, db], [BoundPod("a", web.ask), BoundPod("a", web.ask)]) == [db]


def test_the_card_tells_pods_apart(make: Any) -> None:
    slots = [slot(make.ask(gpu=1), gpu=make.a100), slot(make.ask(gpu=1), gpu=make.t4)]
    assert unmatched(slots, [BoundPod("a", make.ask(gpu=1), make.t4)]) == [slots[0]]


def test_a_pod_from_before_over_commit_was_changed_stands_for_the_nearest_slot(make: Any) -> None:
    small, large = slot(make.ask(500)), slot(make.ask(4000))
    assert unmatched([small, large], [BoundPod("a", make.ask(6000))]) == [small]
    assert unmatched([small, large], [BoundPod("a", make.ask(750)), BoundPod("a", make.ask(6000))]) == []


def test_a_pod_without_a_card_never_stands_for_one_with(make: Any) -> None:
    with_card = slot(make.ask(gpu=1), gpu=make.t4)
    assert unmatched([with_card], [BoundPod("a", make.ask(900))]) == [with_card]


def test_volumes_do_not_keep_a_pod_from_its_slot(make: Any) -> None:
    assert unmatched([slot(make.ask(volumes={"beta3": 5}))], [BoundPod("a", make.ask())]) == []


def test_storage_counts_what_was_promised_or_what_is_claimed(make: Any) -> None:
    slots = [slot(make.ask(volumes={"beta2": 5, "beta3": 5})), slot(make.ask(volumes={"beta3": 5}))]
    assert claimed(slots, {}) == (("beta2", 5), ("beta3", 10))
    assert claimed(slots, {"beta3": 7, "beta1": 1}) == (("beta1", 1), ("beta2", 5), ("beta3", 10))
    assert claimed(slots, {"beta3": 12}) == (("beta2", 5), ("beta3", 12))
    assert claimed((), {"beta3": 12}) == (("beta3", 12),)


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 3)), max_size=8),
    st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 3)), max_size=8),
)
def test_never_fewer_slots_are_left_than_pods_are_short(make: Any, slots: Any, pods: Any) -> None:
    promised = [slot(make.ask(cpu * 1000), node) for node, cpu in slots]
    seen = [BoundPod(node, make.ask(cpu * 1000)) for node, cpu in pods]
    left = unmatched(promised, seen)
    for cpu in (1, 2, 3):
        wanted, here, rest = (sum(x.ask.cpu_milli == cpu * 1000 for x in items) for items in (promised, seen, left))
        if wanted:  # pods of a shape no slot has may stand for any
            assert rest <= max(0, wanted - here)
    assert len(left) >= len(promised) - len(seen)
