"""An order that has waited long has been passed over, or its tenant is gone; the chain never takes it off (chain.md
§6.1). Its age counts from the height the chain gave it and is never negative (product.md D4).
"""

from __future__ import annotations

from bidengine.reasons import Decline, Reason
from bidengine.us import Us
from bidengine.views import Order


def age(order: Order, us: Us) -> Decline | None:
    blocks = max(0, us.height - order.created_at)
    most = us.policy.max_order_age_blocks
    if most is not None and blocks > most:
        return Decline(Reason.ORDER_TOO_OLD, f"the order is {blocks} blocks old, we take up to {most}", final=True)
    most_s, age_s = us.policy.max_order_age_s, blocks * us.block_time_ms // 1000
    if most_s is not None and age_s > most_s:
        return Decline(Reason.ORDER_TOO_OLD, f"the order is about {age_s} s old, we take up to {most_s} s", final=True)
    return None
