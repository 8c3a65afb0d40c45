"""The question put to a pricer outside of us: which group it is, as JSON that existing price scripts read.

Fields, their order and their numbers are the reference's (bidengine-inventory.md §4.3). Quantities are those of one
replica as ordered, whatever over-commit makes of them. The subtle part is the GPU: the model is that of the card the
placement has chosen, never a wish or a `*`; memory and interface are told only where the tenant asked for them, because
scripts build their keys from what is there.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from bidengine.placement import Placement
from bidengine.views import Order
from manifests.coins import format_decimal
from manifests.gpus import GpuModel, wishes
from manifests.resources import EndpointKind, Gpu, GroupSpec, ResourceUnit

PRICE_PRECISION = 6
"""Digits after the point that a pricer is advised to answer with; up to 18 are taken."""


def question(spec: GroupSpec, placement: Placement) -> dict[str, Any]:
    """What a script of today reads: resources, the most that the tenant would pay per block for the whole group, and
    the precision. The group must have passed `screen`."""
    return {
        "resources": resources(spec, placement),
        "price": {"denom": spec.denom, "amount": format_decimal(spec.ceiling_e18)},
        "price_precision": PRICE_PRECISION,
    }


def resources(spec: GroupSpec, placement: Placement) -> list[dict[str, Any]]:
    """One entry per unit; alone, it is what scripts read before the tenant's price was told them."""
    return [_unit(unit, placement.gpu_of(unit.resources.id)) for unit in spec.resources]


def detailed(order: Order, placement: Placement) -> dict[str, Any]:
    """The same for those who are not bound to the scripts' form: with the order's id, and nodes and cards chosen."""
    places = Counter((slot.resource_id, slot.node, slot.gpu) for slot in placement.slots)
    return question(order.spec, placement) | {
        "order": {"owner": order.id.owner, "dseq": order.id.dseq, "gseq": order.id.gseq, "oseq": order.id.oseq},
        "placement": [
            {"resource_id": unit, "node": node, "replicas": replicas, "gpu": _card(gpu) if gpu is not None else None}
            for (unit, node, gpu), replicas in places.items()
        ],
    }


def written(document: object) -> bytes:
    """As it goes to a pricer: one line."""
    return json.dumps(document, separators=(",", ":")).encode() + b"\n"


def environment(order: Order) -> dict[str, str]:
    """Variables that tell a script what the document does not."""
    return {"AKASH_OWNER": order.id.owner, "AKASH_DENOM": order.spec.denom}


def _unit(unit: ResourceUnit, card: GpuModel | None) -> dict[str, Any]:
    asked = unit.resources
    ips = {e.sequence_number for e in asked.endpoints if e.kind == EndpointKind.LEASED_IP}
    return {
        "memory": asked.memory.quantity_bytes,
        "cpu": asked.cpu.milli,
        "gpu": {"units": asked.gpu.units, "attributes": _gpu(asked.gpu, card) if asked.gpu.units else {}},
        "storage": [{"class": v.storage_class or "ephemeral", "size": v.quantity_bytes} for v in asked.storage],
        "count": unit.count,
        "endpoint_quantity": len(asked.endpoints),
        "ip_lease_quantity": len(ips),
    }


def _gpu(gpu: Gpu, card: GpuModel | None) -> dict[str, Any]:
    if card is None:
        return {}
    granting = [wish for wish in wishes(gpu.attributes) if wish.granted_by(card)]
    # A wish for this very model says more than one for any; of several the last counts, as in the reference.
    said = ([wish for wish in granting if wish.model != "*"] or granting)[-1:]
    told = {"model": card.model}
    if any(wish.memory for wish in said):
        told["ram"] = card.memory
    if any(wish.interface for wish in said):
        told["interface"] = card.interface
    return {"vendor": {card.vendor: told}}


def _card(card: GpuModel) -> dict[str, str]:
    return {"vendor": card.vendor, "model": card.model, "ram": card.memory, "interface": card.interface}
