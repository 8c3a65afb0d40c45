"""One file per reason to decline; each is a function `(order, us) -> Decline | None` that needs no cluster and no
price.

All are asked, because all are cheap and the operator wants to see every opinion (`opinions`). One answer is given
(`screen`): the most telling reason, final as soon as any of them is final.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from bidengine.reasons import Decline, Reason
from bidengine.rules.age import age
from bidengine.rules.allowed import allowed
from bidengine.rules.attributes import attributes
from bidengine.rules.audit import audit
from bidengine.rules.bids import bids
from bidengine.rules.capabilities import capabilities
from bidengine.rules.denied import denied
from bidengine.rules.denom import denom
from bidengine.rules.group import group
from bidengine.rules.limits import limits
from bidengine.rules.lists import lists
from bidengine.rules.maintenance import maintenance
from bidengine.rules.order_attributes import order_attributes
from bidengine.rules.owner import owner
from bidengine.rules.quota import quota
from bidengine.rules.reclamation import reclamation
from bidengine.rules.state import state
from bidengine.rules.tee import tee
from bidengine.rules.volumes import volumes
from bidengine.rules.wallet import wallet
from bidengine.us import Us
from bidengine.views import Order

Rule = Callable[[Order, Us], Decline | None]

RULES: tuple[Rule, ...] = (
    state,
    maintenance,
    age,
    bids,
    quota,
    lists,
    allowed,
    denied,
    owner,
    denom,
    group,
    order_attributes,
    limits,
    volumes,
    attributes,
    audit,
    capabilities,
    tee,
    reclamation,
    wallet,
)
"""In the order of reasons.py: later ones are more telling."""

OF_POLICY: tuple[Rule, ...] = (lists, allowed, denied, order_attributes, limits)
"""Those that ask nothing but the order, the operator's policy and the time."""

_SEVERITY = {reason: at for at, reason in enumerate(Reason)}


def screen(order: Order, us: Us) -> Decline | None:
    """Why this order gets no bid from us, or None when nothing in the order itself speaks against one."""
    return told(opinions(order, us))


def told(found: tuple[Decline, ...]) -> Decline | None:
    """The one answer to give for all these objections; None when there are none."""
    if not found:
        return None
    most = max(found, key=lambda d: _SEVERITY[d.reason])
    return replace(most, final=any(d.final for d in found))


def opinions(order: Order, us: Us) -> tuple[Decline, ...]:
    """Every rule's objection, in the order of the rules."""
    return tuple(d for rule in RULES if (d := rule(order, us)) is not None)
