"""A provider may not bid on its own order: the chain refuses it (chain.md §2.2)."""

from __future__ import annotations

from bidengine.reasons import Decline, Reason
from bidengine.us import Us
from bidengine.views import Order


def owner(order: Order, us: Us) -> Decline | None:
    if order.id.owner != us.provider.owner:
        return None
    return Decline(Reason.OWNER_DENIED, "the order is our own account's", final=True)
