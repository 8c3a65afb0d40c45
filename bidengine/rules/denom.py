"""We must take the denomination the order pays in; a bid in another one makes the chain panic (chain.md §2.2, step
5).
"""

from __future__ import annotations

from bidengine.reasons import Decline, Reason
from bidengine.us import Us
from bidengine.views import Order


def denom(order: Order, us: Us) -> Decline | None:
    wanted = order.spec.denom
    if wanted in us.offered_denoms:
        return None
    offered = ", ".join(sorted(us.offered_denoms)) or "none"
    return Decline(Reason.DENOM_UNSUPPORTED, f"the order pays in {wanted or 'nothing'}, we take {offered}", final=False)
