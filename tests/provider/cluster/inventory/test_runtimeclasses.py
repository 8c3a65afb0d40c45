from __future__ import annotations

from typing import Any

import pytest

from bidengine.node import Node
from bidengine.runtimes import NO_OVERHEAD, Overhead
from manifests.gpus import GpuModel
from provider.cluster.inventory.runtimeclasses import RuntimeClass, runtime_class, runtimes, unsold

MI, GI = 1 << 20, 1 << 30
NODES = [
    Node("n1", 1, 1, 1, gpus={GpuModel("amd", "mi300x"): 1}),
    Node("n2", 1, 1, 1, gpus={GpuModel("nvidia", "t4"): 1}),
]


@pytest.mark.parametrize(
    ("more", "overhead"),
    [
        ({}, NO_OVERHEAD),
        ({"overhead": None}, NO_OVERHEAD),
        ({"overhead": {"podFixed": {"memory": "160Mi", "cpu": "250m"}}}, Overhead(250, 160 * MI)),
        ({"overhead": {"podFixed": {"ephemeral-storage": "1Gi", "example.com/x": "3"}}}, Overhead(0, 0, GI)),
    ],
    ids=["none", "empty", "Kata's", "disk, and what nobody counts"],
)
def test_what_a_class_adds_to_each_pod(more: dict[str, Any], overhead: Overhead) -> None:
    obj = {"metadata": {"name": "kata"}, "handler": "kata", **more}
    assert runtime_class(obj) == RuntimeClass("kata", overhead)


def test_what_is_not_sold_without_a_class_is_told_where_it_matters() -> None:
    there = [RuntimeClass("runc", NO_OVERHEAD)]
    assert list(unsold(runtimes("nvidia", "gvisor", there), NODES)) == ["gvisor", "nvidia"]
    assert list(unsold(runtimes("nvidia", "gvisor", there), NODES[:1])) == ["gvisor"], "no node has such a card"
    assert unsold(runtimes("", "", there), NODES) == {}
    assert unsold(runtimes("runc", "runc", there), NODES) == {}
