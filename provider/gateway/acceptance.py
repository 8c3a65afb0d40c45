"""Whether a tenant's manifest is accepted (gateway-auth.md §5.2): checked by itself, against the chain and against what
can be had here, and stored.

Accepted is one only once it is stored in the cluster: the tenant's 200 means that a restart will not lose it. What is
stored is deployed, so nothing of a manifest is stored before all of it could be.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Protocol

import structlog

from bidengine.needs import Volumes, leased_ips, volumes
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
from manifests.tee import check_no_tee
from manifests.wire import parse_manifest
from provider.errors import NotFound, Refused, Retry
from provider.gateway.desk import Answer
from provider.market.book import Book
from provider.market.leases.leases import Leases

log = structlog.get_logger()


class Chain(Protocol):
    async def deployment(self, deployment: DeploymentID) -> Deployment: ...


class Reach(Protocol):
    def objection(self, lease: LeaseID, group: ManifestGroup) -> str | None: ...


class Cluster(Protocol):
    @property
    def reach(self) -> Reach: ...
    def leases(self) -> Mapping[LeaseID, StoredManifest]: ...
    async def volumes_objection(self, lease: LeaseID, group: ManifestGroup, bought: Volumes) -> str | None: ...
    async def store_manifest(
        self, lease: LeaseID, group: ManifestGroup, plan: Mapping[str, ServicePlan], *, dry_run: bool = False
    ) -> None: ...


class Acceptance:
    def __init__(
        self,
        book: Book,
        room: Room,
        leases: Leases,
        cluster: Cluster,
        chain: Callable[[], Chain],
        images: Callable[[], ImagePolicy],
    ) -> None:
        self.book, self.room, self.leases, self.cluster = book, room, leases, cluster
        self._chain, self._images = chain, images

    async def accept(self, deployment: DeploymentID, body: bytes) -> None:
        """Answer says why not."""
        ours = sorted(lease for lease in self.book.leases if lease.deployment == deployment)
        if not ours:
            raise Answer(404, "no lease for deployment")
        manifest = _checked(body)
        on_chain = await self._agreed(deployment, manifest)
        specs = {group.id.gseq: group.spec.name for group in on_chain.groups}
        here = {specs.get(lease.gseq, "") for lease in ours}
        try:
            check_no_tee(manifest, here)
            check_images(manifest, self._images(), here)
        except ManifestInvalid as no:
            raise Answer(422, f"manifest rejected: {no}") from None
        groups = {lease: self._group(lease, specs.get(lease.gseq, ""), manifest) for lease in ours}
        for lease, group in groups.items():
            self._check_outside(lease, group, on_chain)
            await self._check_volumes(lease, group, on_chain)
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
        with _answered():
            await self.cluster.store_manifest(lease, group, self._plan(lease, group), dry_run=dry_run)

    async def _check_volumes(self, lease: LeaseID, group: ManifestGroup, on_chain: Deployment) -> None:
        """Claims outlive the service that made them: no more than were paid for, whatever services are called."""
        bought = next((volumes(g.spec) for g in on_chain.groups if g.id.gseq == lease.gseq), Volumes())
        with _answered():
            no = await self.cluster.volumes_objection(lease, group, bought)
        if no is not None:
            raise Answer(422, f"manifest rejected: {no}")

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


@contextmanager
def _answered() -> Iterator[None]:
    """The cluster's errors as the tenant's answers."""
    try:
        yield
    except Refused as no:
        raise Answer(422, f"manifest rejected: {no}") from None
    except Retry as trouble:
        raise Answer(503, f"the cluster cannot take it now: {trouble}") from None


def _checked(body: bytes) -> Manifest:
    try:
        manifest = parse_manifest(body)
        check_manifest(manifest)
    except ManifestInvalid as bad:
        raise Answer(422, _prefixed("invalid manifest: ", str(bad))) from None
    return manifest


def _prefixed(prefix: str, text: str) -> str:
    return text if text.startswith(prefix) else prefix + text
