"""The desk as it is: tenants' questions answered from the book, the cluster and the chain.

A manifest is accepted only once it is stored in the cluster: the tenant's 200 means that a restart will not lose it.
Whether it runs is what the lease's status tells.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from importlib.metadata import version as installed
from typing import Any, Protocol

import structlog

from bidengine.needs import leased_ips
from bidengine.plan import service_plans
from bidengine.room import Room
from bidengine.views import Deployment
from manifests.check import check_agreement, check_manifest
from manifests.digest import version
from manifests.errors import ManifestInvalid
from manifests.ids import DeploymentID, LeaseID
from manifests.images import ImagePolicy, check_images
from manifests.manifest import Manifest, ManifestGroup
from manifests.render.crd import StoredManifest
from manifests.render.leased_ip import leased_ports
from manifests.render.site import ServicePlan
from manifests.wire import manifest_json, parse_manifest
from provider.cluster.routes.waiting import Waiting
from provider.errors import NotFound, Refused, Retry
from provider.gateway import migration
from provider.gateway.desk import Allowed, Answer
from provider.market.book import Book
from provider.market.leases import Leases
from provider.metrics import Metrics

log = structlog.get_logger()


class Chain(Protocol):
    """The questions asked at the latest height (provider.chain.query.Query)."""

    async def deployment(self, deployment: DeploymentID) -> Deployment: ...
    async def certificate(self, owner: str, serial: int) -> Any: ...
    async def account(self, address: str) -> Any: ...


class Reach(migration.Reach, Protocol):
    """What tenants are told and may change about names and addresses (provider.cluster.reach.Reach)."""

    def objection(self, lease: LeaseID, group: ManifestGroup) -> str | None: ...
    def waiting(self, lease: LeaseID) -> Sequence[Waiting]: ...


class Cluster(Protocol):
    @property
    def reach(self) -> Reach: ...
    def leases(self) -> Mapping[LeaseID, StoredManifest]: ...
    def lease_status(self, lease: LeaseID) -> dict[str, Any] | None: ...
    async def store_manifest(
        self, lease: LeaseID, group: ManifestGroup, plan: Mapping[str, ServicePlan], *, dry_run: bool = False
    ) -> None: ...


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
        self._reclamation_window_s, self._images = reclamation_window_s, images

    @property
    def provider(self) -> str:
        return self.book.us.owner

    async def submit_manifest(self, owner: str, dseq: int, body: bytes) -> None:
        try:
            await self._submit(DeploymentID(owner, dseq), body)
        except Answer as no:
            self.metrics.manifests.labels(answer=str(no.status)).inc()
            log.info("manifest refused", owner=owner, dseq=dseq, status=no.status, why=no.text)
            raise
        self.metrics.manifests.labels(answer="200").inc()

    async def _submit(self, deployment: DeploymentID, body: bytes) -> None:
        ours = sorted(lease for lease in self.book.leases if lease.deployment == deployment)
        if not ours:
            raise Answer(404, "no lease for deployment")
        manifest = _checked(body)
        on_chain = await self._agreed(deployment, manifest)
        specs = {group.id.gseq: group.spec.name for group in on_chain.groups}
        try:
            check_images(manifest, self._images(), {specs.get(lease.gseq, "") for lease in ours})
        except ManifestInvalid as no:
            raise Answer(422, f"manifest rejected: {no}") from None
        groups = {lease: self._group(lease, specs.get(lease.gseq, ""), manifest) for lease in ours}
        for lease, group in groups.items():
            self._check_outside(lease, group, on_chain)
        # What is stored is deployed: nothing is before all of it could be.
        for dry_run in (True, False) if len(groups) > 1 else (False,):
            for lease, group in groups.items():
                await self._store(lease, group, dry_run=dry_run)
        for lease in ours:
            log.info("manifest accepted", lease=str(lease), hash=version(manifest).hex())
        self.leases.deploy_again(ours)

    def _group(self, lease: LeaseID, name: str, manifest: Manifest) -> ManifestGroup:
        group = next((g for g in manifest if g.name == name), None)
        if group is None:
            raise Answer(422, f"invalid manifest: unknown deployment group ('{name}')")
        return group

    async def _store(self, lease: LeaseID, group: ManifestGroup, *, dry_run: bool) -> None:
        try:
            await self.cluster.store_manifest(lease, group, self._plan(lease, group), dry_run=dry_run)
        except Refused as no:
            raise Answer(422, f"manifest rejected: {no}") from None
        except Retry as trouble:
            raise Answer(503, f"the cluster cannot take it now: {trouble}") from None

    def _check_outside(self, lease: LeaseID, group: ManifestGroup, on_chain: Deployment) -> None:
        """Host names that can be had, and no more addresses than were paid for: the chain counts ports on addresses
        (sdl-manifest.md §12.4), the pool does not."""
        if (no := self.cluster.reach.objection(lease, group)) is not None:
            raise Answer(409 if no.startswith("hostname not allowed") else 422, no)
        wanted = {port.endpoint for port in leased_ports(group)}
        paid = next((leased_ips(g.spec) for g in on_chain.groups if g.id.gseq == lease.gseq), 0)
        if len(wanted) > paid:
            named = ", ".join(sorted(wanted))[:200]
            raise Answer(422, f"manifest rejected: {len(wanted)} leased addresses ({named}), {paid} were ordered")

    async def _agreed(self, deployment: DeploymentID, manifest: Manifest) -> Deployment:
        """The deployment as the chain has it, once the manifest matches its hash and its groups."""
        known = self.book.deployments.get(deployment)
        if known is None or known.hash != version(manifest):
            # The tenant may have updated the hash a moment ago; the chain is asked before anybody is refused.
            try:
                known = await self._chain().deployment(deployment)
            except NotFound:
                raise Answer(404, "no lease for deployment") from None
            except Refused as odd:
                raise Answer(422, f"the deployment cannot be read: {odd}") from None
            except Retry as trouble:
                raise Answer(503, f"the chain cannot be asked now: {trouble}") from None
        if known.hash != version(manifest):
            raise Answer(422, "manifest version validation failed")
        try:
            check_agreement(manifest, [group.spec for group in known.groups])
        except ManifestInvalid as bad:
            raise Answer(422, _prefixed("manifest cross-validation error: ", str(bad))) from None
        return known

    def _plan(self, lease: LeaseID, group: ManifestGroup) -> dict[str, ServicePlan]:
        hold = self.room.holds.get(lease.order)
        if hold is None:
            return {}
        return service_plans(group, hold.placement, self.cluster.leases().get(lease), self.room.inventory.runtimes)

    def lease_status(self, lease: LeaseID) -> dict[str, Any]:
        if lease not in self.book.leases or lease not in self.cluster.leases():
            raise Answer(404, "lease not found")
        found = self.cluster.lease_status(lease)
        if found is None:
            found = {"services": {}, "forwarded_ports": None, "ips": None}
        errors = [problem] if (problem := self.leases.problems.get(lease)) else []
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
        free, holds = self.room.free(), self.room.holds.values()
        inventory: dict[str, Any] = {
            "available": {
                "nodes": [
                    {
                        "name": node.name,
                        "available": {
                            "cpu": node.cpu_milli,
                            "gpu": sum(node.gpus.values()),
                            "memory": node.memory_bytes,
                            "storage_ephemeral": node.ephemeral_bytes,
                        },
                    }
                    for node in free.nodes
                ],
                "storage": [{"class": c, "size": size} for c, size in sorted(free.storage_bytes.items())],
            }
        }
        for key, states in {"active": ("leased",), "pending": ("held", "bid")}.items():
            inventory[key] = [_held(hold) for hold in holds if hold.state in states]
        return {
            "cluster": {"leases": len(self.book.leases), "inventory": inventory},
            "bidengine": {"orders": self._open_orders()},
            "manifest": {"deployments": len({lease.deployment for lease in self.cluster.leases()})},
            "cluster_public_hostname": self._public_hostname,
            "address": self.provider,
            # Nanoseconds, left out when none is offered (gateway-auth.md §5.1).
            **({"reclamation_window": self._reclamation_window_s * 10**9} if self._reclamation_window_s else {}),
        }

    def version(self) -> dict[str, Any]:
        # Console hides the bids of providers without a cosmos_sdk_version ≥ 0.45.9 (gateway-auth.md §5.1); ours names
        # the version of the chain's interface we speak.
        akash = {
            "name": "akash-provider",
            "server_name": "akp",
            "version": f"v{installed('akash-provider')}",
            "cosmos_sdk_version": "v0.53.7",
        }
        return {"akash": akash, "kube": dict(self._kube_version)}

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


def _checked(body: bytes) -> Manifest:
    try:
        manifest = parse_manifest(body)
        check_manifest(manifest)
    except ManifestInvalid as bad:
        raise Answer(422, _prefixed("invalid manifest: ", str(bad))) from None
    return manifest


def _prefixed(prefix: str, text: str) -> str:
    return text if text.startswith(prefix) else prefix + text


def _held(hold: Any) -> dict[str, Any]:
    asks = [slot.ask for slot in hold.placement.slots]
    storage: dict[str, int] = {}
    for ask in asks:
        for c, size in ask.volumes:
            storage[c] = storage.get(c, 0) + size
    return {
        "cpu": sum(a.cpu_milli for a in asks),
        "gpu": sum(a.gpu_units for a in asks),
        "memory": sum(a.memory_bytes for a in asks),
        "storage_ephemeral": sum(a.ephemeral_bytes for a in asks),
        "storage": storage,
    }
