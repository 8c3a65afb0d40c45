from __future__ import annotations

from typing import Any

import pytest

from bidengine.hold import Hold, HoldState
from bidengine.node import Ask, Inventory, Node
from bidengine.placement import Placement, Slot
from manifests.gpus import GpuModel
from manifests.ids import OrderID
from manifests.resources import GroupSpec, Requirements
from provider.gateway.provider_status import inventory_status, version

GI = 1 << 30
T4 = GpuModel("nvidia", "t4")
SPEC = GroupSpec("west", Requirements(), ())


def hold(state: HoldState) -> Hold:
    ask = Ask(500, GI, 2 * GI, 1, (("beta3", 3 * GI),), 1)
    return Hold(OrderID("akash1o", 1, 1, 1), SPEC, Placement((Slot(1, "n1", ask, T4),) * 2), state, 5)


HELD = {"cpu": 1000, "gpu": 2, "memory": 2 * GI, "storage_ephemeral": 4 * GI, "storage": {"beta3": 6 * GI}}


@pytest.mark.parametrize(
    ("state", "active", "pending"),
    [(HoldState.HELD, [], [HELD]), (HoldState.BID, [], [HELD]), (HoldState.LEASED, [HELD], [])],
)
def test_what_is_promised_is_active_with_a_lease_and_pending_before(
    state: HoldState, active: Any, pending: Any
) -> None:
    found = inventory_status(Inventory(()), iter([hold(state)]))
    assert (found["active"], found["pending"]) == (active, pending)


def test_what_is_free_node_by_node_and_class_by_class() -> None:
    free = Inventory((Node("n1", 4000, 8 * GI, 9 * GI, gpus={T4: 2}),), {"beta3": 5, "beta1": 7})
    assert inventory_status(free, ()) == {
        "available": {
            "nodes": [
                {
                    "name": "n1",
                    "available": {"cpu": 4000, "gpu": 2, "memory": 8 * GI, "storage_ephemeral": 9 * GI},
                }
            ],
            "storage": [{"class": "beta1", "size": 7}, {"class": "beta3", "size": 5}],
        },
        "active": [],
        "pending": [],
    }


def test_the_clusters_version_is_passed_on() -> None:
    assert version({"gitVersion": "v1.34.0"})["kube"] == {"gitVersion": "v1.34.0"}
