"""The operator has paused bidding."""

from __future__ import annotations

from bidengine.reasons import Decline, Reason
from bidengine.us import Us
from bidengine.views import Order


def maintenance(order: Order, us: Us) -> Decline | None:
    if not us.maintenance:
        return None
    why = f": {us.maintenance_why}" if us.maintenance_why else ""
    return Decline(Reason.MAINTENANCE, f"bidding is paused by the operator{why}", final=False)
