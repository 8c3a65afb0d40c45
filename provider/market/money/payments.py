"""What the chain has paid so far for each of many leases, in few questions.

The subtlety is whom to ask for all at once: only the open payments of a tenant are one list that stays short. So those
of a tenant with several deployments of ours are read together, and what is not among them (a debt, what is over) for
its deployment alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from bidengine.views import EscrowPayment
from manifests.ids import DeploymentID, LeaseID
from provider.tasks import each

FEW = 3
"""deployments of one tenant that are asked for one by one"""


class Chain(Protocol):
    """What is asked of provider.chain.query.Query, bound to a height."""

    async def escrow_payments(self, deployment: DeploymentID) -> list[EscrowPayment]: ...
    async def open_payments(self, owner: str) -> list[EscrowPayment]: ...


async def payments_of(chain: Chain, leases: Iterable[LeaseID]) -> dict[LeaseID, EscrowPayment]:
    """Those the chain knows a payment of. Bounded, not one after another: a start waits for it."""
    wanted = set(leases)
    deployments: dict[str, set[DeploymentID]] = {}
    for lease in wanted:
        deployments.setdefault(lease.owner, set()).add(lease.deployment)
    many = sorted(owner for owner, theirs in deployments.items() if len(theirs) > FEW)
    together = await each(many, chain.open_payments, what="payments")
    found = {p.lease: p for payments in together.values() for p in payments if p.lease in wanted}
    alone = sorted({lease.deployment for lease in wanted - found.keys()})
    for payments in (await each(alone, chain.escrow_payments, what="payments")).values():
        found |= {p.lease: p for p in payments if p.lease in wanted}
    return found
