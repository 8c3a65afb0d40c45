"""A Node as the daemon sees it, whether it can carry leases, and what is left on it. Pure.

The pods of leases require the node label `akash.network=true` (kubernetes.md §2.9), so only nodes that carry it count;
labels.py puts it there. Of a node's labels those that the daemon itself wrote are kept apart: they say what it once
concluded, not what is. So do those of the schema that the reference's inventory operator has left behind: of cards they
are heard last, and of storage not at all.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from bidengine.node import NO_LIMIT, Node
from manifests.gpus import LABELS, GpuModel
from provider.cluster.api.quantity import milli, whole
from provider.cluster.api.writers import label_holders, labels_of_reference
from provider.cluster.inventory.capacities import Published
from provider.cluster.inventory.gpuhealth import sickness
from provider.cluster.inventory.gpulabels import SPOKEN
from provider.cluster.inventory.gpuresources import vendor_of
from provider.cluster.inventory.gpus import Cards, cards
from provider.cluster.inventory.gputable import GpuTable
from provider.cluster.inventory.pods import PodFacts, total
from provider.cluster.inventory.scheduling import Taint, hard_taints
from provider.cluster.inventory.volumes import StorageClass, classes_on, largest_bytes

MARK = "akash.network"

_RESTLESS = frozenset({"nvidia.com/gfd.timestamp"})
"""Labels that are written anew every minute and say nothing."""


@dataclass(frozen=True, slots=True)
class NodeFacts:
    """`labels` are all labels; `ours` the keys of those that only the daemon put there, `left` of those of the Akash
    schema that nobody holds but the reference, or it and the daemon. `gpus` is resource -> what the device plugin
    offers now, `gpu_capacity` -> how many there would be if none were sick."""

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
    gpu_capacity: Mapping[str, int] = field(default_factory=dict)
    sick: str = ""
    """why none of its GPUs is sold; "" when they are well"""
    ready: bool = True
    """its kubelet is heard of; a cordoned node may be ready, one that is not cannot say how its pods are"""
    taints: tuple[Taint, ...] = ()
    """what makes it unusable where nothing else does; a RuntimeClass may tolerate it (runtimeclasses.py)"""
    without_gpus: str = ""
    """why no pod without GPUs can be here; "" when it can"""
    shut: Mapping[str, str] = field(default_factory=dict)
    """vendor -> why no pod with its cards can be here"""

    left: frozenset[str] = frozenset()

    foreign_labels: Mapping[str, str] = field(init=False, repr=False, compare=False)
    """all but `ours` and `left`"""
    gpu_labels: tuple[tuple[str, str], ...] = field(init=False, repr=False, compare=False)
    """of these, what tells about GPUs"""
    left_gpu_labels: tuple[tuple[str, str], ...] = field(init=False, repr=False, compare=False)
    """what the reference once said of GPUs, where the daemon has never concluded a card"""
    concluded: Mapping[str, str] = field(init=False, repr=False, compare=False)
    """what the daemon itself has said of GPUs"""

    def __post_init__(self) -> None:
        # Worked out once per change of the node, not once per look at the inventory.
        told = {key: value for key, value in self.labels.items() if key not in self.ours and key not in self.left}
        concluded = {key: self.labels[key] for key in self.ours if key.startswith(LABELS) and key in self.labels}
        left = (
            ()
            if concluded
            else sorted((key, self.labels[key]) for key in self.left if key.startswith(LABELS) and key in self.labels)
        )
        object.__setattr__(self, "foreign_labels", told)
        of_gpus = sorted(pair for pair in told.items() if pair[0].startswith((LABELS, *SPOKEN)))
        object.__setattr__(self, "gpu_labels", tuple(of_gpus))
        object.__setattr__(self, "left_gpu_labels", tuple(left))
        object.__setattr__(self, "concluded", concluded)

    @property
    def marked(self) -> bool:
        return self.labels.get(MARK) == "true"

    def cards(self, table: GpuTable) -> dict[str, Cards]:
        """Resource -> what its devices are, for resources of which there are any."""
        return {
            name: cards(self.gpu_labels, name, offered, table, self.left_gpu_labels)
            for name, offered in self.gpus.items()
            if offered > 0
        }


def node_facts(node: Mapping[str, Any], tolerated: Collection[str] = ()) -> NodeFacts:
    """`tolerated` are keys of taints that the pods of leases tolerate (settings.cluster.tolerations)."""
    metadata, spec, status = node["metadata"], node.get("spec") or {}, node.get("status") or {}
    has, capacity = status.get("allocatable") or {}, status.get("capacity") or {}
    labels, annotations = metadata.get("labels") or {}, metadata.get("annotations") or {}
    ours, theirs = label_holders(node)
    unusable = "being deleted" if "deletionTimestamp" in metadata else _unusable(spec, status)
    # A GPU's own taint is also tolerated where the ExtendedResourceToleration plug-in is on, which cannot be seen from
    # here: an operator says so with cluster.tolerations.
    taints = () if unusable else tuple(taint for taint in hard_taints(spec) if taint.key not in tolerated)
    return NodeFacts(
        name=metadata["name"],
        uid=metadata.get("uid", ""),
        labels={key: value for key, value in labels.items() if key not in _RESTLESS},
        ours=ours - theirs,  # what others say too is not only our own conclusion
        left=frozenset(key for key in labels_of_reference(node) if key.startswith(MARK)),
        unusable=unusable or next((f"taint {taint.key}" for taint in taints), ""),
        taints=taints,
        cpu_milli=milli(has.get("cpu", 0)),
        memory_bytes=whole(has.get("memory", 0)),
        ephemeral_bytes=whole(has.get("ephemeral-storage", 0)),
        pods=whole(has.get("pods", 110)),
        gpus=_gpus(has),
        gpu_capacity=_gpus(capacity),
        sick=sickness(labels, annotations, status.get("conditions") or []),
        ready=any(c.get("type") == "Ready" and c.get("status") == "True" for c in status.get("conditions") or ()),
    )


def free(
    node: NodeFacts,
    others: Iterable[PodFacts],
    classes: Iterable[StorageClass],
    table: GpuTable,
    published: Published,
    attachable: int = NO_LIMIT,
) -> Node:
    """What leases may have of a node: allocatable minus what the pods of no lease (`others`, on this node, not
    finished) take. Not below zero: a node may be over-full with pods that never asked the scheduler."""
    others = list(others)
    taken = total(pod.ask for pod in others)
    gpus: dict[GpuModel, int] = {}
    for resource, found in node.cards(table).items():
        if found.model is not None and not node.sick and found.model.vendor not in node.shut:
            used = sum(units for pod in others for name, units in pod.gpus if name == resource)
            gpus[found.model] = max(0, node.gpus[resource] - used)
    return Node(
        name=node.name,
        cpu_milli=max(0, node.cpu_milli - taken.cpu_milli),
        memory_bytes=max(0, node.memory_bytes - taken.memory_bytes),
        ephemeral_bytes=max(0, node.ephemeral_bytes - taken.ephemeral_bytes),
        pods=max(0, node.pods - len(others)),
        gpus=gpus,
        classes=classes_on(node.foreign_labels, classes, published),
        largest_volume_bytes=largest_bytes(node.foreign_labels, classes, published),
        volumes=max(0, attachable - taken.attached),
        without_gpus=node.without_gpus,
    )


def _gpus(amounts: Mapping[str, Any]) -> dict[str, int]:
    return {name: whole(amount) for name, amount in amounts.items() if vendor_of(name)}


def _unusable(spec: Mapping[str, Any], status: Mapping[str, Any]) -> str:
    if spec.get("unschedulable"):
        return "cordoned"
    conditions = {c.get("type"): c.get("status") for c in status.get("conditions") or []}
    if conditions.get("Ready") != "True":
        return "not ready"
    for pressure in ("MemoryPressure", "DiskPressure", "PIDPressure", "NetworkUnavailable"):
        if conditions.get(pressure) == "True":
            return pressure
    return ""
