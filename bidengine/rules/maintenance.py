"""The operator has paused bidding."""

from __future__ import annotations

from bidengine.reasons import Decline, Reason
from bidengine.us import Us
from bidengine.views import Order


def maintenance(order: Order, us: Us) -> Decline | None:
    return Decline(Reason.MAINTENANCE, "bidding is paused by the operator", final=False) if us.maintenance else None
