"""The desk as it is: tenants' questions answered from the book, the cluster and the chain.

How a manifest is accepted is in acceptance.py; whether what it asked for runs is what the lease's status tells.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol

import structlog

from bidengine.room import Room
from manifests.ids import DeploymentID, LeaseID
from manifests.images import ImagePolicy
from manifests.wire import manifest_json
from provider.cluster.routes.waiting import Waiting
from provider.errors import NotFound, Retry
from provider.gateway import acceptance, migration
from provider.gateway.acceptance import Acceptance
from provider.gateway.desk import Allowed, Answer
from provider.gateway.provider_status import inventory_status, version
from provider.market.book import Book
from provider.market.leases.leases import Leases
from provider.metrics import Metrics

log = structlog.get_logger()


class Chain(acceptance.Chain, Protocol):
    """The questions asked at the latest height (provider.chain.query.Query)."""

    async def certificate(self, owner: str, serial: int) -> Any: ...
    async def account(self, address: str) -> Any: ...


class Reach(acceptance.Reach, migration.Reach, Protocol):
    """What tenants are told and may change about names and addresses (provider.cluster.reach.Reach)."""

    def waiting(self, lease: LeaseID) -> Sequence[Waiting]: ...


class Cluster(acceptance.Cluster, Protocol):
    @property
    def reach(self) -> Reach: ...
    def lease_status(self, lease: LeaseID) -> dict[str, Any] | None: ...


class Reception:
    """Implements provider.gateway.desk.Desk."""

    def __init__(
        self,
        book: Book,
        room: Room,
        leases: Leases,
        cluster: Cluster,
        chain: Callable[[], Chain],
        metrics: Metrics,
        *,
        public_hostname: str,
        kube_version: Mapping[str, Any],
        open_orders: Callable[[], int],
        reclamation_window_s: int = 0,
        images: Callable[[], ImagePolicy] = ImagePolicy,
    ) -> None:
        self.book, self.room, self.leases, self.cluster, self.metrics = book, room, leases, cluster, metrics
        self._chain, self._public_hostname = chain, public_hostname
        self._kube_version, self._open_orders = kube_version, open_orders
        self._reclamation_window_s = reclamation_window_s
        self._acceptance = Acceptance(book, room, leases, cluster, chain, images)

    @property
    def provider(self) -> str:
        return self.book.us.owner

    async def submit_manifest(self, owner: str, dseq: int, body: bytes) -> None:
        try:
            await self._acceptance.accept(DeploymentID(owner, dseq), body)
        except Answer as no:
            self.metrics.manifests.labels(answer=str(no.status)).inc()
            log.info("manifest refused", owner=owner, dseq=dseq, status=no.status, why=no.text)
            raise
        self.metrics.manifests.labels(answer="200").inc()

    def lease_status(self, lease: LeaseID) -> dict[str, Any]:
        if lease not in self.book.leases or lease not in self.cluster.leases():
            raise Answer(404, "lease not found")
        found = self.cluster.lease_status(lease)
        if found is None:
            found = {"services": {}, "forwarded_ports": None, "ips": None}
        errors = [problem.why] if (problem := self.leases.problems.get(lease)) else []
        errors += [waiting.text for waiting in self.cluster.reach.waiting(lease)]
        return {**found, "errors": errors} if errors else found

    def lease_manifest(self, lease: LeaseID) -> list[dict[str, Any]]:
        stored = self.cluster.leases().get(lease)
        if lease not in self.book.leases or stored is None:
            raise Answer(404, "lease not found")
        return manifest_json((stored.group,))

    async def migrate_hostnames(self, owner: str, dseq: int, gseq: int, names: Sequence[str], allowed: Allowed) -> None:
        lease = migration.destination(self.book.leases, owner, dseq, gseq)
        await migration.hostnames(self.cluster.reach, lease, names, allowed)
        log.info("host names migrated", lease=str(lease), names=list(names))

    async def migrate_endpoints(self, owner: str, dseq: int, gseq: int, names: Sequence[str], allowed: Allowed) -> None:
        lease = migration.destination(self.book.leases, owner, dseq, gseq)
        await migration.endpoints(self.cluster.reach, lease, names, allowed)
        log.info("endpoints migrated", lease=str(lease), names=list(names))

    def status(self) -> dict[str, Any]:
        return {
            "cluster": {
                "leases": len(self.book.leases),
                "inventory": inventory_status(self.room.free(), self.room.holds.values()),
            },
            "bidengine": {"orders": self._open_orders()},
            "manifest": {"deployments": len({lease.deployment for lease in self.cluster.leases()})},
            "cluster_public_hostname": self._public_hostname,
            "address": self.provider,
            # Nanoseconds, left out when none is offered (gateway-auth.md §5.1).
            **({"reclamation_window": self._reclamation_window_s * 10**9} if self._reclamation_window_s else {}),
        }

    def version(self) -> dict[str, Any]:
        return version(self._kube_version)

    async def certificate(self, owner: str, serial: int) -> bytes | None:
        found = await self._ask(self._chain().certificate(owner, serial))
        return None if found is None or found.state != "valid" else bytes(found.cert_pem)

    async def account_key(self, owner: str) -> bytes | None:
        found = await self._ask(self._chain().account(owner))
        return None if found is None else found.public_key

    async def _ask(self, question: Awaitable[Any]) -> Any:
        try:
            return await question
        except NotFound:
            return None
        except Retry as trouble:
            raise Answer(503, f"the chain cannot be asked now: {trouble}") from None
