"""A Node as the daemon sees it, whether it can carry leases, and what is left on it. Pure.

The pods of leases require the node label `akash.network=true` (kubernetes.md §2.9), so only nodes that carry it count;
labels.py puts it there. Of a node's labels those that the daemon itself wrote are kept apart: they say what it once
concluded, not what is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from bidengine.node import Node
from manifests.gpus import GpuModel
from provider.cluster.gpus import Cards, cards
from provider.cluster.kube import FIELD_MANAGER
from provider.cluster.pods import GPU_RESOURCES, PodFacts, total
from provider.cluster.quantity import milli, whole
from provider.cluster.volumes import StorageClass, classes_on

MARK = "akash.network"


@dataclass(frozen=True, slots=True)
class NodeFacts:
    """`gpus` is vendor -> allocatable cards. `labels` are all labels; `ours` the keys of those that only the daemon
    put there."""

    name: str
    uid: str
    labels: Mapping[str, str] = field(default_factory=dict)
    ours: frozenset[str] = frozenset()
    unusable: str = ""
    """why the scheduler would put no lease here; "" when it would"""
    cpu_milli: int = 0
    memory_bytes: int = 0
    ephemeral_bytes: int = 0
    pods: int = 0
    gpus: Mapping[str, int] = field(default_factory=dict)

    foreign_labels: Mapping[str, str] = field(init=False, repr=False, compare=False)
    """all but `ours`"""
    cards: Mapping[str, Cards] = field(init=False, repr=False, compare=False)
    """vendor -> what its cards are, for the vendors of which there are cards"""

    def __post_init__(self) -> None:
        # Worked out once per change of the node, not once per look at the inventory.
        told = {key: value for key, value in self.labels.items() if key not in self.ours}
        object.__setattr__(self, "foreign_labels", told)
        of_vendor = {vendor: cards(told, vendor) for vendor, count in self.gpus.items() if count > 0}
        object.__setattr__(self, "cards", of_vendor)

    @property
    def marked(self) -> bool:
        return self.labels.get(MARK) == "true"


def node_facts(node: Mapping[str, Any]) -> NodeFacts:
    metadata, spec, status = node["metadata"], node.get("spec") or {}, node.get("status") or {}
    has = status.get("allocatable") or {}
    return NodeFacts(
        name=metadata["name"],
        uid=metadata.get("uid", ""),
        labels=dict(metadata.get("labels") or {}),
        ours=_ours(metadata.get("managedFields") or []),
        unusable=_unusable(spec, status),
        cpu_milli=milli(has.get("cpu", 0)),
        memory_bytes=whole(has.get("memory", 0)),
        ephemeral_bytes=whole(has.get("ephemeral-storage", 0)),
        pods=whole(has.get("pods", 110)),
        gpus={vendor: whole(has[name]) for name, vendor in GPU_RESOURCES.items() if name in has},
    )


def free(node: NodeFacts, others: Iterable[PodFacts], classes: Iterable[StorageClass]) -> Node:
    """What leases may have of a node: allocatable minus what the pods of no lease (`others`, on this node, not
    finished) take. Not below zero: a node may be over-full with pods that never asked the scheduler."""
    others = list(others)
    taken = total(pod.ask for pod in others)
    gpus: dict[GpuModel, int] = {}
    for vendor, found in node.cards.items():
        if found.model is not None:
            used = sum(pod.ask.gpu_units for pod in others if pod.gpu_vendor == vendor)
            gpus[found.model] = max(0, node.gpus[vendor] - used)
    return Node(
        name=node.name,
        cpu_milli=max(0, node.cpu_milli - taken.cpu_milli),
        memory_bytes=max(0, node.memory_bytes - taken.memory_bytes),
        ephemeral_bytes=max(0, node.ephemeral_bytes - taken.ephemeral_bytes),
        pods=max(0, node.pods - len(others)),
        gpus=gpus,
        classes=classes_on(node.foreign_labels, classes),
    )


def _ours(managed: Iterable[Mapping[str, Any]]) -> frozenset[str]:
    """Labels that the daemon applied and nobody else holds: what others say too is not only our own conclusion."""
    held: dict[bool, set[str]] = {True: set(), False: set()}
    for entry in managed:
        ours = entry.get("manager") == FIELD_MANAGER and entry.get("operation") == "Apply"
        labels = ((entry.get("fieldsV1") or {}).get("f:metadata") or {}).get("f:labels") or {}
        held[ours] |= {key.removeprefix("f:") for key in labels if key.startswith("f:")}
    return frozenset(held[True] - held[False])


def _unusable(spec: Mapping[str, Any], status: Mapping[str, Any]) -> str:
    if spec.get("unschedulable"):
        return "cordoned"
    conditions = {c.get("type"): c.get("status") for c in status.get("conditions") or []}
    if conditions.get("Ready") != "True":
        return "not ready"
    for pressure in ("MemoryPressure", "DiskPressure", "PIDPressure", "NetworkUnavailable"):
        if conditions.get(pressure) == "True":
            return pressure
    for taint in spec.get("taints") or []:
        # The pods of leases tolerate nothing; a GPU's own taint is tolerated where the ExtendedResourceToleration
        # plug-in is on, which cannot be seen from here.
        if taint.get("effect") in ("NoSchedule", "NoExecute"):
            return f"taint {taint.get('key')}"
    return ""
