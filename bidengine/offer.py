"""The part of a bid that says what is promised: the amounts as ordered, and the card that was really chosen.

The card is written into the bid with all we know of it, so that the chain remembers it for us: after a restart the
promise is read back from there. Bids of other software may name less of it, or nothing; then less is promised.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bidengine.placement import Placement
from bidengine.views import ResourceOffer
from manifests.errors import Invalid
from manifests.gpus import GpuModel, GpuWish, wishes
from manifests.resources import Attribute, GroupSpec, ResourceUnit


def resources_offer(spec: GroupSpec, placement: Placement) -> tuple[ResourceOffer, ...]:
    """One entry per unit with the order's ids and counts, which the chain compares (chain.md §2.2, step 6)."""
    return tuple(ResourceOffer(_chosen(unit, placement).resources, unit.count) for unit in spec.resources)


def placement_from_offer(spec: GroupSpec, offer: Sequence[ResourceOffer]) -> dict[int, GpuModel]:
    """The card promised for each resource id of `spec` that asks for GPUs; units whose offer names none, or a choice
    of several, are left out. Memory and interface are "" where the offer does not name them."""
    asking = {u.resources.id for u in spec.resources if u.resources.gpu.units}
    promised: dict[int, GpuModel] = {}
    for entry in offer:
        found = _wished(entry)
        if entry.resources.id in asking and len(found) == 1 and found[0].model != "*":
            one = found[0]
            promised[entry.resources.id] = GpuModel(one.vendor, one.model, one.memory, one.interface)
    return promised


def narrowed(spec: GroupSpec, offer: Sequence[ResourceOffer]) -> GroupSpec:
    """The group with each GPU unit asking for what was promised to it, so that `Room.fit` and `Room.adopt` keep the
    promise."""
    promised = placement_from_offer(spec, offer)
    return replace(spec, resources=tuple(_with_card(u, promised.get(u.resources.id)) for u in spec.resources))


def _chosen(unit: ResourceUnit, placement: Placement) -> ResourceUnit:
    return _with_card(unit, placement.gpu_of(unit.resources.id) if unit.resources.gpu.units else None)


def _with_card(unit: ResourceUnit, card: GpuModel | None) -> ResourceUnit:
    if card is None:
        return unit
    gpu = replace(unit.resources.gpu, attributes=(Attribute(card.key(), "true"),))
    return replace(unit, resources=replace(unit.resources, gpu=gpu))


def _wished(entry: ResourceOffer) -> tuple[GpuWish, ...]:
    try:
        return wishes(entry.resources.gpu.attributes)
    except Invalid:
        return ()
