from __future__ import annotations

from dataclasses import replace

import pytest

from manifests.gpus import GpuModel
from provider.cluster.inventory.gputable import bundled
from provider.cluster.inventory.nodes import node_facts
from provider.cluster.inventory.survey import UNMARKED, GpuReport, NodeReport, survey
from tests.provider.cluster.conftest import real_node


def look(name: str, **labels: str) -> NodeReport:
    facts = node_facts(real_node(name))
    return survey(replace(facts, labels={**facts.labels, "akash.network": "true", **labels}), bundled())


@pytest.mark.parametrize(
    ("file", "labels", "why"),
    [
        ("k3s-agent", {}, ""),
        ("k3s-agent", {"akash.network": ""}, "kept out by its label akash.network="),
        ("k3s-agent", {"akash.network": "false"}, "kept out by its label akash.network=false"),
        ("kubeadm-control-plane", {}, "taint node-role.kubernetes.io/control-plane"),
    ],
)
def test_why_a_node_is_not_sold(file: str, labels: dict[str, str], why: str) -> None:
    assert look(file, **labels).why_not == why


def test_a_node_that_the_daemon_has_yet_to_mark() -> None:
    assert survey(node_facts(real_node("k3s-agent")), bundled()).why_not == UNMARKED


def test_gpus_as_they_are_sold() -> None:
    rtx4090 = GpuModel("nvidia", "rtx4090", "24Gi", "pcie")
    (found,) = look("reference-operator-rtx4090").gpus
    assert found == GpuReport("nvidia.com/gpu", rtx4090, 3, 4)
    assert found.sick == 1
    mixed = look("gpu-operator-mig-mixed").gpus
    assert [(gpu.resource, gpu.offered, gpu.why_not) for gpu in mixed] == [
        ("nvidia.com/gpu", 2, ""),
        ("nvidia.com/mig-1g.5gb", 7, ""),
        ("nvidia.com/mig-3g.20gb", 2, ""),
    ]


@pytest.mark.parametrize(
    ("file", "says"),
    [
        ("device-plugin-time-slicing", "cards shared between pods (time-slicing) are not sold"),
        ("nfd-two-models", "l40s, rtx3090 on one node go by one name"),
        ("nfd-l40s-plugin-down", "the device plugin offers none of them"),
    ],
)
def test_why_gpus_are_not_sold(file: str, says: str) -> None:
    report = look(file)
    assert says in report.gpus[0].why_not
    assert report.why_not == "", "the node itself is sold"


def test_cards_that_nothing_offers_yet_are_spoken_of() -> None:
    facts = node_facts(real_node("nfd-l40s-plugin-down"))
    (found,) = survey(replace(facts, gpus={}, gpu_capacity={}), bundled()).gpus
    assert found.why_not == "labels show cards, but no device plugin offers nvidia.com/gpu (yet)"


def test_a_mark_speaks_for_all_gpus_of_the_node() -> None:
    facts = replace(node_facts(real_node("gpu-operator-a100")), sick="marked akash.network/gpu=sick")
    (found,) = survey(facts, bundled()).gpus
    assert (found.offered, found.why_not) == (8, "marked akash.network/gpu=sick")
    assert found.model is not None


def test_a_node_whose_cards_or_all_but_its_cards_are_for_other_classes() -> None:
    facts = node_facts(real_node("gpu-operator-a100"))
    facts = replace(facts, labels={**facts.labels, "akash.network": "true"})
    without = survey(replace(facts, without_gpus="taint x"), bundled())
    assert (without.why_not, without.without_gpus, without.gpus[0].why_not) == ("", "taint x", "")
    cards = survey(replace(facts, shut={"nvidia": "no driver"}), bundled())
    assert (cards.why_not, cards.without_gpus, cards.gpus[0].why_not) == ("", "", "no driver")
    both = survey(replace(facts, unusable="taint x", without_gpus="taint x", shut={"nvidia": "no driver"}), bundled())
    assert (both.why_not, both.without_gpus, both.gpus[0].why_not) == ("taint x", "", ""), "it is told once"
