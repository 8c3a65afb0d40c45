"""Only an open order takes bids; there is no way back to open (chain.md §6.1)."""

from __future__ import annotations

from bidengine.reasons import Decline, Reason
from bidengine.us import Us
from bidengine.views import Order


def state(order: Order, us: Us) -> Decline | None:
    if order.state == "open":
        return None
    return Decline(Reason.ORDER_GONE, f"the order is {order.state}", final=True)
