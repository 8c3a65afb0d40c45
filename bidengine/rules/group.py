"""The group must be one we can make sense of: the chain lets some through that nobody could run (chain-probes.md
16).
"""

from __future__ import annotations

from bidengine.reasons import Decline, Reason
from bidengine.us import Us
from bidengine.views import Order
from manifests.errors import Invalid
from manifests.gpus import wishes
from manifests.resources import ResourceUnit


def group(order: Order, us: Us) -> Decline | None:
    found = _wrong(order.spec.resources)
    return Decline(Reason.GROUP_INVALID, found, final=True) if found else None


def _wrong(units: tuple[ResourceUnit, ...]) -> str:
    if not units:
        return "the group asks for nothing"
    if len({u.resources.id for u in units}) != len(units):
        return "two units have the same id"
    if len({u.price.denom for u in units}) != 1:
        return "its units pay in different denominations"
    for unit in units:
        if found := _wrong_unit(unit):
            return f"unit {unit.resources.id}: {found}"
    return ""


def _wrong_unit(unit: ResourceUnit) -> str:
    resources = unit.resources
    if unit.count < 1:
        return f"its count is {unit.count}"
    if min(resources.cpu.milli, resources.memory.quantity_bytes) < 1 or resources.gpu.units < 0:
        return "cpu and memory must be more than nothing"
    for volume in resources.storage:
        if volume.quantity_bytes < 0:
            return f"volume {volume.name!r} has a negative size"
        if volume.persistent and volume.storage_class == "ram":
            return f"volume {volume.name!r} is persistent and in memory at once"
    try:
        wished = wishes(resources.gpu.attributes)
    except Invalid as bad:
        return bad.message
    if resources.gpu.units and resources.gpu.attributes and not wished:
        return 'no GPU attribute has the value "true"'
    return ""
