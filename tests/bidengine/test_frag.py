from __future__ import annotations

from typing import Any

import pytest

from bidengine.commit import Commit
from bidengine.frag import CardFrag, Frag, frag
from bidengine.node import Inventory
from bidengine.placement import Placement
from bidengine.room import Room


def told(make: Any, *nodes: Any, orders: Any = ()) -> Frag:
    """The fragmentation after these orders have been taken."""
    room = Room(Commit())
    room.see(Inventory(nodes))
    for number, spec in enumerate(orders):
        placement = room.fit(spec)
        assert isinstance(placement, Placement)
        room.hold(make.order_id(number), spec, placement, height=1)
    return frag(room.inventory, room.free())


def gpus(make: Any, units: int, model: str = "h100", **rest: Any) -> Any:
    return make.group(make.unit(gpu=units, models=[model], **rest))


def test_an_empty_cluster_says_nothing() -> None:
    assert frag(Inventory(()), Inventory(())) == Frag()


def test_whole_nodes_are_in_one_piece(make: Any) -> None:
    found = told(make, *(make.node(n, gpus={make.h100: 8}) for n in "ab"))
    assert found.cards == (CardFrag(make.h100, units=16, free=16, unbroken=16, stranded=0, largest=8),)
    assert found.cards[0].index_percent == 0


def test_a_node_partly_sold_is_broken(make: Any) -> None:
    """Best fit keeps the second node whole: six of fourteen free cards are beside sold ones."""
    found = told(make, *(make.node(n, gpus={make.h100: 8}) for n in "ab"), orders=[gpus(make, 1), gpus(make, 1)])
    assert found.cards == (CardFrag(make.h100, units=16, free=14, unbroken=8, stranded=0, largest=8),)
    assert found.cards[0].index_percent == 42


def test_the_largest_order_is_told_for_each_model(make: Any) -> None:
    nodes = (make.node("a", gpus={make.h100: 4}), make.node("b", gpus={make.t4: 2}), make.node("c", gpus={make.t4: 1}))
    found = told(make, *nodes, orders=[gpus(make, 4)])
    assert [(c.card.model, c.free, c.largest, c.index_percent) for c in found.cards] == [
        ("h100", 0, 0, 0),
        ("t4", 3, 2, 0),
    ]


@pytest.mark.parametrize(
    ("node", "stranded", "largest"),
    [
        ({"cpu": 3000}, 5, 3),
        ({"memory_gib": 8}, 6, 2),
        ({"pods": 0}, 8, 0),
        ({}, 0, 8),
    ],
    ids=["few cores", "little memory", "no pod", "enough"],
)
def test_cards_without_cores_memory_or_a_pod_are_stranded(
    make: Any, node: dict[str, int], stranded: int, largest: int
) -> None:
    (found,) = told(make, make.node("a", gpus={make.h100: 8}, **node)).cards
    assert (found.stranded, found.largest) == (stranded, largest)


def test_two_models_on_a_node_share_what_is_beside_them(make: Any) -> None:
    found = told(make, make.node("a", cpu=5000, gpus={make.a100: 4, make.h100: 4}))
    assert [(c.card.model, c.stranded, c.largest) for c in found.cards] == [("a100", 0, 4), ("h100", 3, 1)]


def test_cores_without_memory_and_memory_without_cores_are_stranded(make: Any) -> None:
    nodes = (
        make.node("a", cpu=4000, memory_gib=0),
        make.node("b", cpu=0, memory_gib=9),
        make.node("c", cpu=2000, memory_gib=3, pods=0),
        make.node("d", cpu=1000, memory_gib=1),
    )
    found = told(make, *nodes)
    assert (found.stranded_cpu_milli, found.stranded_memory_bytes) == (6000, 12 * make.gib)
    assert (found.largest_cpu_milli, found.largest_memory_bytes) == (1000, make.gib)
