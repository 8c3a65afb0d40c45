"""Keeps host names and leased addresses leading to their leases: what the reference has two more operators for.

For each lease that was deployed, name by name: claim it where it is free, keep what leads in by it as rendered while
the lease has it, take that away while another lease has it. What was deleted or edited by hand, given up by a lease
that is over, or moved by the tenant shows in the mirrors and is looked at again; so it is after at most AGAIN_S, for
ever, where something is still wrong (the reference ignores a name for 30 days after three failures, product.md D17).

Here is who wants what and when it is looked at; how one name is opened is in opening.py.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Protocol

import structlog

from manifests.ids import LeaseID
from provider.cluster import opening
from provider.cluster.api.kinds import PROVIDER_HOST
from provider.cluster.api.kube import Kube
from provider.cluster.mirrors import Mirrors
from provider.cluster.routes.claims import give_up
from provider.cluster.routes.doors import Door, Key, together
from provider.cluster.routes.waiting import Waiting
from provider.errors import Refused, Retry
from provider.tasks import WorkQueue, loop_s, spawn

log = structlog.get_logger()

AGAIN_S = 1.0, 300.0
"""First and longest between two looks at a lease with something wrong."""
WORKERS = 4


class Rules(opening.Rules, Protocol):
    def stored(self, lease: LeaseID) -> Collection[Key]:
        """The claims of the newest manifest, which may not be deployed yet."""

    def unwanted(self, owner: str, hosts: Collection[str]) -> None:
        """No lease of the tenant wants these names any more."""


class Routing:
    """- `want` says what a lease is to be reached by; `forget` that it is over. Nobody else's is touched.
    - `settle` looks at one lease once and never fails: trouble is told by `waiting`, and looked at again.
    - Trouble with one name keeps no other waiting, of whichever lease.
    - A lease that is as wanted costs no request."""

    def __init__(
        self,
        kube: Kube,
        mirrors: Mirrors,
        namespace: str,
        rules: Rules,
        now_s: Callable[[], float] = loop_s,
        again_s: tuple[float, float] = AGAIN_S,
    ) -> None:
        self._kube, self._mirrors, self._namespace, self._rules = kube, mirrors, namespace, rules
        self.queue: WorkQueue[LeaseID] = WorkQueue(first_backoff_s=again_s[0], max_backoff_s=again_s[1])
        self._doors: dict[LeaseID, tuple[Door, ...]] = {}
        self._seekers: dict[Key, set[LeaseID]] = {}
        self._dropped: dict[LeaseID, set[Key]] = {}
        """no longer wanted since the last look"""
        self._waiting: dict[LeaseID, tuple[Waiting, ...]] = {}
        self._locks: dict[LeaseID, asyncio.Lock] = {}
        self._opening = opening.Opening(kube, mirrors, namespace, rules, now_s)

    def want(self, lease: LeaseID, doors: Sequence[Door]) -> None:
        self._unseek(lease)
        self._dropped.setdefault(lease, set()).update(door.key for door in self._doors.get(lease, ()))
        self._doors[lease] = tuple(doors)
        for door in doors:
            self._seekers.setdefault(door.key, set()).add(lease)

    async def forget(self, lease: LeaseID) -> None:
        """Nothing more is done for the lease once this returns."""
        async with self._lock(lease):
            self.want(lease, ())
            self._tell_unwanted(lease)
            for of in (self._doors, self._waiting, self._locks):
                of.pop(lease, None)
            self._opening.forget(lease)

    def waiting(self, lease: LeaseID) -> tuple[Waiting, ...]:
        """What of the lease cannot be reached, as of the last look."""
        return self._waiting.get(lease, ())

    def all_waiting(self) -> Mapping[LeaseID, tuple[Waiting, ...]]:
        return self._waiting

    def look(self, key: Key) -> None:
        """Something about a claim has changed, or what leads in by it; also about all below a pattern (`*.example`)."""
        kind, name = key
        below = name[1:] if name.startswith("*.") else ""
        keys = [k for k in self._seekers if k[0] is kind and k[1].endswith(below)] if below else [key]
        for lease in {lease for sought in keys for lease in self._seekers.get(sought, ())}:
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
            doors = together(self._doors[lease])
            found = [trouble for each in doors for trouble in await self._opening.open(lease, each)]
            self._tell_unwanted(lease)  # not before: a look that was on its way has asked for them once more
            released = await self._release(lease)
            before = self._waiting.pop(lease, ())
            if found:
                self._waiting[lease] = tuple(found)
        for trouble in found:
            if trouble not in before:
                log.warning("not reached from outside", why=trouble.why.value, what=trouble.text)
        return released and not found

    async def _release(self, lease: LeaseID) -> bool:
        """Give up what the lease has claimed and no longer wants, once nothing of its own leads in by it any more:
        whoever takes it then finds it free."""
        kept = {door.key for door in self._doors[lease]}
        left = [c for c in self._mirrors.owned() if c.lease == lease and c.key not in kept]
        stored = self._rules.stored(lease) if left else ()
        over = [c for c in left if c.key not in stored]
        free = [c for c in over if all(whose != lease for _, _, _, whose in self._mirrors.routes(c.key))]
        try:
            for claim in free:
                await give_up(self._kube, self._namespace, claim)
        except (Retry, Refused) as trouble:
            log.warning("a claim could not be given up, will try again", why=str(trouble))
            return False
        return free == over

    def _tell_unwanted(self, lease: LeaseID) -> None:
        hosts = {
            name
            for kind, name in self._dropped.pop(lease, ())
            if kind is PROVIDER_HOST
            and all(other.owner != lease.owner for other in self._seekers.get((kind, name), ()))
        }
        if hosts:
            self._rules.unwanted(lease.owner, hosts)

    def _lock(self, lease: LeaseID) -> asyncio.Lock:
        return self._locks.setdefault(lease, asyncio.Lock())

    def _unseek(self, lease: LeaseID) -> None:
        for door in self._doors.get(lease, ()):
            seekers = self._seekers.get(door.key, set())
            seekers.discard(lease)
            if not seekers:
                self._seekers.pop(door.key, None)
