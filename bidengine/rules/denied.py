"""A tenant the operator has denied, here or on a list he follows; an entry may end (owners.py)."""

from __future__ import annotations

from bidengine.reasons import Decline, Reason
from bidengine.us import Us
from bidengine.views import Order


def denied(order: Order, us: Us) -> Decline | None:
    entry = us.policy.denied.get(order.id.owner)
    if entry is None or not entry.holds(us.now_unix_s):
        return None
    told = str(entry)
    return Decline(Reason.OWNER_DENIED, f"the tenant is denied{f': {told}' if told else ''}", final=False)
