"""Keeps host names and leased addresses leading to their leases: what the reference has two more operators for.

For each lease that was deployed, name by name: claim it where it is free, keep what leads in by it as rendered while
the lease has it, take that away while another lease has it. What was deleted or edited by hand, given up by a lease
that is over, or moved by the tenant shows in the mirrors and is looked at again; so it is after at most AGAIN_S, for
ever, where something is still wrong (the reference ignores a name for 30 days after three failures, product.md D17).

The subtle part is two leases with one name. The claim alone decides. Before anything is deleted for it, the claim is
read anew, since a mirror may be behind; and what another lease still has standing under a name that is ours goes
before ours comes, because ingress controllers refuse a second.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Collection, Iterable, Mapping, Sequence
from typing import Any, Protocol

import structlog

from manifests.ids import LeaseID, lease_namespace
from provider.cluster.api.kinds import PROVIDER_HOST, SERVICE, Kind, kind_of
from provider.cluster.api.kube import Kube, Object
from provider.cluster.mirrors import Mirrors
from provider.cluster.objects.apply import put
from provider.cluster.routes.claims import Ownership, give_up, read, rewrite, take, take_all
from provider.cluster.routes.doors import Door, Key, covers, together
from provider.cluster.routes.waiting import Waiting, Why
from provider.errors import Refused, Retry, Unreachable
from provider.tasks import WorkQueue, spawn

log = structlog.get_logger()

AGAIN_S = 300.0
"""Longest between two looks at a lease with something wrong."""
WORKERS = 4
PINNED_S = 60.0
"""A port that moved is asked for at its old address for this long, then at any."""


class Rules(Protocol):
    """What decides besides the claims (names.py)."""

    def forbids(self, lease: LeaseID, host: str, service: str) -> str | None:
        """Why the name may never lead to this service; None when it may."""

    def doubt(self, lease: LeaseID, host: str) -> str | None:
        """What the tenant has still to show before a free name is claimed; None when nothing."""

    def stored(self, lease: LeaseID) -> Collection[Key]:
        """The claims of the newest manifest, which may not be deployed yet."""


class Routing:
    """- `want` says what a lease is to be reached by; `forget` that it is over. Nobody else's is touched.
    - `settle` looks at one lease once and never fails: trouble is told by `waiting`, and looked at again.
    - Trouble with one name keeps no other waiting, of whichever lease.
    - A lease that is as wanted costs no request."""

    def __init__(self, kube: Kube, mirrors: Mirrors, namespace: str, rules: Rules) -> None:
        self._kube, self._mirrors, self._namespace, self._rules = kube, mirrors, namespace, rules
        self.queue: WorkQueue[LeaseID] = WorkQueue(first_backoff_s=1.0, max_backoff_s=AGAIN_S)
        self._doors: dict[LeaseID, tuple[Door, ...]] = {}
        self._seekers: dict[Key, set[LeaseID]] = {}
        self._waiting: dict[LeaseID, tuple[Waiting, ...]] = {}
        self._locks: dict[LeaseID, asyncio.Lock] = {}
        self._pinned_s: dict[tuple[str, str], float] = {}
        """Service asked for at its old address -> the loop's time of that"""
        self._stubborn: dict[tuple[Kind, str, str], str] = {}
        """object -> version at which applying it did not make it as rendered"""

    def want(self, lease: LeaseID, doors: Sequence[Door]) -> None:
        self._unseek(lease)
        self._doors[lease] = tuple(doors)
        for door in doors:
            self._seekers.setdefault(door.key, set()).add(lease)

    async def forget(self, lease: LeaseID) -> None:
        """Nothing more is done for the lease once this returns."""
        async with self._lock(lease):
            self._unseek(lease)
            for of in (self._doors, self._waiting, self._locks):
                of.pop(lease, None)

    def waiting(self, lease: LeaseID) -> tuple[Waiting, ...]:
        """What of the lease cannot be reached, as of the last look."""
        return self._waiting.get(lease, ())

    def all_waiting(self) -> Mapping[LeaseID, tuple[Waiting, ...]]:
        return self._waiting

    def look(self, key: Key) -> None:
        """Something about a claim has changed, or what leads in by it."""
        for lease in self._seekers.get(key, ()):
            self.queue.put(lease)
        held = self._mirrors.owner(key)
        if held is not None and held.lease in self._doors:  # perhaps it does not want it any more
            self.queue.put(held.lease)

    async def run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            for n in range(WORKERS):
                spawn(tasks, f"routing-{n}", self._work())

    async def _work(self) -> None:
        while True:
            lease = await self.queue.get()
            with structlog.contextvars.bound_contextvars(lease=str(lease)):
                settled = await self.settle(lease)
            if settled:
                self.queue.done(lease)
            else:
                self.queue.retry(lease)

    async def settle(self, lease: LeaseID) -> bool:
        """Whether all is as wanted now."""
        async with self._lock(lease):
            if lease not in self._doors:
                return True
            found = [trouble for doors in together(self._doors[lease]) for trouble in await self._look(lease, doors)]
            released = await self._release(lease)
            before = self._waiting.pop(lease, ())
            if found:
                self._waiting[lease] = tuple(found)
        for trouble in found:
            if trouble not in before:
                log.warning("not reached from outside", why=trouble.why.value, what=trouble.text)
        return released and not found

    async def _release(self, lease: LeaseID) -> bool:
        """Give up what the lease has claimed and no longer wants."""
        kept = {door.key for door in self._doors[lease]}
        left = [c for c in self._mirrors.owned() if c.lease == lease and c.key not in kept]
        stored = self._rules.stored(lease) if left else ()
        try:
            for claim in left:
                if claim.key not in stored:
                    await give_up(self._kube, self._namespace, claim)
        except (Retry, Refused) as trouble:
            log.warning("a claim could not be given up, will try again", why=str(trouble))
            return False
        return True

    async def _look(self, lease: LeaseID, doors: Sequence[Door]) -> list[Waiting]:
        """One host name, or the ports of one address."""
        taken: dict[Key, Ownership | None] = {}
        found = [await self._tried(door, self._open(lease, door, doors, taken)) for door in doors]
        return [waiting for waiting in found if waiting is not None]

    async def _tried(self, door: Door, opening: Awaitable[tuple[Why, str] | None]) -> Waiting | None:
        kind = "host" if door.key[0] is PROVIDER_HOST else "ip"
        try:
            said = await opening
        except Unreachable:
            said = Why.UNAVAILABLE, f"{door.called}: the cluster does not answer; tried again"
        except Retry as trouble:
            said = Why.UNAVAILABLE, f"{door.called}: tried again after: {trouble}"
        except Refused as no:
            said = Why.REFUSED, f"{door.called}: the cluster refuses it: {no}"
        return Waiting(kind, door.key[1], *said) if said is not None else None

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
        if held.lease is None or not covers(held.obj, _said(door.claim)):
            held = await rewrite(self._kube, door.claim, held, address=held.address)
        await self._turn_away(lease, door)
        for route in door.routes:
            await self._apply(route, held)
        return None if host else self._addressed(lease, door)

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

    async def _apply(self, route: Mapping[str, Any], held: Ownership) -> None:
        kind, metadata = kind_of(route), route["metadata"]
        where = kind, metadata["namespace"], metadata["name"]
        found = self._mirrors.route(*where)
        if found is None and held.address and kind is SERVICE:
            # It moved here from another lease of the tenant, who wants to keep its address.
            self._pinned_s[where[1:]] = asyncio.get_running_loop().time()
            route = {**route, "spec": {**route["spec"], "loadBalancerIP": held.address}}
        elif found is not None and not self._pinned_too_long(found, where[1:]):
            version = found["metadata"]["resourceVersion"]
            if covers(found, _said(route)) or self._stubborn.get(where) == version:
                return
            log.warning("changed by somebody, made as it was", kind=str(kind), name=where[2], namespace=where[1])
        self._note(where, await put(self._kube, route), route)

    def _note(self, where: tuple[Kind, str, str], made: Object, route: Mapping[str, Any]) -> None:
        """Applied once more for nothing would be applied for ever."""
        self._stubborn.pop(where, None)
        if not covers(made, _said(route)):
            self._stubborn[where] = made["metadata"].get("resourceVersion", "")
            log.warning("somebody keeps a field otherwise than rendered", kind=str(where[0]), name=where[2])

    def _pinned_too_long(self, found: Mapping[str, Any], service: tuple[str, str]) -> bool:
        """Whether the old address cannot be had: then any will do."""
        facts = self._mirrors.services.get(*service)
        if not found["spec"].get("loadBalancerIP") or facts is None or facts.addresses:
            self._pinned_s.pop(service, None)
            return False
        now = asyncio.get_running_loop().time()
        return now - self._pinned_s.setdefault(service, now) > PINNED_S

    def _addressed(self, lease: LeaseID, door: Door) -> tuple[Why, str] | None:
        for route in door.routes:
            facts = self._mirrors.services.get(lease_namespace(lease), route["metadata"]["name"])
            if facts is None or not facts.addresses:
                return Why.NO_ADDRESS, f"{door.called} waits for an address"
        return None

    def _lock(self, lease: LeaseID) -> asyncio.Lock:
        return self._locks.setdefault(lease, asyncio.Lock())

    def _unseek(self, lease: LeaseID) -> None:
        for door in self._doors.get(lease, ()):
            seekers = self._seekers.get(door.key, set())
            seekers.discard(lease)
            if not seekers:
                self._seekers.pop(door.key, None)


def _said(obj: Mapping[str, Any]) -> dict[str, Any]:
    metadata = {key: obj["metadata"][key] for key in ("labels", "annotations") if key in obj["metadata"]}
    return {"metadata": metadata, "spec": obj["spec"]}
