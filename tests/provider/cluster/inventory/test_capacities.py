from __future__ import annotations

from typing import Any

import pytest

from provider.cluster.inventory.capacities import Capacity, Published, capacity

GI = 1 << 30


def test_capacity_is_what_the_driver_says_is_left() -> None:
    everywhere = {"storageClassName": "beta3", "capacity": "5Gi", "nodeTopology": {}}
    assert capacity(everywhere) == Capacity("beta3", 5 * GI)
    assert capacity({"storageClassName": "beta3"}) == Capacity("beta3", 0, None), "reached from no node"
    assert capacity({**everywhere, "maximumVolumeSize": "1Gi"}).largest_bytes == GI
    part = {"matchLabels": {"z": "1"}, "matchExpressions": [{"key": "a", "operator": "Exists"}]}
    assert capacity({**everywhere, "nodeTopology": part}).nodes == (
        ("a", "Exists", frozenset()),
        ("z", "In", frozenset({"1"})),
    )


@pytest.mark.parametrize(
    ("rule", "labels", "meets"),
    [
        (("zone", "In", frozenset({"a", "b"})), {"zone": "a"}, True),
        (("zone", "In", frozenset({"a"})), {"zone": "c"}, False),
        (("zone", "In", frozenset({"a"})), {}, False),
        (("zone", "NotIn", frozenset({"a"})), {"zone": "b"}, True),
        (("zone", "NotIn", frozenset({"a"})), {}, True),
        (("zone", "Exists", frozenset[str]()), {"zone": "x"}, True),
        (("zone", "DoesNotExist", frozenset[str]()), {"zone": "x"}, False),
        (("zone", "Near", frozenset[str]()), {"zone": "x"}, False),
    ],
)
def test_a_part_of_the_cluster_is_a_selector_of_nodes(rule: Any, labels: dict[str, str], meets: bool) -> None:
    assert bool(Published([Capacity("beta3", GI, (rule,))]).near("beta3", labels)) is meets


def test_a_node_is_near_the_parts_whose_every_rule_it_meets() -> None:
    zone, rack = ("zone", "In", frozenset({"a", "b"})), ("rack", "NotIn", frozenset({"1"}))
    everywhere, part, nowhere = Capacity("c", 1), Capacity("c", 2, (rack, zone)), Capacity("c", 4, None)
    other = Capacity("other", 8)
    found = Published([everywhere, part, nowhere, other])
    assert found.near("c", {"zone": "a"}) == [everywhere, part]
    assert found.near("c", {"zone": "a", "rack": "1"}) == [everywhere]
    assert found.near("c", {}) == [everywhere]
    assert found.near("gone", {"zone": "a"}) == []
    assert found.of("c") == [everywhere, part, nowhere]


@pytest.mark.parametrize(("free", "largest", "most"), [(5, None, 5), (5, 3, 3), (2, 3, 2), (0, None, 0)])
def test_the_most_that_one_volume_can_have(free: int, largest: int | None, most: int) -> None:
    assert Capacity("c", free, (), largest).most_bytes == most
