from __future__ import annotations

from typing import Any

import pytest

from bidengine.node import Ask, Node
from manifests.gpus import GpuModel
from provider.cluster.gpus import card_labels
from provider.cluster.nodes import free, node_facts
from provider.cluster.pods import PodFacts
from provider.cluster.volumes import StorageClass

READY = [{"type": "Ready", "status": "True"}]
T4 = GpuModel("nvidia", "t4")
GI = 1 << 30


def node(labels: dict[str, str] | None = None, **more: Any) -> dict[str, Any]:
    allocatable = {
        "cpu": "8",
        "memory": "32Gi",
        "ephemeral-storage": "100Gi",
        "pods": "20",
        **more.pop("allocatable", {}),
    }
    return {
        "metadata": {"name": "n1", "uid": "u", "labels": labels or {}, "managedFields": more.pop("managed", [])},
        "spec": more.pop("spec", {}),
        "status": {"allocatable": allocatable, "conditions": more.pop("conditions", READY)},
    }


def pod(ask: Ask, vendor: str = "", name: str = "p") -> PodFacts:
    return PodFacts("kube-system", name, name, "n1", False, ask, vendor, "", True, False, 0, "", "")


@pytest.mark.parametrize(
    ("spec", "conditions", "why"),
    [
        pytest.param({}, READY, "", id="usable"),
        pytest.param({"unschedulable": True}, READY, "cordoned", id="cordoned"),
        pytest.param({}, [], "not ready", id="says nothing"),
        pytest.param({}, [{"type": "Ready", "status": "Unknown"}], "not ready", id="not heard of"),
        pytest.param({}, [*READY, {"type": "DiskPressure", "status": "True"}], "DiskPressure", id="disk full"),
        pytest.param({}, [*READY, {"type": "DiskPressure", "status": "False"}], "", id="disk fine"),
        pytest.param({"taints": [{"key": "x", "effect": "NoSchedule"}]}, READY, "taint x", id="tainted"),
        pytest.param({"taints": [{"key": "x", "effect": "NoExecute"}]}, READY, "taint x", id="tainted harder"),
        pytest.param({"taints": [{"key": "x", "effect": "PreferNoSchedule"}]}, READY, "", id="a mere preference"),
    ],
)
def test_why_a_node_cannot_carry_leases(spec: dict[str, Any], conditions: list[dict[str, str]], why: str) -> None:
    assert node_facts(node(spec=spec, conditions=conditions)).unusable == why


def test_a_nearly_empty_object_is_a_node_without_room() -> None:
    facts = node_facts({"metadata": {"name": "n1"}})
    assert free(facts, [], []) == Node("n1", 0, 0, 0)
    assert facts.unusable == "not ready"


def test_what_is_left_is_allocatable_minus_what_others_take() -> None:
    facts = node_facts(node())
    left = free(
        facts,
        [pod(Ask(500, GI, 2 * GI), name="a"), pod(Ask(1500, GI, 0), name="b")],
        [StorageClass("beta3", False, False)],
    )
    assert left == Node("n1", 6000, 30 * GI, 98 * GI, pods=18, gpus={}, classes=frozenset({"beta3"}))


def test_never_below_zero() -> None:
    left = free(node_facts(node()), [pod(Ask(10**6, 1 << 60, 1 << 60))] * 30, [])
    assert (left.cpu_milli, left.memory_bytes, left.ephemeral_bytes, left.pods) == (0, 0, 0, 0)


def test_gpus_by_model() -> None:
    facts = node_facts(node(card_labels(T4, 4), allocatable={"nvidia.com/gpu": "4"}))
    assert free(facts, [], []).gpus == {T4: 4}
    assert free(facts, [pod(Ask(0, 0, 0, 3), "nvidia"), pod(Ask(0, 0, 0, 9), "amd")], []).gpus == {T4: 1}


@pytest.mark.parametrize(
    ("labels", "gpus"),
    [
        pytest.param({}, "4", id="cards of an unknown model"),
        pytest.param(card_labels(T4, 4) | card_labels(GpuModel("nvidia", "a100"), 4), "8", id="two models"),
        pytest.param(card_labels(T4, 4), "0", id="a label but no card (the device plugin is down)"),
    ],
)
def test_gpus_that_are_not_sold(labels: dict[str, str], gpus: str) -> None:
    assert free(node_facts(node(labels, allocatable={"nvidia.com/gpu": gpus})), [], []).gpus == {}


def applied(manager: str, *keys: str, operation: str = "Apply") -> dict[str, Any]:
    labels = {f"f:{key}": {} for key in keys}
    return {"manager": manager, "operation": operation, "fieldsV1": {"f:metadata": {"f:labels": {".": {}, **labels}}}}


def test_labels_the_daemon_put_there_are_told_apart() -> None:
    """Else a card swapped for another would stay what the daemon once took it for."""
    labels = {"akash.network": "true", "a": "1", "nvidia.com/gpu.product": "NVIDIA-L4", **card_labels(T4, 1)}
    managed = [
        applied("akash-provider", "akash.network", *card_labels(T4, 1)),
        applied("kubectl", "a", operation="Update"),
    ]
    facts = node_facts(node(labels, managed=managed, allocatable={"nvidia.com/gpu": "1"}))
    assert facts.ours == {"akash.network", *card_labels(T4, 1)}
    assert facts.foreign_labels == {"a": "1", "nvidia.com/gpu.product": "NVIDIA-L4"}
    assert facts.marked
    assert facts.cards["nvidia"].model == GpuModel("nvidia", "l4", "", "pcie")


def test_what_others_hold_too_is_not_ours() -> None:
    managed = [
        applied("akash-provider", "akash.network"),
        applied("kubectl-label", "akash.network", operation="Update"),
    ]
    assert node_facts(node({"akash.network": "true"}, managed=managed)).ours == frozenset()
