from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bidengine.node import Node
from bidengine.runtimes import NO_OVERHEAD, Overhead, Runtimes
from manifests.gpus import GpuModel
from provider.cluster.inventory.gpus import card_labels
from provider.cluster.inventory.gputable import bundled
from provider.cluster.inventory.nodes import NodeFacts
from provider.cluster.inventory.runtimeclasses import RuntimeClass, confined, opened, runtime_class, runtimes, unsold
from provider.cluster.inventory.scheduling import Scheduling, Taint, Toleration

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


GPU_TAINT = Taint("nvidia.com/gpu", "", "NoSchedule")
T4, MI300X = GpuModel("nvidia", "t4"), GpuModel("amd", "mi300x")
NVIDIA = RuntimeClass("nvidia", NO_OVERHEAD, Scheduling((), (Toleration("nvidia.com/gpu", None, ""),)))
KATA = RuntimeClass("kata", NO_OVERHEAD, Scheduling((("kata", "yes"),)))
FOR_KATA = "RuntimeClass 'kata' is for nodes with the label kata=yes"


def facts(name: str, card: GpuModel | None = None, *taints: Taint, **labels: str) -> NodeFacts:
    cards = {f"{card.vendor}.com/gpu": 2} if card is not None else {}
    told = card_labels(card, 2) if card is not None else {}
    unusable = f"taint {taints[0].key}" if taints else ""
    return NodeFacts(
        name, name, {"akash.network": "true", **told, **labels}, unusable=unusable, gpus=cards, taints=taints
    )


def sold(*nodes: NodeFacts, sandbox: str = "", there: tuple[RuntimeClass, ...] = (NVIDIA, KATA)) -> dict[str, Any]:
    """Node -> why it is not sold, why not without GPUs, why not with those of a vendor."""
    of = runtimes("nvidia", sandbox, there)
    found = [opened(node, of, there) for node in nodes]
    return {node.name: (node.unusable, node.without_gpus, dict(node.shut)) for node in found}


def test_a_taint_that_the_class_of_its_cards_tolerates_leaves_a_node_for_those() -> None:
    taint = "taint nvidia.com/gpu"
    kept_off = f"{taint}, which RuntimeClass 'nvidia' does not tolerate"
    assert sold(facts("gpu", T4, GPU_TAINT)) == {"gpu": ("", taint, {})}
    assert sold(facts("plain", None, GPU_TAINT)) == {"plain": (taint, taint, {})}
    assert sold(facts("amd", MI300X, GPU_TAINT)) == {"amd": (taint, taint, {"amd": taint})}
    nobody = RuntimeClass("nvidia", NO_OVERHEAD)
    assert sold(facts("gpu", T4, GPU_TAINT), there=(nobody,)) == {"gpu": (taint, taint, {"nvidia": kept_off})}


def test_without_gpus_a_node_is_sold_where_the_sandbox_is() -> None:
    nodes = facts("a", None, kata="yes"), facts("b"), facts("c", T4), facts("d", T4, kata="yes")
    assert sold(*nodes, sandbox="kata") == {
        "a": ("", "", {}),
        "b": (FOR_KATA, FOR_KATA, {}),
        "c": ("", FOR_KATA, {}),
        "d": ("", "", {}),
    }  # fmt: skip


def test_cards_are_sold_where_their_class_is() -> None:
    picky = RuntimeClass("nvidia", NO_OVERHEAD, Scheduling((("driver", "new"),)))
    why = "RuntimeClass 'nvidia' is for nodes with the label driver=new"
    assert sold(facts("old", T4), facts("new", T4, driver="new"), facts("amd", MI300X), there=(picky,)) == {
        "old": ("", "", {"nvidia": why}),
        "new": ("", "", {}),
        "amd": ("", "", {}),
    }


def test_what_keeps_a_node_out_altogether_is_not_cured_by_a_class() -> None:
    everything = RuntimeClass("nvidia", NO_OVERHEAD, Scheduling((), (Toleration("", None, ""),)))
    cordoned = replace(facts("gpu", T4), unusable="cordoned")
    assert sold(cordoned, there=(everything,)) == {"gpu": ("cordoned", "", {})}


def test_a_class_may_ask_for_the_label_that_the_daemon_is_yet_to_write() -> None:
    ours = RuntimeClass("kata", NO_OVERHEAD, Scheduling((("akash.network", "true"),)))
    assert sold(NodeFacts("n", "n"), sandbox="kata", there=(ours,)) == {"n": ("", "", {})}


def test_what_is_nowhere_to_be_had_is_known_with_the_reason() -> None:
    def known(*nodes: NodeFacts, sandbox: str = "kata") -> Runtimes:
        of = runtimes("nvidia", sandbox, there)
        return confined(of, [opened(node, of, there) for node in nodes], bundled())

    picky = RuntimeClass("nvidia", NO_OVERHEAD, Scheduling((("driver", "new"),)))
    there = (picky, KATA)
    why = "RuntimeClass 'nvidia' is for nodes with the label driver=new"
    alone = known(facts("a", T4), facts("b"))
    assert (alone.nowhere, alone.withheld) == (FOR_KATA, {T4: why})
    both = known(facts("a", T4), facts("b", T4, driver="new"), facts("c", None, kata="yes"))
    assert (both.nowhere, both.withheld) == ("", {}), "somewhere is enough"
    out = replace(facts("c", None, kata="yes"), unusable="cordoned")
    assert known(facts("a"), out).nowhere == FOR_KATA, "what is kept out for another reason is no place"
    refused = facts("a", **{"akash.network": "false"})
    assert known(refused).nowhere == ""
    assert known(facts("a", None, GPU_TAINT), sandbox="").nowhere == "", "no class of ours keeps pods off"
