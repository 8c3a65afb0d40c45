from __future__ import annotations

from bidengine.node import Ask, Inventory, Node
from bidengine.placement import Placement, Slot
from bidengine.room import Hold, HoldState
from manifests.gpus import GpuModel
from manifests.ids import OrderID
from manifests.resources import GroupSpec, Requirements
from provider.capacity import sold_out
from provider.cluster.inventory.survey import GpuReport, NodeReport

A100 = GpuModel("nvidia", "a100", "80Gi", "sxm")
KEY = "vendor/nvidia/model/a100/ram/80Gi/interface/sxm"


def hold(n: int, state: HoldState, *slots: Slot) -> Hold:
    return Hold(OrderID("akash1t", n, 1, 1), GroupSpec("g", Requirements(), ()), Placement(slots), state, 1)


def test_what_is_sold_reserved_and_idle_on_each_node() -> None:
    holds = [
        hold(1, HoldState.LEASED, Slot(1, "n1", Ask(100, 10, 1, 2), A100), Slot(1, "n2", Ask(100, 10, 1))),
        hold(2, HoldState.BID, Slot(1, "n1", Ask(5, 1, 0, 1), A100)),
        hold(3, HoldState.HELD, Slot(1, "n1", Ask(5, 1, 0, 1), A100)),
    ]
    free = Inventory((Node("n1", 700, 70, 7, gpus={A100: 3}), Node("n2", 800, 80, 8)))
    nodes = [
        NodeReport("n1", "", (GpuReport("nvidia.com/gpu", A100, 7, 8),)),
        NodeReport("n3", "cordoned", (GpuReport("nvidia.com/gpu", A100, 4, 4),)),
        NodeReport("n4", "", (GpuReport("nvidia.com/gpu", None, 4, 4, "shared"),)),
    ]
    samples = {(name, *labels.values()): value for name, labels, value in sold_out(holds, free, nodes)}
    assert {key: value for key, value in samples.items() if key[0] == "akp_reservations"} == {
        ("akp_reservations", "held"): 1,
        ("akp_reservations", "bid"): 1,
        ("akp_reservations", "leased"): 1,
    }
    assert {key[1:]: value for key, value in samples.items() if key[0] == "akp_gpu"} == {
        (KEY, "n1", "sold"): 2,
        (KEY, "n1", "reserved"): 2,
        (KEY, "n1", "idle"): 3,
        (KEY, "n1", "sick"): 1,
        (KEY, "n3", "unsold"): 4,
        ("nvidia.com/gpu", "n4", "unsold"): 4,
    }
    assert {key[2:]: value for key, value in samples.items() if key[:2] == ("akp_resource", "cpu_milli")} == {
        ("n1", "sold"): 100,
        ("n1", "reserved"): 10,
        ("n1", "idle"): 700,
        ("n2", "sold"): 100,
        ("n2", "idle"): 800,
    }
