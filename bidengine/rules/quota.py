"""One tenant gets so much of us and no more: what we hold room for, bid on or run counts, so that a flood of orders
cannot tie up a provider for the price of deposits that come back (bidengine-inventory.md W-25).
"""

from __future__ import annotations

from bidengine.reasons import Decline, Reason
from bidengine.us import Us
from bidengine.views import Order


def quota(order: Order, us: Us) -> Decline | None:
    most = us.policy.most_per_owner
    if most is None or us.promised_to_owner < most:
        return None
    detail = f"the tenant has {us.promised_to_owner} bids and leases with us, we allow {most} at a time"
    return Decline(Reason.QUOTA_REACHED, detail, final=False)
