"""Which GPU model stands behind a resource of a node, read from the node's labels. Pure.

Believed in this order: labels of the Akash schema that somebody else put there (kubernetes.md §5.4), which is how an
operator corrects us; then the product and the PCI device the vendor's labeller names, looked up in the table of known
cards; then a name derived from the product; and where nothing at all is said, what the reference's inventory operator
has left behind, which may be of cards that are there no more: so only where the daemon has never concluded a card
itself. The subtle rule: a device plugin hands out any of the devices that go by one name, so where two models hide
behind one name none of them can be promised, and none is sold.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

from manifests.gpus import LABELS, GpuModel, usual_resource
from provider.cluster.inventory import gpunames
from provider.cluster.inventory.gpulabels import Told, told
from provider.cluster.inventory.gpuresources import vendor_of
from provider.cluster.inventory.gputable import GpuTable

CURE = "The vendor's labeller, `akp discover` or a label of your own can (docs/inventory.md)"

_LABEL = re.compile(r"(?P<vendor>[a-z]+)\.model\.(?P<model>.+?)(?:\.(?P<what>ram|interface)\.(?P<value>[^.]+))?")


@dataclass(frozen=True, slots=True)
class Cards:
    """The one model a resource of a node promises, or `why_not`. `unlisted` is what its driver calls it, where no list
    knows it and the name is derived. `left`: only labels that the reference has left behind say so."""

    model: GpuModel | None = None
    why_not: str = ""
    unlisted: str = ""
    left: bool = False
    untold: bool = False
    """nothing on the node says what the cards are"""


@lru_cache(maxsize=8192)
def cards(
    labels: tuple[tuple[str, str], ...],
    resource: str,
    offered: int,
    table: GpuTable,
    before: tuple[tuple[str, str], ...] = (),
) -> Cards:
    """What a node's `resource` is. `labels` without those the daemon itself has put there, nor those that the reference
    has left, which are `before`. Nodes of a kind say the same, and say it again with every heartbeat, so answers are
    kept."""
    said = dict(labels)
    heard = told(said, resource, offered, table)
    if heard.why_not:
        return Cards(why_not=heard.why_not)
    vendor = vendor_of(resource)
    found = _from_akash(said, vendor, heard.part)
    if found is None:
        found = _from_labellers(vendor, heard, table)
    if found.model is None and not heard.product and not heard.devices:
        left = _from_akash(dict(before), vendor, heard.part)
        found = replace(left, left=True) if left is not None else replace(found, untold=True)
    if found.model is None:
        return found
    model, memory, interface = found.model.model, found.model.memory, found.model.interface
    if heard.part and not model.endswith(heard.part):
        sized = re.search(r"(\d+)gb", heard.part)
        model, memory = gpunames.fitting(vendor, model, heard.part), f"{sized[1]}Gi" if sized else ""
    named = "" if resource == usual_resource(vendor) else resource
    return Cards(
        GpuModel(vendor, model, memory, "" if heard.part else interface, named), "", found.unlisted, found.left
    )


def card_labels(model: GpuModel, count: int) -> dict[str, str]:
    """The Akash labels for a node with so many cards of a model."""
    return dict.fromkeys(model.labels(), str(count))


def _from_akash(labels: Mapping[str, str], vendor: str, part: str) -> Cards | None:
    """None when they say nothing of what is meant: the part where a part is offered, or else the card it is of."""
    said: dict[str, dict[str, set[str]]] = {}
    for label, count in labels.items():
        found = _LABEL.fullmatch(label.removeprefix(LABELS)) if label.startswith(LABELS) else None
        if found is None or found["vendor"] != vendor or count == "0":
            continue
        of_model = said.setdefault(found["model"], {"ram": set(), "interface": set()})
        if found["what"]:
            of_model[found["what"]].add(found["value"])
    whole = [model for model in said if not GpuModel(vendor, model).part]
    meant = [model for model in said if part and model.endswith(part)] or whole
    if len(meant) > 1:
        return _chance(f"{vendor} models {', '.join(sorted(meant))}")
    for model in meant:
        more = said[model]
        if len(more["ram"]) > 1 or len(more["interface"]) > 1:
            return _chance(f"several kinds of {model} ({', '.join(sorted(more['ram'] | more['interface']))})")
        return Cards(GpuModel(vendor, model, *more["ram"] or ("",), *more["interface"] or ("",)))
    return None


def _from_labellers(vendor: str, heard: Told, table: GpuTable) -> Cards:
    listed = {device: table.device(vendor, device) for device in heard.devices}
    if len({known or device for device, known in listed.items()}) > 1:
        names = sorted(known.model if known else f"device {device}" for device, known in listed.items())
        return _chance(f"{vendor} {', '.join(names)}")
    device = next(iter(listed), "")
    name = gpunames.derived(vendor, heard.product) or (f"pci{device}" if device else "")
    known = table.product(vendor, heard.product) or listed.get(device) or table.model(vendor, name)
    measured = gpunames.size("", heard.mib)
    if known is not None:
        interface = known.interface or gpunames.interface(heard.product, known.model)
        return Cards(GpuModel(vendor, known.model, measured or known.memory or gpunames.size(heard.product), interface))
    if not name:
        called = f" from {heard.product!r}" if heard.product else f": no label says what the cards are. {CURE}"
        return Cards(why_not=f"no model can be told{called}")
    model = GpuModel(vendor, name, measured or gpunames.size(heard.product), gpunames.interface(heard.product, name))
    return Cards(model, unlisted=heard.product or f"PCI device {device}")


def _chance(what: str) -> Cards:
    return Cards(why_not=f"{what} on one node go by one name: which of them a pod gets is chance")
