"""The chain lets us promise only storage and cards that our own attributes publish, whatever the cluster has
(chain.md §6.3).
"""

from __future__ import annotations

from collections.abc import Iterator

from bidengine.reasons import Decline, Reason
from bidengine.us import Us
from bidengine.views import Order, Provider
from manifests.attributes import gpu_granted, storage_granted
from manifests.resources import Resources


def capabilities(order: Order, us: Us) -> Decline | None:
    for unit in order.spec.resources:
        for lacking in _lacking(unit.resources, us.provider):
            return Decline(Reason.CAPABILITY_MISSING, f"unit {unit.resources.id}: {lacking}", final=False)
    return None


def _lacking(resources: Resources, own: Provider) -> Iterator[str]:
    if not gpu_granted(resources.gpu, own.cards):
        wanted = " or ".join(a.key for a in resources.gpu.attributes)
        yield f"our attributes publish no capabilities/gpu/{wanted}"
    for volume in resources.storage:
        if not storage_granted(volume, own.storage_kinds):
            wanted = ", ".join(f"{a.key}={a.value}" for a in volume.attributes)
            yield f"our attributes publish no storage for volume {volume.name!r} ({wanted})"
