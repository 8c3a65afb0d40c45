"""The cluster as the rest of the daemon sees it: what it has, what leases run on it, and the few things done to it.

Reading never asks the API server; it reads the mirrors. Doing never answers with what was achieved: what became of a
deployment shows in the mirrors, and the lease is told to be looked at again (design.md §4).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any, Self

import structlog

from bidengine.needs import Volumes
from bidengine.node import Inventory
from manifests.ids import LeaseID, lease_namespace
from manifests.manifest import ManifestGroup
from manifests.render.crd import StoredManifest
from manifests.render.site import Plan, Site
from provider.cluster.api.kinds import POD
from provider.cluster.api.kube import Kube
from provider.cluster.apiservers import ApiServers
from provider.cluster.changes import Changes
from provider.cluster.deploying import Deploying
from provider.cluster.health.causes import Cause
from provider.cluster.health.litter import Litter, Stuck, litter, stuck
from provider.cluster.health.status import Route, lease_status
from provider.cluster.health.workloads import ServiceHealth, health
from provider.cluster.inventory.capabilities import Capabilities
from provider.cluster.inventory.pods import PodFacts
from provider.cluster.inventory.survey import NodeReport
from provider.cluster.inventory.volumes import actual_names
from provider.cluster.leasefacts import LeaseFacts, lease_facts
from provider.cluster.marking import Marking
from provider.cluster.mirrors import Mirrors
from provider.cluster.objects import claimed, definitions, retained
from provider.cluster.objects.preview import Change
from provider.cluster.reach import Outside, Reach
from provider.cluster.site import site_of
from provider.cluster.supply import Supply
from provider.settings import ClusterSettings
from provider.tasks import insist, spawn

log = structlog.get_logger()
DEFINITIONS_S = 30.0
"""how long it is asked at start whether the definitions of custom resources have all fields"""
Listener = Callable[[LeaseID | None], None]


class Cluster:
    """Made by `watch`. Everything that returns at once reads the mirrors; everything awaited speaks with the API
    server and raises Retry (later), Refused (the API server's own words) or nothing."""

    def __init__(self, kube: Kube, settings: ClusterSettings, outside: Outside | None = None) -> None:
        self.kube, self.settings = kube, settings
        self._listeners: list[Listener] = []
        self._mirrors = Mirrors(
            kube, settings.manifest_namespace, settings.tolerations, retains=settings.retain_volumes_h > 0
        )
        self._supply = Supply(self._mirrors, settings, self._inventory_moved, lambda: self._marking.look())
        self._marking = Marking(kube, self._mirrors, self._supply)
        self._api_servers = ApiServers(self._mirrors.endpoints.all, self._api_servers_changed)
        self.reach = Reach(kube, self._mirrors, settings, self._site, outside)
        self._deploying = Deploying(kube, self._mirrors, self.reach, settings, self._site, self._api_servers)
        self._changes = Changes(
            self._mirrors, lease=self._lease_changed, inventory=self._supply.changed, nodes=self._supply.nodes_changed,
            claim=self.reach.routing.look, api_servers=self._api_servers.look,
        )  # fmt: skip

    @classmethod
    async def watch(
        cls,
        kube: Kube,
        settings: ClusterSettings,
        tasks: asyncio.TaskGroup,
        *,
        mark: bool = True,
        outside: Outside | None = None,
    ) -> Self:
        """Start mirroring in `tasks` and return when every mirror has listed. ConfigError, through the group, when the
        cluster lacks something the daemon cannot do without. Without `mark` nothing is written."""
        out = cls(kube, settings, outside)
        out._changes.start(tasks)
        await out._mirrors.listed()
        if mark:
            await out._look_at_definitions()
            out._tell_of_kept()
            spawn(tasks, "mark nodes", out._marking.run())
            out.reach.start(tasks)
        spawn(tasks, "list of GPUs", out._supply.run())
        return out

    async def outdated_definitions(self) -> list[definitions.Old]:
        """Custom resource definitions that lack fields the daemon writes."""
        return await definitions.outdated(self.kube, self.settings.manifest_namespace)

    async def _look_at_definitions(self) -> None:
        """ConfigError where no lease could be had. It holds nothing up: a webhook that is down would refuse for ever
        what is asked here, while all that runs wants to be looked after."""
        try:
            async with asyncio.timeout(DEFINITIONS_S):
                found = await insist("definitions of custom resources", self.outdated_definitions)
        except TimeoutError:
            log.warning("it could not be looked at whether the custom resource definitions have all fields",
                        waited_s=DEFINITIONS_S, cure="See akp migrate from-go --check.")  # fmt: skip
            return
        for old in found:
            if old.needed:
                raise old.error
            log.warning("manifests that have these fields will be refused", definition=old.error.where,
                        why=old.error.what, cure=old.error.cure)  # fmt: skip

    def on_change(self, listener: Listener) -> None:
        """`listener(lease)`: something of it changed, look. `listener(None)`: the inventory moved."""
        self._listeners.append(listener)

    def _tell_of_kept(self) -> None:
        names = sorted(volume.name for volume in self._supply.retained())
        if names and not self.settings.retain_volumes_h:
            log.warning("volumes are still kept, though cluster.retain_volumes_h is off: each until its time is over",
                        volumes=names, cure="See akp volumes list; akp volumes delete for now.")  # fmt: skip

    @property
    def fresh(self) -> bool:
        """False while any mirror may be behind: then nothing may be concluded from what is missing."""
        return self._mirrors.fresh

    @property
    def stale_s(self) -> float:
        return self._mirrors.stale_s

    # --- what there is to sell (supply.py)

    @property
    def inventory_version(self) -> int:
        return self._supply.version

    def inventory(self) -> Inventory:
        """Made anew only when `inventory_version` has moved."""
        return self._supply.inventory()

    def nodes(self) -> list[NodeReport]:
        return self._supply.nodes()

    @property
    def nodes_out(self) -> int:
        return self._supply.nodes_out

    def capabilities(self) -> Capabilities:
        return self._supply.capabilities()

    def runtimes_lacking(self) -> dict[str, str]:
        return self._supply.runtimes_lacking()

    def leased_addresses(self) -> dict[str, int]:
        """How many addresses there are to lease, how many leases have, what is left: total, used, free."""
        return self.reach.addresses(self._supply.addresses())

    # --- what there is of leases, and how it fares

    def leases(self) -> Mapping[LeaseID, StoredManifest]:
        """The manifests stored in the cluster."""
        return self._mirrors.stored

    def namespaces(self) -> set[LeaseID]:
        """Leases that have a namespace, those that are going away included."""
        return set(self._mirrors.leases.values())

    def traces(self) -> set[LeaseID]:
        """Leases that the cluster has anything of, be it one resource that was forgotten."""
        return self._mirrors.traces()

    def pods(self, lease: LeaseID, service: str = "") -> list[PodFacts]:
        found = self._mirrors.pods.within(lease_namespace(lease)).values()
        return [pod for pod in found if pod.service and service in ("", pod.service)]

    def health(self, lease: LeaseID) -> dict[str, ServiceHealth]:
        """Service -> health, of every service of the stored manifest and whatever else runs. Mind `fresh` before
        judging."""
        standing = self._mirrors.standing(lease_namespace(lease)).values()
        found = health(standing, self.pods(lease), self._heard, self._lacks_runtime)
        stored = self._mirrors.stored.get(lease)
        for service in stored.group.services if stored else ():
            found.setdefault(
                service.name, ServiceHealth(0, service.count, "not deployed yet", Cause.STARTING, stands=False)
            )
        return found

    def facts(self, lease: LeaseID) -> LeaseFacts:
        """All that its conditions are judged by (provider.market.leases.conditions)."""
        return lease_facts(
            self._mirrors, lease, self._site(), self.health(lease),
            unseen_s=self.stale_s, waiting=self.reach.waiting(lease), now_unix_s=int(time.time()),
            deployed=self._deploying.deployed(lease),
        )  # fmt: skip

    def lease_status(self, lease: LeaseID) -> dict[str, Any] | None:
        """For the gateway, see status.py; None when nothing of the lease is deployed."""
        mirrors, namespace = self._mirrors, lease_namespace(lease)
        workloads = mirrors.standing(namespace).values()
        if not workloads:
            return None
        routes = [Route(claim.host, claim.service) for claim in mirrors.hosts.all() if claim.lease == lease]
        routes += mirrors.hosts_within(namespace)
        services = mirrors.services.within(namespace).values()
        return lease_status(workloads, services, routes, self.settings.public_hostname)

    def litter(self, lease: LeaseID, now_unix_s: int) -> list[Litter]:
        """Pods of the lease that nobody needs any more."""
        sets = self._mirrors.stateful_sets.within(lease_namespace(lease)).values()
        return litter(self.pods(lease), sets, now_unix_s)

    def stuck(self, now_unix_s: int) -> list[Stuck]:
        """Namespaces and pods of leases that were to be gone and are not."""
        spaces = self._mirrors.namespaces.all()
        pods = (pod for space in spaces if not space.going for pod in self.pods(space.lease))
        return stuck(spaces, pods, now_unix_s)

    def expired(self, now_unix_s: int) -> list[str]:
        """Volumes whose time after their lease is over; one whose time nobody can read is kept."""
        kept = self._supply.retained()
        return [volume.name for volume in kept if volume.released and 0 < volume.until_unix_s <= now_unix_s]

    async def discard(self, found: Litter) -> None:
        await self.kube.delete(POD, found.namespace, found.pod)

    async def discard_volume(self, name: str) -> None:
        await retained.delete(self.kube, name)

    # --- what is done to leases (deploying.py)

    def amiss(self, lease: LeaseID) -> str:
        return self._deploying.amiss(lease)

    def outdated(self, lease: LeaseID) -> bool:
        return self._deploying.outdated(lease)

    def is_update(self, lease: LeaseID, revision: str) -> bool:
        return self._deploying.is_update(lease, revision)

    async def has_manifest(self, lease: LeaseID) -> bool:
        return await self._deploying.has_manifest(lease)

    async def volumes_objection(self, lease: LeaseID, group: ManifestGroup, bought: Volumes) -> str | None:
        """Why the lease may not have this manifest for its volumes, given what was bought; None when it may."""
        return await claimed.objection(self.kube, self.settings.manifest_namespace, lease, group, bought)

    async def store_manifest(self, lease: LeaseID, group: ManifestGroup, plan: Plan, *, dry_run: bool = False) -> None:
        await self._deploying.store_manifest(lease, group, plan, dry_run=dry_run)

    def unshielded(self, lease: LeaseID) -> str:
        return self._deploying.unshielded(lease)

    async def deploy(
        self, lease: LeaseID, group: ManifestGroup, plan: Plan, revision: str, *, update: bool = False
    ) -> None:
        await self._deploying.deploy(lease, group, plan, revision, update=update)

    async def shield(self, lease: LeaseID, group: ManifestGroup, plan: Plan, revision: str) -> None:
        await self._deploying.shield(lease, group, plan, revision)

    async def preview(self, lease: LeaseID, group: ManifestGroup, plan: Plan, revision: str) -> list[Change]:
        return await self._deploying.preview(lease, group, plan, revision)

    async def restart(self, lease: LeaseID, service: str, when: str) -> None:
        await self._deploying.restart(lease, service, when)

    async def teardown(self, lease: LeaseID) -> bool:
        return await self._deploying.teardown(lease)

    # --- for the parts

    def _site(self) -> Site:
        classes = actual_names(self._supply.classes())
        return site_of(self.settings, api_servers=self._api_servers.now, storage_classes=classes)

    def _lacks_runtime(self, name: str) -> bool:
        return bool(name) and self._mirrors.runtime_classes.get("", name) is None

    def _heard(self, node: str) -> bool:
        found = self._mirrors.nodes.get("", node)
        return found is not None and found.ready

    def _lease_changed(self, lease: LeaseID) -> None:
        for listener in self._listeners:
            listener(lease)

    def _api_servers_changed(self) -> None:
        for lease in self._mirrors.stored:
            self._lease_changed(lease)

    def _inventory_moved(self) -> None:
        for listener in self._listeners:
            listener(None)
