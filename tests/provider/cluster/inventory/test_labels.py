from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from manifests.gpus import GpuModel
from provider.cluster.inventory.capacities import Capacity, Published
from provider.cluster.inventory.gpus import card_labels
from provider.cluster.inventory.gputable import bundled
from provider.cluster.inventory.labels import due as due_
from provider.cluster.inventory.labels import wanted as wanted_
from provider.cluster.inventory.nodes import NodeFacts, node_facts
from provider.cluster.inventory.volumes import StorageClass
from tests.provider.cluster.conftest import real_node

BETA3 = StorageClass("beta3", default=True, marked=True)
STORAGE = {f"akash.network/capabilities.storage.class.{c}": "1" for c in ("beta3", "default")}
L4 = {"nvidia.com/gpu.product": "NVIDIA-L4", "nvidia.com/gpu.memory": "23034"}
L4_LABELS = card_labels(GpuModel("nvidia", "l4", "24Gi", "pcie"), 2)
FRESH = NodeFacts("n1", "u1")


def wanted(node: NodeFacts, classes: list[StorageClass], *capacities: Capacity) -> dict[str, str] | None:
    return wanted_(node, classes, Published(capacities), bundled())


def due(node: NodeFacts, classes: list[StorageClass]) -> dict[str, Any] | None:
    return due_(node, classes, Published(), bundled())


def test_a_fresh_node_is_marked_with_what_it_has() -> None:
    node = replace(FRESH, labels=L4, gpus={"nvidia.com/gpu": 2})
    assert wanted(node, [BETA3]) == {"akash.network": "true", **STORAGE, **L4_LABELS}
    assert due(node, [BETA3]) == {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": "n1", "uid": "u1", "labels": {"akash.network": "true", **STORAGE, **L4_LABELS}},
    }


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"unusable": "cordoned"}, id="nothing can be scheduled there now"),
        pytest.param({"labels": {"akash.network": "false"}}, id="the operator said no"),
    ],
)
def test_a_node_left_as_it_is(change: dict[str, Any]) -> None:
    assert wanted(replace(FRESH, **change), []) is None
    assert due(replace(FRESH, **change), []) is None


def carrying(labels: dict[str, str], **more: Any) -> NodeFacts:
    """A node on which the daemon's labels stand."""
    return replace(FRESH, labels={**labels, **more.pop("foreign", {})}, ours=frozenset(labels), **more)


def test_a_node_that_carries_its_labels_is_not_written_again() -> None:
    assert due(carrying({"akash.network": "true", **STORAGE}), [BETA3]) is None


def test_what_is_no_longer_so_is_taken_back() -> None:
    found = due(carrying({"akash.network": "true", **STORAGE, **L4_LABELS}), [BETA3])
    assert found is not None
    assert found["metadata"]["labels"] == {"akash.network": "true", **STORAGE}


def test_a_label_somebody_removed_comes_back() -> None:
    node = replace(carrying({"akash.network": "true", **STORAGE}), labels=STORAGE, ours=frozenset(STORAGE))
    found = due(node, [BETA3])
    assert found is not None
    assert found["metadata"]["labels"] == {"akash.network": "true", **STORAGE}


def test_what_others_hold_is_not_repeated_and_never_flaps() -> None:
    """Where a person, or a labeller of his, says what is there, the daemon adds nothing."""
    foreign = {"akash.network": "true", STORAGE_BETA3: "1", **card_labels(GpuModel("nvidia", "rtx4090"), 2)}
    node = replace(FRESH, labels={**foreign, **L4}, gpus={"nvidia.com/gpu": 2})
    assert wanted(node, [BETA3]) == {}
    assert due(node, [BETA3]) is None


A100_LABELS = card_labels(GpuModel("nvidia", "a100", "80Gi", "sxm"), 1)


def taken_over(seen: dict[str, str], **applied: str) -> NodeFacts:
    """A node that the Go provider's inventory operator has once labelled, with an A100 and a class on every node."""
    go = {"akash.network": "true", STORAGE_BETA3: "1", **A100_LABELS}
    return replace(FRESH, labels={**go, **seen, **applied}, left=frozenset(go), gpus={"nvidia.com/gpu": 2})


def test_what_the_references_operator_has_left_is_no_correction() -> None:
    """The card was swapped and a class has come since: what is seen counts; what it left is let be."""
    node = taken_over(L4)
    beta2 = StorageClass("beta2", default=False, marked=True)
    found = due(node, [BETA3, beta2])
    assert found is not None
    named = {"akash.network/capabilities.storage.class.beta2": "1", **STORAGE, **L4_LABELS}
    assert found["metadata"]["labels"] == {"akash.network": "true", **named}
    after = replace(node, labels={**node.labels, **found["metadata"]["labels"]}, ours=frozenset(L4_LABELS))
    assert due(after, [BETA3, beta2]) is None, "and then it rests"


def test_cards_that_only_the_reference_has_named_keep_its_labels_and_get_none_of_ours() -> None:
    """Ours as well, they would be a conclusion of ours with nothing to conclude from, and go with the next look."""
    node = taken_over({})
    assert node.cards(bundled())["nvidia.com/gpu"].model == GpuModel("nvidia", "a100", "80Gi", "sxm")
    assert wanted(node, [BETA3]) == {"akash.network": "true", **STORAGE}


def test_what_the_daemon_has_concluded_itself_is_not_undone_while_no_labeller_speaks() -> None:
    """The labeller is away for a while: the card that is there no more must not be sold, nor our label go, which says
    that it is there no more."""
    node = replace(taken_over({}, **L4_LABELS), ours=frozenset(L4_LABELS))
    found = node.cards(bundled())["nvidia.com/gpu"]
    assert found.model is None
    assert "no label says what the cards are" in found.why_not
    named = wanted(node, [BETA3])
    assert named is not None
    assert {key: named[key] for key in named.keys() & L4_LABELS.keys()} == L4_LABELS
    back = replace(node, labels={**node.labels, **L4})
    model = back.cards(bundled())["nvidia.com/gpu"].model
    assert model is not None
    assert model.model == "l4"


def test_a_label_of_ours_goes_where_nothing_tells_the_card_and_the_reference_has_left_none() -> None:
    node = replace(FRESH, labels=L4_LABELS, ours=frozenset(L4_LABELS), gpus={"nvidia.com/gpu": 2})
    assert wanted(node, []) == {"akash.network": "true"}


def test_a_label_of_a_person_still_counts_before_what_is_seen() -> None:
    mine = {"akash.network/capabilities.gpu.vendor.nvidia.model.rtx4090": "2"}
    node = taken_over({**L4, **mine})
    assert node.cards(bundled())["nvidia.com/gpu"].model == GpuModel("nvidia", "rtx4090")
    assert wanted(node, [BETA3]) == {"akash.network": "true", **STORAGE}


STORAGE_BETA3 = "akash.network/capabilities.storage.class.beta3"


def test_slices_are_labelled_beside_cards() -> None:
    found = wanted(node_facts(real_node("gpu-operator-mig-mixed")), [])
    key = "akash.network/capabilities.gpu.vendor.nvidia.model.a100"
    assert found is not None
    assert {label: count for label, count in found.items() if label.startswith(key)} == {
        key: "2",
        f"{key}.ram.40Gi": "2",
        f"{key}.interface.sxm": "2",
        f"{key}-mig-1g.5gb": "7",
        f"{key}-mig-1g.5gb.ram.5Gi": "7",
        f"{key}-mig-3g.20gb": "2",
        f"{key}-mig-3g.20gb.ram.20Gi": "2",
    }


def test_sick_cards_get_no_pods() -> None:
    assert wanted(replace(FRESH, labels=L4, gpus={"nvidia.com/gpu": 2}, sick="Xid 79"), []) == {"akash.network": "true"}


def test_storage_is_labelled_where_its_driver_reaches_whatever_is_left_there() -> None:
    """A pod that lost its node must find the one where its volume is, also when that part of the storage is full."""
    full = Capacity("beta3", 0, (("zone", "In", frozenset({"a"})),))
    assert wanted(replace(FRESH, labels={"zone": "a"}), [BETA3], full) == {"akash.network": "true", **STORAGE}
    assert wanted(replace(FRESH, labels={"zone": "b"}), [BETA3], full) == {"akash.network": "true"}
