"""Opens one door of a lease: a host name, or a port of a leased address. Claimed where it is free, what leads in by it
kept while the lease has it, and taken away while another lease has it.

The subtle part is two leases with one name. The claim alone decides. Before anything is deleted for it, the claim is
read anew, since a mirror may be behind; and what another lease still has standing under a name that is ours goes
before ours comes, because ingress controllers refuse a second.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Protocol

import structlog

from manifests.ids import LeaseID, lease_namespace
from provider.cluster.api.kinds import PROVIDER_HOST, Kind, kind_of
from provider.cluster.api.kube import Kube
from provider.cluster.mirrors import Mirrors
from provider.cluster.routes.claims import Ownership, give_up, read, take, take_all, whole
from provider.cluster.routes.doors import Door, Key
from provider.cluster.routes.keeping import Keeping
from provider.cluster.routes.waiting import Waiting, Why
from provider.cluster.upkeep import Upkeep
from provider.errors import Refused, Retry, Unreachable
from provider.tasks import loop_s

log = structlog.get_logger()


class Rules(Protocol):
    """What decides besides the claims (reach.py)."""

    def forbids(self, lease: LeaseID, host: str, service: str) -> str | None:
        """Why the name may never lead to this service; None when it may."""

    def doubt(self, lease: LeaseID, host: str) -> str | None:
        """What the tenant has still to show before a free name is claimed; None when nothing."""


class Opening:
    """`open` never fails: why a door does not lead to the lease is its answer."""

    def __init__(
        self, kube: Kube, mirrors: Mirrors, namespace: str, rules: Rules, now_s: Callable[[], float] = loop_s
    ) -> None:
        self._kube, self._mirrors, self._namespace, self._rules = kube, mirrors, namespace, rules
        self._keeping, self._upkeep = Keeping(kube, now_s), Upkeep(kube, mirrors, now_s)

    async def open(self, lease: LeaseID, doors: Sequence[Door]) -> list[Waiting]:
        """One host name, or the ports of one address."""
        taken: dict[Key, Ownership | None] = {}
        found = [await self._tried(door, self._open(lease, door, doors, taken)) for door in doors]
        return [waiting for waiting in found if waiting is not None]

    def forget(self, lease: LeaseID) -> None:
        """It is over."""
        self._keeping.forget(lease)
        self._upkeep.forget(lease_namespace(lease))

    async def _tried(self, door: Door, opening: Awaitable[tuple[Why, str] | None]) -> Waiting | None:
        kind = "host" if door.key[0] is PROVIDER_HOST else "ip"
        try:
            why = await opening
        except Unreachable:
            why = Why.UNAVAILABLE, f"{door.called}: the cluster does not answer; tried again"
        except Retry as trouble:
            why = Why.UNAVAILABLE, f"{door.called}: tried again after: {trouble}"
        except Refused as no:
            why = Why.REFUSED, f"{door.called}: the cluster refuses it: {no}"
        return Waiting(kind, door.key[1], *why) if why is not None else None

    async def _open(
        self, lease: LeaseID, door: Door, doors: Sequence[Door], taken: dict[Key, Ownership | None]
    ) -> tuple[Why, str] | None:
        """One name: nothing when it leads to the lease, else why not. `doors` are all of its address, `taken` what was
        claimed of them at this look."""
        key, host = door.key, door.key[1] if door.key[0] is PROVIDER_HOST else ""
        held = self._mirrors.owner(key)
        if host and (no := self._rules.forbids(lease, host, door.claim["spec"]["service_name"])) is not None:
            await self._take_away(lease, self._standing(lease, door))
            if held is not None and held.lease == lease:
                await give_up(self._kube, self._namespace, held)
            return Why.BLOCKED, no
        if held is None:
            if host and (doubt := self._rules.doubt(lease, host)) is not None:
                await self._take_away(lease, self._standing(lease, door))
                return Why.UNPROVEN, f"{door.called}: {doubt}"
            held = await self._claim(lease, door, doors, taken)
            if held is None:
                return Why.ELSEWHERE, f"{door.called} waits: another deployment of yours has a port of this address"
        if held.lease not in (None, lease):
            return await self._elsewhere(lease, door, held)
        if (other := await self._half(lease, doors, held)) is not None:
            await give_up(self._kube, self._namespace, held)
            return Why.ELSEWHERE, f"{door.called} waits: your deployment {other.dseq} has a port of this address"
        if held.in_part:
            held = await whole(self._kube, self._namespace, held)
        kept = await self._keeping.keep(lease, door, held)
        if kept is None:
            return Why.CHANGED, f"{door.called}: somebody changes its claim again and again; it is undone later"
        held = kept
        await self._turn_away(lease, door)
        for route in door.routes:
            if not await self._upkeep.apply(route, held):
                return Why.CHANGED, f"{door.called}: somebody changes its route again and again; it is undone later"
        return None if host else self._upkeep.addressed(lease, door)

    async def _claim(
        self, lease: LeaseID, door: Door, doors: Sequence[Door], taken: dict[Key, Ownership | None]
    ) -> Ownership | None:
        """Of an address the free ports are claimed all or none (None): half of it would serve neither of two leases
        that want the same."""
        if len(doors) == 1:
            return await take(self._kube, door.claim)
        if door.key not in taken:
            owners = {d.key: self._mirrors.owner(d.key) for d in doors}
            free = [d for d in doors if owners[d.key] is None]
            got = None
            if all(held is None or held.lease in (None, lease) for held in owners.values()):
                got = await take_all(self._kube, lease, [d.claim for d in free])
            taken |= got if got is not None else dict.fromkeys(d.key for d in free)
        return taken[door.key]

    async def _half(self, lease: LeaseID, doors: Sequence[Door], held: Ownership) -> LeaseID | None:
        """Who has another port of the address, where this one is left of claiming all or none, because it could not be
        given back. One that moved here is on its way together with the others."""
        if not held.in_part or held.moved:
            return None
        for other in doors:
            owner = self._mirrors.owner(other.key)
            if owner is not None and owner.lease not in (None, lease):
                now = (await self._now(other)).lease
                if now not in (None, lease):
                    return now
        return None

    async def _elsewhere(self, lease: LeaseID, door: Door, held: Ownership) -> tuple[Why, str] | None:
        assert held.lease is not None
        if standing := self._standing(lease, door):
            if (await self._now(door)).lease == lease:
                raise Retry(f"{door.key[1]} came back this moment")
            await self._take_away(lease, standing)
        if held.lease.owner != lease.owner:
            return Why.IN_USE, f"{door.called} is in use by another tenant of this provider"
        where = f"deployment {held.lease.dseq}, group {held.lease.gseq}"
        how = "hostname" if held.host else "endpoint"
        return Why.ELSEWHERE, (
            f"{door.called} leads to your {where}; it leads here when that ends or no longer has it, "
            f"or when you migrate it (POST /{how}/migrate)"
        )

    def _standing(self, lease: LeaseID, door: Door) -> list[tuple[Kind, str]]:
        """What of the lease's own leads in by this door."""
        named = [(kind_of(route), route["metadata"]["name"]) for route in door.routes]
        return [(kind, name) for kind, name in named if self._mirrors.route(kind, lease_namespace(lease), name)]

    async def _take_away(self, lease: LeaseID, standing: Iterable[tuple[Kind, str]]) -> None:
        for kind, name in standing:
            await self._kube.delete(kind, lease_namespace(lease), name)
            log.info("withdrawn, its name is not the lease's any more", kind=str(kind), name=name)

    async def _now(self, door: Door) -> Ownership:
        return await read(self._kube, door.key[0], self._namespace, door.key[1])

    async def _turn_away(self, lease: LeaseID, door: Door) -> None:
        """What other leases of this provider have standing under a name that is this lease's."""
        strays = [
            (kind, namespace, name)
            for kind, namespace, name, whose in self._mirrors.routes(door.key)
            if namespace != lease_namespace(lease) and whose is not None and whose.provider == lease.provider
        ]
        if not strays:
            return
        if (await self._now(door)).lease != lease:
            raise Retry(f"{door.key[1]} has moved this moment")
        for kind, namespace, name in strays:
            await self._kube.delete(kind, namespace, name)
            log.info("a route of another lease is in the way and deleted", namespace=namespace, route=name)
