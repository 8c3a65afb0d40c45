"""The market takes a limited number of bids per order; closed bids keep their place, so a full order stays full.

The chain refuses a bid when those already there are *more* than `order_max_bids`: with 20, twenty-one fit (chain.md
§2.2).
"""

from __future__ import annotations

from bidengine.reasons import Decline, Reason
from bidengine.us import Us
from bidengine.views import Order


def bids(order: Order, us: Us) -> Decline | None:
    most = us.market.order_max_bids + 1
    if us.bids_on_order < most:
        return None
    return Decline(Reason.MAX_BIDS_REACHED, f"{us.bids_on_order} bids are on the order, {most} fit", final=True)
