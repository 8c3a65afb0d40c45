"""What settlements brought: read from the chain's own running totals of each lease, never added up from events.

A total cannot be missed or counted twice. It counts the lease's own denomination; what escrow paid in another one
stands in for it (the AKT fallback, chain-probes.md "Escrow" 11) and is income as well.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from typing import Protocol

from bidengine.views import EscrowPayment
from manifests.coins import Coin, trunc
from manifests.ids import DeploymentID, LeaseID
from provider.chain.money import ESCROW
from provider.ledger.books import Entry, Paid, Settled
from provider.ledger.journal import Journal, Rest
from provider.market.money.moves import Moves, Receipt

Tenants = Mapping[str, Collection[LeaseID]]
"""leases of ours by the tenant's address: what a block touches is found without a look at all of them"""


class Chain(Protocol):
    async def escrow_payments(self, deployment: DeploymentID) -> list[EscrowPayment]: ...


class Income:
    def __init__(self, journal: Journal, owner: str) -> None:
        self._journal, self._owner = journal, owner

    async def of(
        self,
        moved: Moves,
        chain: Chain,
        height: int,
        live: Tenants,
        closed: Collection[LeaseID] = (),
        opened: Collection[LeaseID] = (),
    ) -> list[Entry]:
        """Of the block at `height`, to which `chain` is bound; `live` are leases that lived before it, `closed` those
        that ended in it, `opened` those that began. What earlier blocks have booked is asked of the ledger each time:
        `akp reconcile` may have added to it, and the same block taken twice must be the same news."""
        out: list[Entry] = []
        ours: dict[DeploymentID, tuple[LeaseID, str]] = {}
        told: list[tuple[LeaseID, Coin]] = []
        for deployment, tx in sorted(_worth_asking(moved, live, [*closed, *opened]).items()):
            for payment in await chain.escrow_payments(deployment):
                lease, total = payment.lease, payment.withdrawn
                if lease.provider != self._owner:
                    continue
                ours.setdefault(deployment, (lease, total.denom))
                had = (await self._journal.paid(lease, before_height=height)).get(total.denom, 0)
                settled_at_once = lease in opened and credited(payment, height).credited_total.amount > 0
                if lease in closed or lease in live.get(lease.owner, ()) or total.amount > had or settled_at_once:
                    out.append(credited(payment, height))
                if total.amount > had:
                    out.append(Paid(lease, height, total, "closed" if lease in closed else "withdraw", tx))
                    told.append((lease, total))
        return [*out, *self._left(told, moved.receipts, ours, height)]

    def _left(
        self,
        paid: Collection[tuple[LeaseID, Coin]],
        receipts: Iterable[Receipt],
        ours: dict[DeploymentID, tuple[LeaseID, str]],
        height: int,
    ) -> list[Rest]:
        """What was received and is in no total: in another coin for a lease of ours, or for none of them, such as what
        comes back of our own deposits to a deployment. How much that is, is found by who writes it: `akp reconcile` may
        write some of the totals before."""
        received = Counter({total.denom: 0 for _, total in paid})
        told: dict[str, tuple[str, LeaseID | None]] = {}
        for receipt in receipts:
            received[receipt.coin.denom] += receipt.coin.amount
            denom = receipt.coin.denom
            found = (ours[d] for d in sorted(receipt.deployments) if d in ours)
            lease = next((lease for lease, own in found if own != denom), None)
            if denom not in told or told[denom][1] is None:
                told[denom] = (receipt.tx, lease)
        out = []
        for denom, amount in sorted(received.items()):
            tx, lease = told.get(denom, ("", None))
            totals = tuple((lease, total) for lease, total in paid if total.denom == denom)
            out.append(Rest(height, Coin(denom, amount), self._owner, ESCROW, totals, lease, tx))
        return out


def credited(payment: EscrowPayment, height: int) -> Settled:
    """All that settlements have given the lease, paid out or not."""
    total = Coin(payment.withdrawn.denom, payment.withdrawn.amount + trunc(payment.balance_e18))
    return Settled(payment.lease, height, total, payment.state)


def _worth_asking(moved: Moves, live: Tenants, closed: Collection[LeaseID]) -> dict[DeploymentID, str]:
    """Deployments with a lease of ours that this block settled, or that paid us -> by which transaction.

    The chain picks payments by the text of the account's id: who settles dseq 12 settles the leases of dseq 123 of the
    same tenant too (chain.md §1.9).
    """
    out: dict[DeploymentID, str] = {}
    for settled, tx in moved.settled.items():
        ours = [*live.get(settled.owner, ()), *(lease for lease in closed if lease.owner == settled.owner)]
        for deployment in {lease.deployment for lease in ours}:
            if str(deployment.dseq).startswith(str(settled.dseq)):
                out[deployment] = tx
    for receipt in moved.receipts:
        for deployment in receipt.deployments:
            out.setdefault(deployment, receipt.tx)
    return out
