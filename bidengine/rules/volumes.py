"""A unit may have so many volumes and no more: each one is another mount and, when persistent, another claim."""

from __future__ import annotations

from bidengine.reasons import Decline, Reason
from bidengine.us import Us
from bidengine.views import Order


def volumes(order: Order, us: Us) -> Decline | None:
    for unit in order.spec.resources:
        found = len(unit.resources.storage)
        if found > us.max_volumes:
            detail = f"unit {unit.resources.id} has {found} volumes, we allow {us.max_volumes}"
            return Decline(Reason.VOLUMES_EXCEEDED, detail, final=False)
    return None
