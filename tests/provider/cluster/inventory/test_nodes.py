from __future__ import annotations

from typing import Any

import pytest

from bidengine.node import Ask, Node
from manifests.gpus import GpuModel
from provider.cluster.inventory.capacities import Capacity, Published
from provider.cluster.inventory.gpus import card_labels
from provider.cluster.inventory.gputable import bundled
from provider.cluster.inventory.nodes import NodeFacts, node_facts
from provider.cluster.inventory.nodes import free as free_
from provider.cluster.inventory.pods import PodFacts
from provider.cluster.inventory.volumes import StorageClass
from tests.provider.cluster.conftest import real_node

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


def pod(ask: Ask, resource: str = "", name: str = "p") -> PodFacts:
    gpus = ((resource, ask.gpu_units),) if resource else ()
    return PodFacts("kube-system", name, name, "n1", False, ask, gpus, "", True, False, 0, "", "")


def free(facts: NodeFacts, pods: list[PodFacts], classes: list[StorageClass], *capacities: Capacity) -> Node:
    return free_(facts, pods, classes, bundled(), Published(capacities))


@pytest.mark.parametrize(
    ("spec", "conditions", "why"),
    [
        pytest.param({}, READY, "", id="usable"),
        pytest.param({"unschedulable": True}, READY, "cordoned", id="cordoned"),
        pytest.param({}, [], "not ready", id="says nothing"),
        pytest.param({}, [{"type": "Ready", "status": "Unknown"}], "not ready", id="not heard of"),
        pytest.param({}, [*READY, {"type": "DiskPressure", "status": "True"}], "DiskPressure", id="disk full"),
        pytest.param({}, [*READY, {"type": "DiskPressure", "status": "False"}], "", id="disk fine"),
        pytest.param({}, [*READY, {"type": "MemoryPressure", "status": "True"}], "MemoryPressure", id="memory short"),
        pytest.param({}, [*READY, {"type": "PIDPressure", "status": "True"}], "PIDPressure", id="too many processes"),
        pytest.param(
            {}, [*READY, {"type": "NetworkUnavailable", "status": "True"}], "NetworkUnavailable", id="no network"
        ),
        pytest.param({}, [*READY, {"type": "GpuUnhealthy", "status": "True"}], "", id="sick GPUs do not stop the rest"),
        pytest.param({"taints": [{"key": "x", "effect": "NoSchedule"}]}, READY, "taint x", id="tainted"),
        pytest.param({"taints": [{"key": "x", "effect": "NoExecute"}]}, READY, "taint x", id="tainted harder"),
        pytest.param({"taints": [{"key": "x", "effect": "PreferNoSchedule"}]}, READY, "", id="a mere preference"),
        pytest.param({"taints": [{"key": "ok", "effect": "NoExecute"}]}, READY, "", id="tolerated"),
        pytest.param(
            {"taints": [{"key": "ok", "effect": "NoSchedule"}, {"key": "x", "effect": "NoSchedule"}]},
            READY,
            "taint x",
            id="one of two tolerated",
        ),
    ],
)
def test_why_a_node_cannot_carry_leases(spec: dict[str, Any], conditions: list[dict[str, str]], why: str) -> None:
    assert node_facts(node(spec=spec, conditions=conditions), tolerated=("ok",)).unusable == why


def test_a_node_on_its_way_out() -> None:
    leaving = node()
    leaving["metadata"]["deletionTimestamp"] = "2026-03-01T00:00:00Z"
    assert node_facts(leaving).unusable == "being deleted"


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
    others = [pod(Ask(0, 0, 0, 3), "nvidia.com/gpu"), pod(Ask(0, 0, 0, 9), "amd.com/gpu")]
    assert free(facts, others, []).gpus == {T4: 1}


SLICE = GpuModel("nvidia", "a100-mig-1g.5gb", "5Gi", "", "nvidia.com/mig-1g.5gb")
HALF = GpuModel("nvidia", "a100-mig-3g.20gb", "20Gi", "", "nvidia.com/mig-3g.20gb")
A100_40 = GpuModel("nvidia", "a100", "40Gi", "sxm")


@pytest.mark.parametrize(
    ("file", "gpus"),
    [
        ("gpu-operator-a100", {GpuModel("nvidia", "a100", "80Gi", "sxm"): 8}),
        ("gpu-operator-mig-mixed", {A100_40: 2, SLICE: 7, HALF: 2}),
        ("gpu-operator-mig-single", {GpuModel("nvidia", "h100-mig-1g.10gb", "10Gi"): 56}),
        ("device-plugin-time-slicing", {}),
        ("amd-labeller-mi300x", {GpuModel("amd", "mi300x", "192Gi"): 8}),
        ("amd-partitioned-mi300x", {GpuModel("amd", "mi300x-cpx-nps4", "", "", "amd.com/cpx_nps4"): 64}),
        ("intel-flex170", {GpuModel("intel", "flex170", "16Gi", "pcie"): 2}),
        ("reference-operator-rtx4090", {GpuModel("nvidia", "rtx4090", "24Gi", "pcie"): 3}),
        ("nfd-two-models", {}),
        ("nfd-l40s-plugin-down", {}),
        ("k3s-agent", {}),
        ("kubeadm-control-plane", {}),
    ],
)
def test_gpus_of_real_looking_nodes(file: str, gpus: dict[GpuModel, int]) -> None:
    """Parts are models of their own beside whole cards; what is shared or mixed up is not sold, a sick card neither
    (three of the four in `reference-operator-rtx4090` are offered)."""
    assert free(node_facts(real_node(file)), [], []).gpus == gpus


def test_slices_and_cards_are_used_up_apart() -> None:
    facts = node_facts(real_node("gpu-operator-mig-mixed"))
    others = [pod(Ask(0, 0, 0, 3), "nvidia.com/mig-1g.5gb"), pod(Ask(0, 0, 0, 1), "nvidia.com/gpu")]
    assert free(facts, others, []).gpus == {A100_40: 1, SLICE: 4, HALF: 2}


def test_real_looking_amounts() -> None:
    k3s = node_facts(real_node("k3s-agent"))
    assert (k3s.cpu_milli, k3s.memory_bytes, k3s.ephemeral_bytes, k3s.pods) == (
        16_000, (65738048 - 102400) << 10, 466048158720, 110,
    )  # fmt: skip
    assert k3s.unusable == ""
    assert node_facts(real_node("kubeadm-control-plane")).unusable == "taint node-role.kubernetes.io/control-plane"


def test_a_sick_device_is_not_sold_and_comes_back_by_itself() -> None:
    """Product row 37: the device plugin takes it out of what the node offers, or a condition or a mark speaks for the
    whole node. Nothing is remembered, so the cure needs no word of ours."""
    obj = real_node("gpu-operator-a100")
    a100 = GpuModel("nvidia", "a100", "80Gi", "sxm")
    for change, left in (
        ({}, {a100: 8}),
        ({"allocatable": {**obj["status"]["allocatable"], "nvidia.com/gpu": "7"}}, {a100: 7}),
        ({"conditions": [*READY, {"type": "GpuUnhealthy", "status": "True"}]}, {}),
        ({"conditions": [*READY, {"type": "GpuUnhealthy", "status": "False"}]}, {a100: 8}),
    ):
        assert free(node_facts({**obj, "status": {**obj["status"], **change}}), [], []).gpus == left
    for marked in ("labels", "annotations"):
        metadata = {**obj["metadata"], marked: {**obj["metadata"][marked], "akash.network/gpu": "sick"}}
        assert free(node_facts({**obj, "metadata": metadata}), [], []).gpus == {}
    assert node_facts(obj).unusable == "", "the rest of the node is sold all the while"


def test_more_in_use_than_is_well_leaves_nothing_to_sell() -> None:
    facts = node_facts(node(card_labels(T4, 4), allocatable={"nvidia.com/gpu": "3"}))
    assert free(facts, [pod(Ask(0, 0, 0, 4), "nvidia.com/gpu")], []).gpus == {T4: 0}


def test_storage_in_parts_of_the_cluster() -> None:
    cls = StorageClass("beta3", False, False)
    here = Capacity("beta3", 9 * GI, (("zone", "In", frozenset({"a"})),), 5 * GI)
    there = Capacity("beta3", 90 * GI, (("zone", "In", frozenset({"b"})),))
    left = free(node_facts(node({"zone": "a"})), [], [cls], here, there)
    assert left.classes == {"beta3"}
    assert left.largest_volume_bytes == {"beta3": 5 * GI}
    assert left.makes((("beta3", 5 * GI),))
    assert not left.makes((("beta3", 6 * GI),))
    nowhere = free(node_facts(node()), [], [cls], here, there)
    assert nowhere.classes == frozenset()


def test_a_label_that_is_written_every_minute_is_no_change() -> None:
    one, other = real_node("gpu-operator-a100"), real_node("gpu-operator-a100")
    other["metadata"]["labels"]["nvidia.com/gfd.timestamp"] = "1772445999"
    assert node_facts(one) == node_facts(other)


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
    assert facts.cards(bundled())["nvidia.com/gpu"].model == GpuModel("nvidia", "l4", "24Gi", "pcie")


def test_what_others_hold_too_is_not_ours() -> None:
    managed = [
        applied("akash-provider", "akash.network"),
        applied("kubectl-label", "akash.network", operation="Update"),
    ]
    assert node_facts(node({"akash.network": "true"}, managed=managed)).ours == frozenset()


def test_labels_of_the_schema_that_only_the_reference_has_written_are_told_apart() -> None:
    """It replaces all labels of a node at once, so it may also hold one that a labeller had just written."""
    labels = {"akash.network": "true", "nvidia.com/gpu.product": "NVIDIA-L4", **card_labels(T4, 1)}
    managed = [
        applied("provider-services", *labels, operation="Update"),
        applied("kubectl-label", "akash.network", operation="Update"),
    ]
    facts = node_facts(node(labels, managed=managed, allocatable={"nvidia.com/gpu": "1"}))
    assert facts.left == set(card_labels(T4, 1))
    assert facts.foreign_labels == {"akash.network": "true", "nvidia.com/gpu.product": "NVIDIA-L4"}
    assert facts.cards(bundled())["nvidia.com/gpu"].model == GpuModel("nvidia", "l4", "24Gi", "pcie")
