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
from manifests.ids import LeaseID
from manifests.render.crd import StoredManifest
from provider.chain.messages import Msg
from provider.cluster.leasefacts import LeaseFacts
from provider.errors import NotFound, Retry
from provider.market.book import Book
from provider.market.leases import cleanup, deployments, vigil
from provider.market.leases.closing import Closing
from provider.market.leases.conditions import Condition, conditions
from provider.market.leases.patience import could_send_since, patient_until
from provider.metrics import Sample
from provider.settings import LeaseSettings
from provider.tasks import WorkQueue, spawn, work

log = structlog.get_logger()
LOOK_AGAIN_BLOCKS = 100
UNREAD_AGAIN_S = 60.0
GOING_AGAIN_S = 60.0
"""A namespace that goes tells of its end; should that be missed, it is looked at again after this."""


class Cluster(vigil.Cluster, cleanup.Cluster, deployments.Cluster, Protocol):
    """What a lease needs of the cluster (provider.cluster.cluster.Cluster)."""

    def leases(self) -> Mapping[LeaseID, StoredManifest]: ...
    def namespaces(self) -> set[LeaseID]: ...
    def traces(self) -> set[LeaseID]: ...
    def facts(self, lease: LeaseID) -> LeaseFacts: ...
    async def has_manifest(self, lease: LeaseID) -> bool: ...
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
        self.deployments = deployments.Deployments(cluster, self.queue.put_after)
        self.problems = self.deployments.problems
        self.closing = Closing(book, send)
        self.cleanup = cleanup.Cleanup(book, cluster)
        self.vigil = vigil.Vigil(book, cluster, settings.grace, self.problems, wall_unix_s)
        self._lease_on_chain, self._block_time_ms, self._wall_unix_s = lease_on_chain, block_time_ms, wall_unix_s
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
            self.deployments.again(lease)
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
            await self.deployments.keep(lease, stored)
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
            self.deployments.lost(live.id)
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
            raise Retry("its manifest is in the cluster and not read yet", after_s=UNREAD_AGAIN_S)
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
        self.deployments.forget(lease)
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
