"""A list of tenants that the operator requires must have been loaded once: before that, nobody knows whom it denies."""

from __future__ import annotations

from bidengine.reasons import Decline, Reason
from bidengine.us import Us
from bidengine.views import Order


def lists(order: Order, us: Us) -> Decline | None:
    if not us.policy.unknown:
        return None
    detail = f"required and never loaded: {', '.join(us.policy.unknown)}"
    return Decline(Reason.LISTS_UNKNOWN, detail, final=False)
