"""What is done to leases on the cluster: a manifest stored, what it renders to applied, and all of it taken away.

Nothing here answers with what was achieved: what became of a deployment shows in the mirrors. What this process has
deployed it remembers, to know whether somebody has changed it, or whether it would be rendered otherwise by now.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import structlog

from manifests.errors import Invalid, PlanInvalid
from manifests.ids import LeaseID, lease_namespace
from manifests.manifest import ManifestGroup
from manifests.render import check_admissible, render
from manifests.render.crd import manifest_object
from manifests.render.names import RESTRICTIONS
from manifests.render.network import network_policies, without_api_servers
from manifests.render.site import Plan, Site
from provider.cluster.api.kinds import MANIFEST, NAMESPACE, NETWORK_POLICY, Kind, kind_of
from provider.cluster.api.kube import Kube
from provider.cluster.api.marks import ABSENT
from provider.cluster.apiservers import Address, ApiServers
from provider.cluster.mirrors import Mirrors
from provider.cluster.objects import retained
from provider.cluster.objects.adopt import as_found
from provider.cluster.objects.apply import apply_all
from provider.cluster.objects.placed import Placed
from provider.cluster.objects.preview import Change, preview
from provider.cluster.objects.rehearse import rehearse
from provider.cluster.objects.restart import restart
from provider.cluster.objects.templates import Templates
from provider.cluster.objects.volumeclasses import keep_classes
from provider.cluster.reach import Reach
from provider.cluster.routes.doors import Door, apart
from provider.errors import Blame, Conflict, NotFound, Refused
from provider.settings import ClusterSettings

log = structlog.get_logger()
SHIELDS = (NAMESPACE, NETWORK_POLICY)
"""What keeps a lease apart from others."""


class Deploying:
    """Raises Retry (later), Refused (the API server's own words, or why it could never be deployed) or nothing."""

    def __init__(
        self,
        kube: Kube,
        mirrors: Mirrors,
        reach: Reach,
        settings: ClusterSettings,
        site: Callable[[], Site],
        api_servers: ApiServers,
    ) -> None:
        self._kube, self._mirrors, self._reach = kube, mirrors, reach
        self._settings, self._site, self._api_servers = settings, site, api_servers
        self._made: dict[LeaseID, Mapping[tuple[Kind, str], int]] = {}
        """object -> its mark (marks.py), of what this process has deployed"""
        self._deployed: dict[LeaseID, ManifestGroup] = {}
        """what this process has deployed whole"""
        self._named: dict[LeaseID, tuple[Address, ...]] = {}
        """the API servers that its policies know of"""
        self._placed, self._templates = Placed(kube, mirrors.labelled), Templates()

    async def store_manifest(self, lease: LeaseID, group: ManifestGroup, plan: Plan, *, dry_run: bool = False) -> None:
        """Once this returns, a restart will not lose it. Refused for what could never be deployed, or what the API
        server will not have; a `dry_run` says the same, and nothing is stored."""
        try:
            check_admissible(group)
        except Invalid as bad:
            raise Refused(str(bad), blame=Blame.TENANT) from bad
        await self._kube.apply(manifest_object(lease, group, plan, self._site()), dry_run=dry_run)

    async def has_manifest(self, lease: LeaseID) -> bool:
        """As of now: for what is concluded from there being none, however little the mirrors are behind."""
        try:
            await self._kube.get(MANIFEST, self._settings.manifest_namespace, lease_namespace(lease))
        except NotFound:
            return False
        return True

    async def deploy(
        self, lease: LeaseID, group: ManifestGroup, plan: Plan, revision: str, *, update: bool = False
    ) -> None:
        """Make the lease's namespace be as the manifest says: apply what it renders to, delete what is left over. How
        it is reached from outside comes last: what cannot be yet (`reach.waiting`) does not hold up the rest. An
        `update` that would be refused changes nothing but what shields the lease, and that only where this process
        does not know what was accepted before."""
        named = self._api_servers.now
        objects = await self._wanted(lease, group, plan, revision, dry_run=update)
        inside, doors = apart(objects)
        if update:
            await self._rehearse(lease, inside)
            objects = await self._wanted(lease, group, plan, revision)
            inside, doors = apart(objects)
        await self._placed.expect(lease_namespace(lease), objects)
        try:
            await self._shield(lease, inside)
            rest = [obj for obj in inside if kind_of(obj) not in SHIELDS]
            made = await apply_all(self._kube, rest, self._mirrors.standing(lease_namespace(lease)), self._templates)
        except Refused:
            await self._keep_reached(lease, self._reach.standing(lease) if update else doors)
            raise
        self._made[lease] = {**self._shields(lease), **made}
        self._deployed[lease], self._named[lease] = group, named
        if shut := without_api_servers(group, self._site()):
            log.warning("services may ask the API server and no policy lets them: its addresses are not known",
                        lease=str(lease), services=shut, cure="Set cluster.api_servers.")  # fmt: skip
        self._reach.routing.want(lease, doors)  # or what is pruned now would be put back
        pruned = await self._placed.prune(lease_namespace(lease), objects)
        if pruned:
            log.info("left over and deleted", lease=str(lease), objects=pruned)
        await self._reach.settle(lease)

    async def shield(self, lease: LeaseID, group: ManifestGroup, plan: Plan, revision: str) -> None:
        """Make only the namespace and its policies be as the manifest says."""
        await self._shield(lease, await self._wanted(lease, group, plan, revision, dry_run=True))

    async def preview(self, lease: LeaseID, group: ManifestGroup, plan: Plan, revision: str) -> list[Change]:
        """What `deploy` would change of the objects of a lease; nothing is written."""
        objects = await self._wanted(lease, group, plan, revision, dry_run=True)
        return await preview(self._kube, lease_namespace(lease), objects)

    async def restart(self, lease: LeaseID, service: str, when: str) -> None:
        """Have the pods of a service replaced, as with a new image. NotFound when it is not deployed."""
        standing = self._mirrors.standing(lease_namespace(lease)).items()
        found = [(kind, facts) for (kind, _), facts in standing if facts.service == service]
        if not found:
            raise NotFound(f"lease {lease} has no service {service} that is deployed")
        for kind, facts in found:
            await restart(self._kube, kind, facts.namespace, facts.name, when)

    async def teardown(self, lease: LeaseID) -> bool:
        """Have all the cluster has of a lease deleted: True when nothing is left. False while its namespace is going,
        whose end the mirrors tell; nobody waits for it here. The Manifest goes last: it is what a restart in between
        finds the rest by."""
        name, namespace = lease_namespace(lease), self._settings.manifest_namespace
        await self._reach.routing.forget(lease)
        self._made.pop(lease, None)
        self._deployed.pop(lease, None)
        self._named.pop(lease, None)
        self._placed.forget(name)
        self._templates.forget(name)
        there = self._mirrors.namespaces.get("", name)
        if there is not None and there.going:
            return False
        if self._settings.retain_volumes_h:
            until = int(time.time()) + self._settings.retain_volumes_h * 3600
            kept = await retained.keep(self._kube, lease, until)
            if kept:
                log.info("volumes are kept after their lease", lease=str(lease), volumes=kept, until_unix_s=until)
        await self._reach.end(lease)
        try:
            if await self._kube.delete(NAMESPACE, None, name):
                return False
        except Conflict:  # it goes already, which the mirrors have not shown yet
            return False
        await self._kube.delete(MANIFEST, namespace, name)
        return True

    def amiss(self, lease: LeaseID) -> str:
        """What is not as it was deployed, "" when all is: what shields it, a workload for each service; and, where this
        process has deployed, each object as it was made and none besides that is labelled as rendered."""
        stored, namespace = self._mirrors.stored.get(lease), lease_namespace(lease)
        if stored is None:
            return "no manifest"
        if open_ := self.unshielded(lease):
            return open_
        group = self._deployed.get(lease, stored.group)
        standing = {facts.service for facts in self._mirrors.standing(namespace).values()}
        if missing := sorted({service.name for service in group.services} - standing):
            return f"no workload of {', '.join(missing)}"
        if changed := self._changed(lease, self._made.get(lease, {})):
            return changed
        if lease in self._deployed and (strays := self._placed.strays(namespace)):
            return f"{strays[0][0]}/{strays[0][1]} was added"
        return ""

    def is_update(self, lease: LeaseID, revision: str) -> bool:
        """Whether workloads stand that the daemon has made for another manifest."""
        standing = self._mirrors.standing(lease_namespace(lease)).values()
        return any(facts.ours and facts.manifest != revision for facts in standing)

    def deployed(self, lease: LeaseID) -> ManifestGroup | None:
        """What this process has deployed whole."""
        return self._deployed.get(lease)

    def unshielded(self, lease: LeaseID) -> str:
        """What keeps its namespace apart from others and is not as it was made, "" when all is."""
        namespace = lease_namespace(lease)
        if self._mirrors.namespaces.get("", namespace) is None:
            return "no namespace"
        if self._settings.network_policies and self._mirrors.policies.get(namespace, RESTRICTIONS) is None:
            return f"no {NETWORK_POLICY}/{RESTRICTIONS}"
        if changed := self._changed(lease, self._shields(lease)):
            return changed
        strays = self._placed.strays(namespace) if lease in self._deployed else []
        return next((f"{kind}/{name} was added" for kind, name in strays if kind in SHIELDS), "")

    def outdated(self, lease: LeaseID) -> bool:
        """Whether what this process has deployed would be rendered otherwise by now: with other API servers in its
        policies. All else that is rendered from comes with a new manifest or a new process."""
        before, stored = self._named.get(lease), self._mirrors.stored.get(lease)
        if self._settings.api_servers or stored is None or before in (None, self._api_servers.now):
            return False
        site, group = self._site(), self._deployed.get(lease, stored.group)
        then = replace(site, api_servers=before)
        return network_policies(lease, group, then, "") != network_policies(lease, group, site, "")

    async def _shield(self, lease: LeaseID, objects: Sequence[Mapping[str, Any]]) -> None:
        made = await apply_all(self._kube, [obj for obj in objects if kind_of(obj) in SHIELDS])
        others = {one: was for one, was in self._made.get(lease, {}).items() if one[0] not in SHIELDS}
        self._made[lease] = {**others, **made}

    def _shields(self, lease: LeaseID) -> dict[tuple[Kind, str], int]:
        return {one: was for one, was in self._made.get(lease, {}).items() if one[0] in SHIELDS}

    def _changed(self, lease: LeaseID, made: Mapping[tuple[Kind, str], int]) -> str:
        for (kind, name), was in made.items():
            if (now := self._mirrors.mark(kind, lease_namespace(lease), name)) != was:
                return f"{kind}/{name} was {'deleted' if now == ABSENT else 'changed'}"
        return ""

    async def _rehearse(self, lease: LeaseID, inside: Sequence[Mapping[str, Any]]) -> None:
        try:
            if lease not in self._deployed:
                await self._shield(lease, inside)
            await rehearse(self._kube, [obj for obj in inside if kind_of(obj) not in SHIELDS])
        except Refused:
            await self._keep_reached(lease, self._reach.standing(lease))
            raise

    async def _keep_reached(self, lease: LeaseID, doors: Sequence[Door]) -> None:
        """A part of it was refused. What of it stands is reached all the same, and why it is not is
        told, also by a process that has never deployed it."""
        if lease not in self._deployed and self._mirrors.standing(lease_namespace(lease)):
            self._reach.routing.want(lease, doors)
            await self._reach.settle(lease)

    async def _wanted(
        self, lease: LeaseID, group: ManifestGroup, plan: Plan, revision: str, *, dry_run: bool = False
    ) -> list[Mapping[str, Any]]:
        """The lease's objects, with what was taken over as it is."""
        site = self._site()
        try:
            rendered = render(lease, group, plan, site, revision)
        except PlanInvalid as ours:
            raise Refused(str(ours), blame=Blame.OPERATOR) from ours
        except Invalid as bad:
            raise Refused(str(bad), blame=Blame.TENANT) from bad
        manifest = (site.manifest_namespace, lease_namespace(lease))
        standing = self._mirrors.standing(lease_namespace(lease))
        found = await as_found(self._kube, rendered, standing, manifest, revision, dry_run=dry_run)
        return keep_classes(found, standing)
