"""What the two ways of moving a name to another deployment have in common: which lease gets it, whether the caller may,
and the answers (gateway-auth.md §5.7, §5.8).

Everything is looked at before anything is moved; what then goes wrong half-way is said to be tried again, and trying
again finds what has moved already as it should be.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from manifests.ids import LeaseID
from provider.cluster.routes.claims import Taken
from provider.errors import Refused, Retry
from provider.gateway.desk import Allowed, Answer

Claim = Mapping[str, Any]


class Reach(Protocol):
    """What moving needs of provider.cluster.reach.Reach."""

    def hosts(self, lease: LeaseID) -> Mapping[str, Claim]: ...
    def endpoint(self, lease: LeaseID, name: str) -> Sequence[Claim]: ...
    def holders(self, claims: Iterable[Claim]) -> set[tuple[LeaseID, str]]: ...
    async def move(self, lease: LeaseID, claims: Sequence[Claim]) -> None: ...


def destination(leases: Iterable[LeaseID], owner: str, dseq: int, gseq: int) -> LeaseID:
    """The live lease of that deployment and group; Answer 400 when there is none."""
    found = [lease for lease in leases if (lease.owner, lease.dseq, lease.gseq) == (owner, dseq, gseq)]
    if not found:
        raise Answer(400, "destination deployment does not exist")
    return max(found)


async def hostnames(reach: Reach, lease: LeaseID, names: Sequence[str], allowed: Allowed) -> None:
    known, claims = reach.hosts(lease), []
    for name in names:
        if name.lower() not in known:
            raise Answer(400, f'the hostname "{name}" is not used by this deployment')
        claims.append(known[name.lower()])
    await _move(reach, lease, claims, allowed)


async def endpoints(reach: Reach, lease: LeaseID, names: Sequence[str], allowed: Allowed) -> None:
    claims: list[Claim] = []
    for name in names:
        ports = reach.endpoint(lease, name)
        if not ports:
            raise Answer(400, f'the endpoint "{name}" does not exist in the destination deployment')
        claims += ports
    await _move(reach, lease, claims, allowed)


async def _move(reach: Reach, lease: LeaseID, claims: Sequence[Claim], allowed: Allowed) -> None:
    for claim in claims:
        allowed(lease, claim["spec"]["service_name"])
    for holder, service in reach.holders(claims):
        if holder.owner == lease.owner and holder != lease:
            allowed(holder, service)
    try:
        await reach.move(lease, claims)
    except Taken as taken:
        raise Answer(400, f'hostname not allowed: host "{taken.claim.name}" in use') from None
    except Retry as trouble:
        raise Answer(503, f"the cluster cannot be changed now, try again: {trouble}") from None
    except Refused as no:
        raise Answer(500, f"failed transferring: {no}") from None
