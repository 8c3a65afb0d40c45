"""A lease's life with us: wait for its manifest, put it on the cluster, keep it there, and when it is over leave
nothing behind.

One rule guards everything here: a lease is torn down only on positive evidence from the chain that it is over. No
answer, an old answer, or a lease the book does not know is never such evidence (support#245: an outage must not
close leases). What the cluster has of it is asked to go and is not waited for: its end shows in the mirrors.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from typing import Protocol

import structlog

from bidengine.offer import narrowed
from bidengine.room import Room
from bidengine.views import CloseReason, Lease
from manifests.digest import revision
from manifests.ids import LeaseID
from manifests.manifest import ManifestGroup
from manifests.render.crd import StoredManifest
from manifests.render.site import ServicePlan
from provider.chain.messages import Msg
from provider.cluster.leasefacts import LeaseFacts
from provider.errors import Blame, NotFound, Refused, Retry
from provider.market.book import Book
from provider.market.leases import cleanup, vigil
from provider.market.leases.closing import Closing
from provider.market.leases.conditions import Condition, conditions
from provider.market.leases.patience import could_send_since, patient_until
from provider.market.leases.problem import Problem
from provider.mending import Mending
from provider.metrics import Sample
from provider.settings import LeaseSettings
from provider.tasks import WorkQueue, spawn, work

log = structlog.get_logger()
SHOWN_AFTER_S = 5.0
"""Mirrors show within this what the API server has accepted."""
LOOK_AGAIN_BLOCKS = 100
REFUSED_AGAIN_S = 60.0
"""What a quota or a webhook refuses is tried again after this: the operator may have changed it."""
GOING_AGAIN_S = 60.0
"""A namespace that goes tells of its end; should that be missed, it is looked at again after this."""


class Cluster(vigil.Cluster, cleanup.Cluster, Protocol):
    """What a lease needs of the cluster (provider.cluster.cluster.Cluster)."""

    def leases(self) -> Mapping[LeaseID, StoredManifest]: ...
    def namespaces(self) -> set[LeaseID]: ...
    def traces(self) -> set[LeaseID]: ...
    def amiss(self, lease: LeaseID) -> str: ...
    def outdated(self, lease: LeaseID) -> bool: ...
    def facts(self, lease: LeaseID) -> LeaseFacts: ...
    async def has_manifest(self, lease: LeaseID) -> bool: ...
    async def deploy(
        self, lease: LeaseID, group: ManifestGroup, plan: Mapping[str, ServicePlan], revision: str
    ) -> None: ...
    async def teardown(self, lease: LeaseID) -> bool: ...


class Leases:
    """Workers over lease keys. `look` is all that others call; `problems` says why a lease is not as its tenant
    asked."""

    def __init__(
        self,
        book: Book,
        room: Room,
        cluster: Cluster,
        send: Callable[[Msg], Awaitable[str]],
        lease_on_chain: Callable[[LeaseID], Awaitable[Lease]],
        settings: LeaseSettings,
        block_time_ms: Callable[[], int],
        wall_unix_s: Callable[[], float] = time.time,
    ) -> None:
        self.book, self.room, self.cluster = book, room, cluster
        self.settings = settings
        self.queue: WorkQueue[LeaseID] = WorkQueue(max_backoff_s=30)
        self.problems: dict[LeaseID, Problem] = {}
        self.closing = Closing(book, send)
        self.cleanup = cleanup.Cleanup(book, cluster)
        self.vigil = vigil.Vigil(book, cluster, settings.grace, self.problems, wall_unix_s)
        self._lease_on_chain, self._block_time_ms, self._wall_unix_s = lease_on_chain, block_time_ms, wall_unix_s
        self._applied: dict[LeaseID, StoredManifest] = {}
        self._applied_s: dict[LeaseID, float] = {}
        """the loop's time of that"""
        self._mending: Mending[LeaseID] = Mending()
        self._over: set[LeaseID] = set()
        """leases the chain has said are over, which the cluster still has something of"""
        self._unconfirmed: set[LeaseID] = set()
        """leases that are over as far as blocks tell, and stay because a node says otherwise or nothing"""
        self._waiting: dict[LeaseID, int] = {}
        """lease without a manifest -> height at which patience ends"""
        self.since_height = 0
        """up to here nobody could send a manifest (patience.py)"""

    def look(self, leases: Iterable[LeaseID]) -> None:
        for lease in leases:
            self.queue.put(lease)

    def deploy_again(self, leases: Iterable[LeaseID]) -> None:
        """Their tenant has sent a manifest, perhaps the same one: what was refused may be accepted now."""
        for lease in leases:
            if self.problems.pop(lease, None) is not None:
                self._applied.pop(lease, None)
            self.queue.put(lease)

    def look_at_all(self) -> None:
        """Every lease anybody knows of: at start, and now and then, whatever was missed."""
        self.look({*self.book.leases, *self.cluster.traces()})

    def tick(self, height: int) -> None:
        """Once a block: leases whose patience has run out, with their manifest or with their trouble."""
        self._hear(cluster_heard=self.cluster.fresh)
        self.look([lease for lease, until in self._waiting.items() if until <= height])
        self.look(self.vigil.tick())
        if height % LOOK_AGAIN_BLOCKS == 0:
            self.look_at_all()

    def gauges(self) -> Iterator[Sample]:
        yield from self.vigil.gauges()
        yield from self.cleanup.gauges()
        yield "akp_leases_over_unconfirmed", {}, len(self._unconfirmed)
        found = Counter((c.type, c.status) for lease in self.book.leases.values() for c in self.conditions(lease))
        for (kind, status), count in sorted(found.items()):
            yield "akp_lease_conditions", {"condition": kind, "status": status}, count

    def conditions(self, live: Lease) -> tuple[Condition, ...]:
        """Where it stands, with reasons; the gateway may tell its tenant."""
        return conditions(self.cluster.facts(live.id), self.problems.get(live.id))

    async def run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            spawn(tasks, "clean up", self.cleanup.run())
            spawn(tasks, "vigil", self.vigil.run())
            for n in range(self.settings.workers):
                spawn(tasks, f"leases-{n}", work(self.queue, self.handle, what="lease"))

    async def handle(self, lease: LeaseID) -> None:
        live = self.book.leases.get(lease)
        if live is None:
            await self._end(lease)
            return
        self._reserve(live)
        stored = self.cluster.leases().get(lease)
        if stored is None:
            await self._await_manifest(live)
        else:
            self._waiting.pop(lease, None)
            await self._deploy(lease, stored)
            await self._heed(live)

    async def _heed(self, live: Lease) -> None:
        """End a lease that has been unwell for too long (grace.py)."""
        self.vigil.look(live.id)
        verdict = self.vigil.verdict(live.id)
        if verdict is not None:
            log.warning("the lease is closed for its trouble", why=verdict.why, reason=verdict.reason.name)
            await self.closing.end(live, verdict.reason)
            self.vigil.closed(live.id)

    def _reserve(self, live: Lease) -> None:
        """A lease always has its room, also when it was won while we were away or no longer fits."""
        order, bid = self.book.orders.get(live.id.order), self.book.bids.get(live.id.order)
        if order is not None:
            promised = narrowed(order.spec, bid.offer) if bid is not None else order.spec
            self.room.adopt(live.id, promised, height=live.created_at)

    async def _await_manifest(self, live: Lease) -> None:
        if live.id in self.cluster.namespaces():
            # Somebody has deleted its Manifest. What runs goes on; only the tenant can say again what it should be.
            self._applied.pop(live.id, None)
            self.problems[live.id] = Problem("its manifest is no longer in the cluster; send it again", Blame.TENANT)
            log.error("a lease runs whose manifest is gone", cure="The tenant sends it again, or restore the Manifest.")
            return
        if not self.settings.manifest_timeout_s:
            return
        self._hear(cluster_heard=self.cluster.fresh)
        until = patient_until(
            live.created_at, self.since_height, self.settings.manifest_timeout_s, self._block_time_ms()
        )
        if self.book.height < until:
            self._waiting[live.id] = until
            return
        try:
            there = await self.cluster.has_manifest(live.id)
        except Retry:  # the mirrors may not know yet that the API server is away
            self._hear(cluster_heard=False)
            raise
        if there:
            raise Retry("its manifest is in the cluster and not read yet", after_s=REFUSED_AGAIN_S)
        log.warning("no manifest came, closing the lease", after_blocks=self.book.height - live.created_at)
        await self.closing.end(live, CloseReason.MANIFEST_TIMEOUT)
        self._waiting[live.id] = self.book.height + 20  # should the closing get lost, try again

    def _hear(self, *, cluster_heard: bool) -> None:
        self.since_height = could_send_since(
            self.since_height,
            self.book.height,
            block_age_s=self._wall_unix_s() - self.book.time_unix_ns / 1e9,
            cluster_heard=cluster_heard,
            block_time_ms=self._block_time_ms(),
        )

    async def _deploy(self, lease: LeaseID, stored: StoredManifest) -> None:
        same = self._applied.get(lease) == stored
        mends = same and not self.cluster.outdated(lease)
        if (same and lease in self.problems) or (mends and self._stands(lease)):
            return
        label = revision(stored.group)
        try:
            await self.cluster.deploy(lease, stored.group, stored.plan, label)
        except Refused as no:
            self.problems[lease] = Problem.of(no)
            if not self.problems[lease].final:
                raise Retry(str(no), after_s=REFUSED_AGAIN_S) from no
            # The API server will not have it (a mount it dislikes, say): the same manifest would fail for ever.
            self._applied[lease] = stored
            log.error("the cluster refused the manifest", why=str(no))
            return
        self.problems.pop(lease, None)
        self._applied[lease] = stored
        self._applied_s[lease] = asyncio.get_running_loop().time()
        if mends:
            self._mending.mended(lease, self._applied_s[lease])
        log.info("deployed", services=len(stored.group.services), revision=label)

    def _stands(self, lease: LeaseID) -> bool:
        """Whether what was applied is still there as it was, or is to be left so for now. Mirrors need a moment to show
        it, and what they cannot show when they are behind is not missing."""
        amiss = self.cluster.amiss(lease)
        if not amiss:
            return True
        now_s = asyncio.get_running_loop().time()
        if not self.cluster.fresh or now_s - self._applied_s.get(lease, 0.0) < SHOWN_AFTER_S:
            self.queue.put_after(lease, SHOWN_AFTER_S)
            return True
        if (wait_s := self._mending.wait_s(lease, now_s)) is not None:
            if wait_s:
                times = self._mending.times(lease)
                log.warning("changed again after it was deployed again", what=amiss, times=times, again_in_s=wait_s)
                self.queue.put_after(lease, wait_s)
            return True
        log.warning("somebody has deleted or changed what was deployed; it is deployed again", what=amiss)
        return False

    async def _end(self, lease: LeaseID) -> None:
        if lease.provider != self.book.us.owner:
            return  # another provider, or a sandbox, works on this cluster too
        if lease not in self._over:
            self._unconfirmed.add(lease)
            over = await self._is_over(lease)
            self._unconfirmed.discard(lease)
            if not over:
                return
        self._waiting.pop(lease, None)
        self._applied.pop(lease, None)
        self._applied_s.pop(lease, None)
        self._mending.forget(lease)
        self.problems.pop(lease, None)
        if lease in self.cluster.traces():
            self._over.add(lease)
            if not await self.cluster.teardown(lease):
                self.queue.put_after(lease, GOING_AGAIN_S)
                return
            log.info("torn down")
        self._over.discard(lease)
        self.room.release(lease.order)

    async def _is_over(self, lease: LeaseID) -> bool:
        """The chain's own word; Retry when it says the opposite of the book. Being over is for ever."""
        try:
            found = await self._lease_on_chain(lease)
        except NotFound:
            # Chains keep leases that are over. One that is unknown was made on another chain, where it may live.
            log.error("the cluster has a lease this chain does not know; it is left alone")
            return False
        if found.live:
            raise Retry("the chain still shows this lease as live; the book is behind")
        return True
