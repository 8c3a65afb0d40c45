"""The provider's live leases as the chain has them, and what their escrows say; for commands about them."""

from __future__ import annotations

from dataclasses import dataclass

from bidengine.forecast import Escrow, Forecast, escrows
from bidengine.views import LIVE, Lease
from manifests.errors import Invalid
from manifests.ids import DeploymentID, LeaseID
from provider.cli.signing import Session
from provider.errors import ConfigError, NotFound


@dataclass(frozen=True, slots=True)
class Live:
    """Everything at one height."""

    height: int
    leases: dict[LeaseID, Lease]
    escrows: dict[DeploymentID, Escrow]
    """of the open accounts"""

    def forecast(self, lease: LeaseID) -> Forecast | None:
        escrow = self.escrows.get(lease.deployment)
        return escrow.forecast(lease, self.height) if escrow is not None else None

    def forecasts(self) -> list[Forecast]:
        return [found for lease in self.leases if (found := self.forecast(lease)) is not None]


async def live(session: Session) -> Live:
    """Two lists of leases, and two of each tenant's accounts; a lease under notice is live (chain.md §2.8)."""
    owner, height = await session.owner(), (await session.chain.head()).height
    chain = session.chain.at(height)
    leases = {one.id: one for state in LIVE for one in await chain.leases(owner, state)}
    found: dict[DeploymentID, Escrow] = {}
    for tenant in sorted({lease.owner for lease in leases}):
        found |= escrows(*await chain.open_escrows(tenant))
    return Live(height, dict(sorted(leases.items())), found)


async def own(session: Session, text: str) -> Lease:
    """The lease of that id, which must be ours and live."""
    try:
        lease = LeaseID.parse(text)
    except Invalid as bad:
        raise ConfigError("LEASE", str(bad), "Write owner/dseq/gseq/oseq/provider; `akp leases` lists them.") from None
    owner = await session.owner()
    if lease.provider != owner:
        raise ConfigError("LEASE", f"{lease} is not a lease of {owner}", "`akp leases` lists yours.")
    found = await session.chain.latest.lease(lease)
    if not found.live:
        raise NotFound(f"the lease {lease} is over: {found.state}, with reason {found.reason}")
    return found
