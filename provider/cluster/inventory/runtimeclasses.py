"""RuntimeClasses: what a pod can be started with in this cluster, what that adds to a pod, and on which nodes. Pure.

A node takes the pods of one class and not those of another: so it may be sold with its GPUs alone, or without them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from bidengine.node import Node
from bidengine.runtimes import VENDOR, Overhead, Runtimes
from manifests.gpus import GpuModel
from provider.cluster.api.quantity import milli, whole
from provider.cluster.inventory.gpuresources import vendor_of
from provider.cluster.inventory.gputable import GpuTable
from provider.cluster.inventory.nodes import MARK, NodeFacts
from provider.cluster.inventory.scheduling import ANYWHERE, Scheduling, scheduling


@dataclass(frozen=True, slots=True)
class RuntimeClass:
    name: str
    overhead: Overhead
    scheduling: Scheduling = ANYWHERE


def runtime_class(obj: Mapping[str, Any]) -> RuntimeClass:
    """The scheduler adds the overhead to what the pod's containers ask, each resource by itself."""
    fixed = (obj.get("overhead") or {}).get("podFixed") or {}
    overhead = Overhead(
        milli(fixed.get("cpu", 0)), whole(fixed.get("memory", 0)), whole(fixed.get("ephemeral-storage", 0))
    )
    return RuntimeClass(obj["metadata"]["name"], overhead, scheduling(obj))


def runtimes(nvidia: str, sandbox: str, classes: Iterable[RuntimeClass]) -> Runtimes:
    """`nvidia` and `sandbox` as the operator wants them, `classes` as the cluster has them."""
    return Runtimes(nvidia, sandbox, {found.name: found.overhead for found in classes})


def opened(node: NodeFacts, of: Runtimes, classes: Iterable[RuntimeClass]) -> NodeFacts:
    """The node as the pods of leases find it, which are started with one class or another."""
    if node.unusable and not node.taints:
        return node
    known = {found.name: found.scheduling for found in classes}
    labels = {**node.labels, MARK: "true"}  # the daemon writes that one itself

    def why_not(name: str) -> str:
        return known.get(name, ANYWHERE).why_not(name, labels, node.taints)

    vendors = {vendor_of(resource) for resource, offered in node.gpus.items() if offered > 0}
    without_gpus = why_not(of.of(gpus=0, vendor=""))
    shut = {vendor: why for vendor in sorted(vendors) if (why := why_not(of.of(gpus=1, vendor=vendor)))}
    if not (without_gpus or shut or node.unusable):
        return node
    unusable = without_gpus if len(shut) == len(vendors) else ""
    return replace(node, unusable=unusable, without_gpus=without_gpus, shut=shut)


def confined(of: Runtimes, nodes: Iterable[NodeFacts], table: GpuTable) -> Runtimes:
    """With what `opened` nodes say of it: cards of which all are where no pod with them can be, and why pods without
    GPUs can be nowhere."""
    kept = [n for n in nodes if n.foreign_labels.get(MARK, "true") == "true" and (not n.unusable or n.without_gpus)]
    withheld: dict[GpuModel, str] = {}
    sold: set[GpuModel] = set()
    for node in kept:
        for found in node.cards(table).values():
            if found.model is None or node.sick:
                continue
            if why := node.shut.get(found.model.vendor):
                withheld[found.model] = why
            else:
                sold.add(found.model)
    closed = Counter(node.without_gpus for node in kept)
    return replace(
        of,
        nowhere=closed.most_common(1)[0][0] if of.sandbox and closed and not closed[""] else "",
        withheld={
            card: why for card, why in withheld.items() if card not in sold and of.of(gpus=1, vendor=card.vendor)
        },
    )


def unsold(of: Runtimes, nodes: Iterable[Node]) -> dict[str, str]:
    """RuntimeClass -> what cannot be sold without it. NVIDIA's is no matter where no node has such a card."""
    wanted = {of.sandbox}
    if any(card.vendor == VENDOR for node in nodes for card in node.gpus):
        wanted.add(of.nvidia)
    return {name: of.why_not(name) for name in sorted(wanted) if of.lacks(name)}
