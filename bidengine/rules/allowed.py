"""Where the operator has a list of tenants to serve, nobody else is served; an entry may end (owners.py)."""

from __future__ import annotations

from bidengine.reasons import Decline, Reason
from bidengine.us import Us
from bidengine.views import Order


def allowed(order: Order, us: Us) -> Decline | None:
    if us.policy.allowed is None:
        return None
    entry = us.policy.allowed.get(order.id.owner)
    if entry is None:
        return Decline(Reason.OWNER_NOT_ALLOWED, "the tenant is on no list of those we serve", final=False)
    if not entry.holds(us.now_unix_s):
        return Decline(Reason.OWNER_NOT_ALLOWED, f"the tenant was served {entry}", final=False)
    return None
