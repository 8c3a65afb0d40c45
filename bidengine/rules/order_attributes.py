"""The operator may serve only orders that ask for something, say a region or a tier: the placement must demand all of
it (bidengine-inventory.md §3.2).
"""

from __future__ import annotations

from bidengine.reasons import Decline, Reason
from bidengine.us import Us
from bidengine.views import Order
from manifests.attributes import missing


def order_attributes(order: Order, us: Us) -> Decline | None:
    lacking = missing(us.policy.order_attributes, order.spec.requirements.attributes)
    if not lacking:
        return None
    detail = "the order does not ask for " + ", ".join(f"{a.key}={a.value}" for a in lacking)
    return Decline(Reason.ORDER_ATTRIBUTES, detail, final=True)
