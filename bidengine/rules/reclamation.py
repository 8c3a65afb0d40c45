"""A tenant may demand notice before resources are taken back. We promise exactly what is demanded, never more: a
promised window binds the provider (chain.md §2.8).
"""

from __future__ import annotations

from bidengine.reasons import Decline, Reason
from bidengine.us import Us
from bidengine.views import Order


def reclamation(order: Order, us: Us) -> Decline | None:
    if order.reclamation_min_window_s is None:
        return None
    needed = _needed(order.reclamation_min_window_s, us)
    if needed > us.market.max_reclamation_window_s:
        detail = f"demands {needed} s of notice, the market allows {us.market.max_reclamation_window_s} s"
        return Decline(Reason.RECLAMATION_UNSUPPORTED, detail, final=True)
    if needed > us.reclamation_window_s:
        detail = f"demands {needed} s of notice before resources are taken back, we offer {us.reclamation_window_s} s"
        return Decline(Reason.RECLAMATION_UNSUPPORTED, detail, final=False)
    return None


def window_to_offer(order: Order, us: Us) -> int | None:
    """Seconds to put into the bid on an order that passed the rule; None when none is demanded."""
    return None if order.reclamation_min_window_s is None else _needed(order.reclamation_min_window_s, us)


def _needed(demanded_s: int, us: Us) -> int:
    return max(demanded_s, us.market.min_reclamation_window_s)
