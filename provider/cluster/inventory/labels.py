"""The labels by which the scheduler finds the nodes that leases may use, so that no inventory operator is needed.

They are applied server-side: Kubernetes then knows which labels are the daemon's, drops one that is no longer said,
and leaves everybody else's alone. An operator keeps a node out with `akash.network=false`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from manifests.gpus import LABELS as GPU_PREFIX
from manifests.gpus import GpuModel
from provider.cluster.inventory.capacities import Published
from provider.cluster.inventory.gpuresources import vendor_of
from provider.cluster.inventory.gpus import card_labels
from provider.cluster.inventory.gputable import GpuTable
from provider.cluster.inventory.nodes import MARK, NodeFacts
from provider.cluster.inventory.volumes import PREFIX as STORAGE_PREFIX
from provider.cluster.inventory.volumes import StorageClass, classes_on


def wanted(
    node: NodeFacts, classes: Iterable[StorageClass], published: Published, table: GpuTable
) -> dict[str, str] | None:
    """The labels the daemon should hold on a node; None to leave the node as it is, because nothing can be scheduled
    there now (its labels stay: it may come back with its leases) or because the operator said no. Cards that are sick
    get no label, so that no pod is sent to them. What somebody else holds already is not repeated; nor are cards that
    only the reference's labels name: held by us as well, they would count no longer. Where nothing tells any more what
    the cards are, and those labels are there, ours stay: without them those would count again, of other cards
    perhaps."""
    if node.unusable or node.foreign_labels.get(MARK, "true") != "true":
        return None
    out = {MARK: "true"}
    out |= {f"{STORAGE_PREFIX}{name}": "1" for name in sorted(classes_on(node.foreign_labels, classes, published))}
    for resource, found in node.cards(table).items():
        if found.model is not None and not node.sick and not found.left and not _told(found.model, node):
            out |= card_labels(found.model, node.gpus[resource])
        if found.untold and not node.sick:
            out |= _remembered(node, f"{GPU_PREFIX}{vendor_of(resource)}.")
    return {key: value for key, value in out.items() if node.foreign_labels.get(key) != value}


def due(
    node: NodeFacts, classes: Iterable[StorageClass], published: Published, table: GpuTable
) -> dict[str, Any] | None:
    """The object to apply so that the node carries what is wanted; None when it does. The uid is named so that a node
    that went away meanwhile is not made anew."""
    labels = wanted(node, classes, published, table)
    if labels is None:
        return None
    stale = node.ours - labels.keys()
    if not stale and all(node.labels.get(key) == value for key, value in labels.items()):
        return None
    metadata = {"name": node.name, "uid": node.uid, "labels": labels}
    return {"apiVersion": "v1", "kind": "Node", "metadata": metadata}


def _remembered(node: NodeFacts, prefix: str) -> dict[str, str]:
    """What the daemon has said of cards of that vendor, which the reference's labels would gainsay."""
    if not any(key.startswith(prefix) for key in node.left):
        return {}
    return {key: value for key, value in node.concluded.items() if key.startswith(prefix)}


def _told(model: GpuModel, node: NodeFacts) -> bool:
    """Whether somebody else labels the cards of that vendor. Parts of cards are a schema of ours, so nobody does."""
    return not model.part and any(key.startswith(f"{GPU_PREFIX}{model.vendor}.") for key in node.foreign_labels)
