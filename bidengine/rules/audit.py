"""Auditors the tenant trusts must have signed, for us, all the attributes the placement demands (chain.md §6.2).

`all_of`: each of them; `any_of`: at least one. An auditor who has signed nothing for us never counts, even if nothing
is demanded.
"""

from __future__ import annotations

from bidengine.reasons import Decline, Reason
from bidengine.us import Us
from bidengine.views import Order
from manifests.attributes import satisfies
from manifests.resources import Requirements


def audit(order: Order, us: Us) -> Decline | None:
    wanted = order.spec.requirements
    lacking = [a for a in wanted.signed_by.all_of if not _signed(a, wanted, us)]
    if lacking:
        return Decline(Reason.AUDIT_MISSING, "not signed for us by " + ", ".join(lacking), final=False)
    any_of = wanted.signed_by.any_of
    if any_of and not any(_signed(a, wanted, us) for a in any_of):
        return Decline(Reason.AUDIT_MISSING, "not signed for us by any of " + ", ".join(any_of), final=False)
    return None


def _signed(auditor: str, wanted: Requirements, us: Us) -> bool:
    signed = us.provider.audited.get(auditor)
    return signed is not None and satisfies(wanted.attributes, signed)
