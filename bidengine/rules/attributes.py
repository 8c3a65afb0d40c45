"""Our own attributes must have what the placement demands; the demanded key may be a pattern (chain.md §6.2)."""

from __future__ import annotations

from bidengine.reasons import Decline, Reason
from bidengine.us import Us
from bidengine.views import Order
from manifests.attributes import missing


def attributes(order: Order, us: Us) -> Decline | None:
    lacking = missing(order.spec.requirements.attributes, us.provider.attributes)
    if not lacking:
        return None
    detail = "we lack " + ", ".join(f"{a.key}={a.value}" for a in lacking)
    return Decline(Reason.ATTRIBUTES_MISMATCH, detail, final=False)
