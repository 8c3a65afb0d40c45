from __future__ import annotations

from typing import Any

from bidengine.commit import Commit
from bidengine.needs import needs
from bidengine.node import BoundPod
from bidengine.snapshot import Snapshot
from bidengine.standing import anywhere, standing


def test_slots_are_where_the_pods_are(make: Any) -> None:
    asked = needs(make.group(make.unit(1, cpu=1000), make.unit(2, cpu=2000, gpu=1, models=["*"])), Commit())
    pods = [BoundPod("b", make.ask(2000, gpu=1), make.t4), BoundPod("a", make.ask(1000))]
    free = Snapshot([make.node("a"), make.node("b", gpus={make.t4: 0, make.a100: 8})])
    assert [(s.resource_id, s.node, s.gpu) for s in standing(asked, pods, free).slots] == [
        (1, "a", None),
        (2, "b", make.t4),
    ]


def test_replicas_without_a_pod_go_where_they_fit_one_after_the_other(make: Any) -> None:
    asked = needs(make.group(make.unit(cpu=3000, count=4)), Commit())
    free = Snapshot([make.node("a", 3000), make.node("b", 4000)])
    slots = standing(asked, [BoundPod("b", make.ask(3000))], free).slots
    assert [s.node for s in slots] == ["b", "a", "b", ""]
    assert free.nodes["a"].cpu_milli == 3000


def test_a_replica_without_a_pod_gets_the_card_its_sisters_have(make: Any) -> None:
    asked = needs(make.group(make.unit(gpu=1, models=["*"], count=2)), Commit())
    free = Snapshot([make.node("a", gpus={make.t4: 1}), make.node("b", gpus={make.a100: 8})])
    slots = standing(asked, [BoundPod("a", make.ask(gpu=1), make.t4)], free).slots
    assert {s.gpu for s in slots} == {make.t4}


def test_without_any_pod_all_replicas_still_get_one_card(make: Any) -> None:
    asked = needs(make.group(make.unit(gpu=1, models=["*"], count=2)), Commit())
    free = Snapshot([make.node("a", gpus={make.t4: 1}), make.node("b", gpus={make.a100: 1})])
    slots = standing(asked, [], free).slots
    assert len({s.gpu for s in slots}) == 1
    assert sorted(s.node != "" for s in slots) == [False, True]


def test_pods_of_an_older_over_commit_are_recognised_by_likeness(make: Any) -> None:
    asked = needs(make.group(make.unit(1, cpu=1000), make.unit(2, cpu=8000)), Commit())
    pods = [BoundPod("b", make.ask(4000)), BoundPod("a", make.ask(500))]
    slots = standing(asked, pods, Snapshot([make.node("a"), make.node("b")])).slots
    assert [(s.resource_id, s.node) for s in slots] == [(1, "a"), (2, "b")]


def test_anywhere_is_the_tightest_node_with_one_of_the_cards(make: Any) -> None:
    free = Snapshot([make.node("a", gpus={make.a100: 8}), make.node("b", gpus={make.a100: 2})])
    assert anywhere(make.ask(gpu=1), (make.h100, make.a100), free) == ("b", make.a100)
    assert anywhere(make.ask(gpu=1), (make.h100,), free) is None


def test_a_pod_that_cannot_tell_its_card_has_its_sisters(make: Any) -> None:
    asked = needs(make.group(make.unit(gpu=1, models=["*"], count=2)), Commit())
    pods = [BoundPod("x", make.ask(gpu=1), None), BoundPod("a", make.ask(gpu=1), make.t4)]
    free = Snapshot([make.node("a", gpus={make.t4: 0, make.a100: 4})])
    assert [(s.node, s.gpu) for s in standing(asked, pods, free).slots] == [("x", make.t4), ("a", make.t4)]
