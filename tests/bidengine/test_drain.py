"""Where the replicas of a node's leases would go, and what is told of those that cannot."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bidengine.commit import Commit
from bidengine.drain import drain
from bidengine.node import Ask, BoundPod, Inventory, Node
from bidengine.room import Room
from manifests.gpus import GpuModel
from manifests.ids import LeaseID

GI = 1 << 30
A100 = GpuModel("nvidia", "a100", "80Gi", "sxm")
SMALL, LARGE = LeaseID("o", 1, 1, 1, "p"), LeaseID("o", 2, 1, 1, "p")


def room(*nodes: Node, **pods: tuple[BoundPod, ...]) -> Room:
    out = Room(Commit())
    standing = {{"small": SMALL, "large": LARGE}[name]: found for name, found in pods.items()}
    out.see(Inventory(nodes, lease_pods=standing))
    return out


def pod(node: str, cpu_milli: int, *, gpus: int = 0, attached: int = 0) -> BoundPod:
    return BoundPod(node, Ask(cpu_milli, GI, GI, gpus, attached=attached), A100 if gpus else None)


def node(name: str, cpu_milli: int, gpus: int = 0) -> Node:
    return Node(name, cpu_milli, 64 * GI, 64 * GI, gpus={A100: gpus} if gpus else {})


def test_an_empty_node_touches_nobody() -> None:
    assert drain(room(node("a", 1000), node("b", 1000), small=(pod("b", 500),)), "a") == ()


def test_replicas_go_where_there_is_room_and_the_rest_is_stuck() -> None:
    found = room(node("a", 4000), node("b", 1000), node("c", 600), small=(pod("a", 500),) * 4)
    (one,) = drain(found, "a")
    assert (one.lease, one.replicas, one.stuck) == (SMALL, 4, 1)
    assert dict(one.goes_to) == {"b": 2, "c": 1}


def test_what_leases_have_elsewhere_is_taken() -> None:
    (one,) = drain(room(node("a", 1000), node("b", 1000), small=(pod("a", 600),), large=(pod("b", 600),)), "a")
    assert (one.lease, one.stuck) == (SMALL, 1)


def test_cards_go_first_and_only_to_their_like() -> None:
    found = room(
        node("a", 9000, 2), node("b", 1000, 1), node("c", 1000), small=(pod("a", 900),), large=(pod("a", 900, gpus=1),)
    )
    by_lease = {one.lease: dict(one.goes_to) for one in drain(found, "a")}
    assert by_lease == {SMALL: {"c": 1}, LARGE: {"b": 1}}


@pytest.mark.parametrize("attached", [0, 1])
def test_volumes_are_told(attached: int) -> None:
    (one,) = drain(room(node("a", 1000), node("b", 1000), small=(pod("a", 100, attached=attached),)), "a")
    assert one.keeps_volumes is bool(attached)


def test_replicas_go_only_where_their_volumes_are_reached_from() -> None:
    pods = tuple(replace(pod("a", 100, attached=1), name=name) for name in ("tied", "near", "free"))
    found = room(node("a", 1000), node("b", 1000), node("c", 1000), small=pods)
    (one,) = drain(found, "a", {(SMALL, "tied"): {"a"}, (SMALL, "near"): {"a", "c"}, (LARGE, "free"): {"a"}})
    assert one.stuck == 1
    assert sum(one.goes_to.values()) == 2
    assert one.goes_to["c"] >= 1


def test_nothing_is_promised_by_asking() -> None:
    here = room(node("a", 1000), node("b", 1000), small=(pod("a", 600),))
    before = here.free()
    assert drain(here, "a") == drain(here, "a")
    assert here.free() == before
