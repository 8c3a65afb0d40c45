"""An order for a trusted execution environment is not ours, whatever our attributes say: nothing here would protect its
pods (manifests/tee.py), and its tenant could not tell.
"""

from __future__ import annotations

from bidengine.reasons import Decline, Reason
from bidengine.us import Us
from bidengine.views import Order
from manifests.tee import TEE_TYPE, tee_required


def tee(order: Order, us: Us) -> Decline | None:
    wanted = tee_required(order.spec.requirements.attributes)
    if not wanted:
        return None
    detail = f"demands a trusted execution environment ({TEE_TYPE}={wanted[:100]}), which akp does not give"
    if any(own.key == TEE_TYPE for own in us.provider.attributes):
        detail += f": take {TEE_TYPE} out of the provider's attributes (provider.attributes, then akp attributes sync)"
    return Decline(Reason.TEE_UNSUPPORTED, detail, final=True)
