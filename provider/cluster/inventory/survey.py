"""Each node as an operator wants to see it: whether it is sold, what its GPUs are taken for, and why not. Pure.

Nothing decides by this; it says in words what nodes.py and gpus.py have decided, also of cards that nothing offers yet,
which is the question after an installation or a reboot.
"""

from __future__ import annotations

from dataclasses import dataclass

from manifests.gpus import GpuModel, usual_resource
from provider.cluster.inventory.gpulabels import seen
from provider.cluster.inventory.gpuresources import vendor_of
from provider.cluster.inventory.gputable import GpuTable
from provider.cluster.inventory.nodes import MARK, NodeFacts

UNMARKED = f"its label {MARK}=true is not there yet"


@dataclass(frozen=True, slots=True)
class GpuReport:
    """What a node has by one resource name. `offered` of `capacity` devices are well; `why_not` is "" when they are
    sold as `model`; `unlisted` is what the driver calls a card whose model name had to be derived."""

    resource: str
    model: GpuModel | None
    offered: int
    capacity: int
    why_not: str = ""
    unlisted: str = ""

    @property
    def sick(self) -> int:
        return max(0, self.capacity - self.offered)


@dataclass(frozen=True, slots=True)
class NodeReport:
    """`why_not` is "" when the node is sold; its GPUs are judged by themselves. `without_gpus` is why it is sold with
    them only."""

    name: str
    why_not: str
    gpus: tuple[GpuReport, ...]
    without_gpus: str = ""


def survey(node: NodeFacts, table: GpuTable) -> NodeReport:
    found = node.cards(table)
    gpus = []
    for resource in sorted({*node.gpus, *node.gpu_capacity}):
        offered = node.gpus.get(resource, 0)
        capacity = max(offered, node.gpu_capacity.get(resource, 0))
        card = found.get(resource)
        if not capacity:
            continue
        if card is None:
            none = "the device plugin offers none of them: they are sick, or it is not (yet) up"
            gpus.append(GpuReport(resource, None, 0, capacity, none))
        else:
            shut = "" if node.unusable else node.shut.get(vendor_of(resource), "")
            why_not = card.why_not or node.sick or shut
            gpus.append(GpuReport(resource, card.model, offered, capacity, why_not, card.unlisted))
    offering = {vendor_of(gpu.resource) for gpu in gpus}
    silent = "labels show cards, but no device plugin offers {} (yet)"
    for vendor in sorted(seen(node.gpu_labels, table) - offering):
        resource = usual_resource(vendor)
        gpus.append(GpuReport(resource, None, 0, 0, silent.format(resource)))
    return NodeReport(node.name, _why_not(node), tuple(gpus), "" if node.unusable else node.without_gpus)


def _why_not(node: NodeFacts) -> str:
    if (mark := node.foreign_labels.get(MARK, "true")) != "true":
        return f"kept out by its label {MARK}={mark}"
    return node.unusable or ("" if node.marked else UNMARKED)
