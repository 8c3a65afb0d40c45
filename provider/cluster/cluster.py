"""The cluster as the rest of the daemon sees it: what it has, what leases run on it, and the few things done to it.

Reading never asks the API server; it reads the mirrors. Doing never answers with what was achieved: what became of a
deployment shows in the mirrors, and the lease is told to be looked at again (design.md §4).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from typing import Any, Self

import structlog

from bidengine.node import Inventory
from bidengine.runtimes import Runtimes
from manifests.errors import Invalid
from manifests.ids import LeaseID, lease_namespace
from manifests.manifest import ManifestGroup
from manifests.render import check_renderable, render
from manifests.render.crd import StoredManifest, manifest_object
from manifests.render.names import RESTRICTIONS
from manifests.render.network import network_policies
from manifests.render.site import Plan, Site
from provider.cluster.api.kinds import DEPLOYMENT, MANIFEST, NAMESPACE, POD, STATEFUL_SET, Kind
from provider.cluster.api.kube import Kube
from provider.cluster.apiservers import Address, ApiServers
from provider.cluster.health.causes import Cause
from provider.cluster.health.litter import Litter, Stuck, litter, stuck
from provider.cluster.health.status import Route, lease_status
from provider.cluster.health.workloads import ServiceHealth, WorkloadFacts, health
from provider.cluster.inventory import gputable, labels, runtimeclasses
from provider.cluster.inventory.addresses import Addresses
from provider.cluster.inventory.attachable import by_node
from provider.cluster.inventory.capabilities import Capabilities, capabilities
from provider.cluster.inventory.capacities import Published
from provider.cluster.inventory.inventory import inventory
from provider.cluster.inventory.notices import Notices
from provider.cluster.inventory.pods import PodFacts
from provider.cluster.inventory.survey import NodeReport, survey
from provider.cluster.inventory.volumes import StorageClass, actual_names, declared, offered, unsold
from provider.cluster.leasefacts import LeaseFacts, lease_facts
from provider.cluster.mirrors import Mirrors
from provider.cluster.objects import retained
from provider.cluster.objects.adopt import as_found
from provider.cluster.objects.apply import apply_all
from provider.cluster.objects.placed import Placed
from provider.cluster.objects.preview import Change, preview
from provider.cluster.objects.restart import restart
from provider.cluster.objects.retained import Retained
from provider.cluster.reach import Reach
from provider.cluster.routes.doors import apart
from provider.cluster.site import site_of
from provider.errors import Conflict, NotFound, Refused, Retry
from provider.settings import ClusterSettings
from provider.tasks import spawn
from provider.watched import Watched

log = structlog.get_logger()

SETTLE_S = 0.5
"""Changes of the inventory are told together after this: a rollout moves dozens of pods at once."""
LIST_AGAIN_S = 30.0
"""The operator's file of GPU models is looked at this often."""
MARK_AGAIN_S = 60.0
"""A node whose labels could not be written is tried again after this."""

Listener = Callable[[LeaseID | None], None]


class Cluster:
    """Made by `watch`. Everything that returns at once reads the mirrors; everything awaited speaks with the API
    server and raises Retry (later), Refused (the API server's own words) or nothing."""

    def __init__(self, kube: Kube, settings: ClusterSettings) -> None:
        self.kube, self.settings = kube, settings
        self.inventory_version = 0
        self._declared = declared(settings.storage)
        self._mark = asyncio.Event()
        self._gpus = Watched(settings.gpus, gputable.read, "GPU table") if settings.gpus is not None else None
        self._reports: list[NodeReport] | None = None
        self._notices = Notices()
        self._mirrors = Mirrors(
            kube, settings.manifest_namespace, self._lease_changed, self._inventory_changed, self._nodes_changed,
            settings.tolerations, retains=settings.retain_volumes_h > 0,
            claim_changed=lambda key: self.reach.routing.look(key),
            api_servers_changed=lambda: self._api_servers.look(),
        )  # fmt: skip
        self._api_servers = ApiServers(self._mirrors.endpoints.all, self._api_servers_changed)
        self._named: dict[LeaseID, tuple[Address, ...]] = {}
        """the API servers that the policies of what this process has deployed know of"""
        self.reach = Reach(kube, self._mirrors, settings, self._site)
        self._made: dict[LeaseID, Mapping[tuple[Kind, str], int]] = {}
        """object -> generation, of what this process has deployed"""
        self._placed = Placed(kube, self._mirrors.labelled)
        self._inventory: tuple[int, Inventory] | None = None
        self._listeners: list[Listener] = []
        self._settling: asyncio.TimerHandle | None = None

    @classmethod
    async def watch(cls, kube: Kube, settings: ClusterSettings, tasks: asyncio.TaskGroup, *, mark: bool = True) -> Self:
        """Start mirroring in `tasks` and return when every mirror has listed. ConfigError, through the group, when the
        cluster lacks something the daemon cannot do without. Without `mark` nothing is written."""
        out = cls(kube, settings)
        out._mirrors.start(tasks)
        await out._mirrors.listed()
        if mark:
            spawn(tasks, "mark nodes", out._mark_nodes())
            out.reach.start(tasks)
        if settings.gpus is not None:
            spawn(tasks, "list of GPUs", out._follow_list())
        return out

    def on_change(self, listener: Listener) -> None:
        """`listener(lease)`: something of it changed, look. `listener(None)`: the inventory moved."""
        self._listeners.append(listener)

    @property
    def fresh(self) -> bool:
        """False while any mirror may be behind: then nothing may be concluded from what is missing."""
        return self._mirrors.fresh

    @property
    def stale_s(self) -> float:
        return self._mirrors.stale_s

    @property
    def api_servers(self) -> tuple[Address, ...]:
        """Address and port of each API server behind its Service, sorted."""
        return self._api_servers.now

    def inventory(self) -> Inventory:
        """Made anew only when `inventory_version` has moved."""
        if self._inventory is None or self._inventory[0] != self.inventory_version:
            mirrors, classes = self._mirrors, self._classes()
            made = inventory(
                nodes=mirrors.nodes.all(),
                pods=mirrors.pods.all(),
                leases=mirrors.leases,
                classes=classes,
                claims=[*mirrors.claims.all(), *(volume.claim for volume in self._retained() if not volume.bound)],
                published=Published(mirrors.capacities.all()),
                attachable=by_node(mirrors.csi_nodes.all()),
                declared_bytes=self._declared,
                table=self._gpu_table,
                services=[s for s in mirrors.foreign_services.all() if s.namespace not in mirrors.leases],
                node_ports=self.settings.node_ports,
                leased_ips=self._addresses(),
                runtimes=self._runtimes(),
            )
            self._inventory = (self.inventory_version, made)
            storage = unsold(classes, self.settings.storage_classes, made.storage_bytes)
            self._notices.look(self.nodes(), storage, self.runtimes_lacking(made))
        return self._inventory[1]

    def nodes(self) -> list[NodeReport]:
        """Every node of the cluster by name: whether it is sold, what its GPUs are, and why not."""
        if self._reports is None:
            nodes = sorted(self._mirrors.nodes.all(), key=lambda node: node.name)
            self._reports = [survey(node, self._gpu_table) for node in nodes]
        return self._reports

    def runtimes_lacking(self, inventory: Inventory | None = None) -> dict[str, str]:
        """RuntimeClass the cluster lacks -> what is not sold without it, with the cure."""
        inventory = inventory or self.inventory()
        return runtimeclasses.unsold(inventory.runtimes, inventory.nodes)

    @property
    def nodes_out(self) -> int:
        """Nodes that are not heard of or that the operator has cordoned: what runs there may come back."""
        return sum(not node.ready or node.unusable == "cordoned" for node in self._mirrors.nodes.all())

    def capabilities(self) -> Capabilities:
        """What the provider can say of itself, whatever is in use."""
        return capabilities(self._mirrors.nodes.all(), self._gpu_table, self.inventory().storage_bytes)

    def leases(self) -> Mapping[LeaseID, StoredManifest]:
        """The manifests stored in the cluster."""
        return self._mirrors.stored

    def namespaces(self) -> set[LeaseID]:
        """Leases that have a namespace, those that are going away included."""
        return set(self._mirrors.leases.values())

    def traces(self) -> set[LeaseID]:
        """Leases that the cluster has anything of, be it one resource that was forgotten."""
        return self._mirrors.traces()

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
        """Volumes whose time after their lease is over."""
        return [volume.name for volume in self._retained() if volume.released and volume.until_unix_s <= now_unix_s]

    async def discard_volume(self, name: str) -> None:
        await retained.delete(self.kube, name)

    def _retained(self) -> Collection[Retained]:
        return self._mirrors.retained.all() if self._mirrors.retained is not None else ()

    async def discard(self, found: Litter) -> None:
        await self.kube.delete(POD, found.namespace, found.pod)

    def stands(self, lease: LeaseID) -> bool:
        """Whether all is there that was deployed: the namespace, what isolates it, a workload for each service; and, of
        what this process has deployed, whether nobody has changed it."""
        stored, namespace = self._mirrors.stored.get(lease), lease_namespace(lease)
        if stored is None or self._mirrors.namespaces.get("", namespace) is None:
            return False
        if self.settings.network_policies and self._mirrors.policies.get(namespace, RESTRICTIONS) is None:
            return False
        if not {service.name for service in stored.group.services} <= {w.service for w in self._workloads(lease)}:
            return False
        made = self._made.get(lease, {}).items()
        return all(self._mirrors.generation(kind, namespace, name) in (None, was) for (kind, name), was in made)

    def outdated(self, lease: LeaseID) -> bool:
        """Whether what this process has deployed would be rendered otherwise by now: with other API servers in its
        policies. All else that is rendered from comes with a new manifest or a new process."""
        before, stored = self._named.get(lease), self._mirrors.stored.get(lease)
        if self.settings.api_servers or stored is None or before in (None, self.api_servers):
            return False
        site = self._site()
        then = replace(site, api_servers=before)
        return network_policies(lease, stored.group, then, "") != network_policies(lease, stored.group, site, "")

    def pods(self, lease: LeaseID, service: str = "") -> list[PodFacts]:
        found = self._mirrors.pods.within(lease_namespace(lease)).values()
        return [pod for pod in found if pod.service and service in ("", pod.service)]

    def health(self, lease: LeaseID) -> dict[str, ServiceHealth]:
        """Service -> health, of every service of the stored manifest and whatever else runs. Mind `fresh` before
        judging."""
        found = health(self._workloads(lease), self.pods(lease), self._heard, self._lacks_runtime)
        stored = self._mirrors.stored.get(lease)
        for service in stored.group.services if stored else ():
            found.setdefault(service.name, ServiceHealth(0, service.count, "not deployed yet", Cause.STARTING))
        return found

    def facts(self, lease: LeaseID) -> LeaseFacts:
        """All that its conditions are judged by (provider.market.conditions)."""
        return lease_facts(
            self._mirrors, lease, self._site(), self.health(lease),
            unseen_s=self.stale_s, waiting=self.reach.waiting(lease),
        )  # fmt: skip

    def _lacks_runtime(self, name: str) -> bool:
        return bool(name) and self._mirrors.runtime_classes.get("", name) is None

    def _heard(self, node: str) -> bool:
        found = self._mirrors.nodes.get("", node)
        return found is not None and found.ready

    def leased_addresses(self) -> dict[str, int]:
        """How many addresses there are to lease, how many leases have, what is left: total, used, free."""
        return self.reach.addresses(self._addresses())

    def lease_status(self, lease: LeaseID) -> dict[str, Any] | None:
        """For the gateway, see status.py; None when nothing of the lease is deployed."""
        workloads = self._workloads(lease)
        if not workloads:
            return None
        mirrors, namespace = self._mirrors, lease_namespace(lease)
        routes = [Route(claim.host, claim.service) for claim in mirrors.hosts.all() if claim.lease == lease]
        routes += mirrors.hosts_within(namespace)
        services = mirrors.services.within(namespace).values()
        return lease_status(workloads, services, routes, self.settings.public_hostname)

    async def store_manifest(self, lease: LeaseID, group: ManifestGroup, plan: Plan, *, dry_run: bool = False) -> None:
        """Once this returns, a restart will not lose it. Refused for what could never be deployed, or what the API
        server will not have; a `dry_run` says the same, and nothing is stored."""
        try:
            check_renderable(group)
        except Invalid as bad:
            raise Refused(str(bad)) from bad
        await self.kube.apply(manifest_object(lease, group, plan, self._site()), dry_run=dry_run)

    async def has_manifest(self, lease: LeaseID) -> bool:
        """As of now: for what is concluded from there being none, however little the mirrors are behind."""
        try:
            await self.kube.get(MANIFEST, self.settings.manifest_namespace, lease_namespace(lease))
        except NotFound:
            return False
        return True

    async def deploy(self, lease: LeaseID, group: ManifestGroup, plan: Plan, revision: str) -> None:
        """Make the lease's namespace be as the manifest says: apply what it renders to, delete what is left over. How
        it is reached from outside comes last: what cannot be yet (`reach.waiting`) does not hold up the rest."""
        named = self.api_servers
        objects = await self._wanted(lease, group, plan, revision)
        inside, doors = apart(objects)
        await self._placed.expect(lease_namespace(lease), objects)
        self._made[lease] = await apply_all(self.kube, inside, self._standing(lease))
        self._named[lease] = named
        self.reach.routing.want(lease, doors)  # or what is pruned now would be put back
        pruned = await self._placed.prune(lease_namespace(lease), objects)
        if pruned:
            log.info("left over and deleted", lease=str(lease), objects=pruned)
        await self.reach.settle(lease)

    async def preview(self, lease: LeaseID, group: ManifestGroup, plan: Plan, revision: str) -> list[Change]:
        """What `deploy` would change of the objects of a lease; nothing is written."""
        objects = await self._wanted(lease, group, plan, revision, dry_run=True)
        return await preview(self.kube, lease_namespace(lease), objects)

    async def _wanted(
        self, lease: LeaseID, group: ManifestGroup, plan: Plan, revision: str, *, dry_run: bool = False
    ) -> list[Mapping[str, Any]]:
        """The lease's objects, with what was taken over as it is."""
        site = self._site()
        try:
            rendered = render(lease, group, plan, site, revision)
        except Invalid as bad:
            raise Refused(str(bad)) from bad
        manifest = (site.manifest_namespace, lease_namespace(lease))
        return await as_found(self.kube, rendered, self._standing(lease), manifest, revision, dry_run=dry_run)

    async def restart(self, lease: LeaseID, service: str, when: str) -> None:
        """Have the pods of a service replaced, as with a new image. NotFound when it is not deployed."""
        found = [(kind, facts) for (kind, _), facts in self._standing(lease).items() if facts.service == service]
        if not found:
            raise NotFound(f"lease {lease} has no service {service} that is deployed")
        for kind, facts in found:
            await restart(self.kube, kind, facts.namespace, facts.name, when)

    async def teardown(self, lease: LeaseID) -> bool:
        """Have all the cluster has of a lease deleted: True when nothing is left. False while its namespace is going,
        whose end the mirrors tell; nobody waits for it here. The Manifest goes last: it is what a restart in between
        finds the rest by."""
        name, namespace = lease_namespace(lease), self.settings.manifest_namespace
        await self.reach.routing.forget(lease)
        self._made.pop(lease, None)
        self._named.pop(lease, None)
        self._placed.forget(name)
        there = self._mirrors.namespaces.get("", name)
        if there is not None and there.going:
            return False
        if self.settings.retain_volumes_h:
            until = int(time.time()) + self.settings.retain_volumes_h * 3600
            kept = await retained.keep(self.kube, lease, until)
            if kept:
                log.info("volumes are kept after their lease", lease=str(lease), volumes=kept, until_unix_s=until)
        await self.reach.end(lease)
        try:
            if await self.kube.delete(NAMESPACE, None, name):
                return False
        except Conflict:  # it goes already, which the mirrors have not shown yet
            return False
        await self.kube.delete(MANIFEST, namespace, name)
        return True

    @property
    def _gpu_table(self) -> gputable.GpuTable:
        return gputable.bundled() if self._gpus is None else self._gpus.current

    def _standing(self, lease: LeaseID) -> dict[tuple[Kind, str], WorkloadFacts]:
        namespace = lease_namespace(lease)
        kinds = ((DEPLOYMENT, self._mirrors.deployments), (STATEFUL_SET, self._mirrors.stateful_sets))
        return {(kind, facts.name): facts for kind, mirror in kinds for facts in mirror.within(namespace).values()}

    def _workloads(self, lease: LeaseID) -> list[WorkloadFacts]:
        namespace = lease_namespace(lease)
        both = (self._mirrors.deployments, self._mirrors.stateful_sets)
        return [facts for mirror in both for facts in mirror.within(namespace).values()]

    def _site(self) -> Site:
        return site_of(self.settings, api_servers=self.api_servers, storage_classes=actual_names(self._classes()))

    def _classes(self) -> tuple[StorageClass, ...]:
        return offered(self._mirrors.classes.all(), self.settings.storage_classes)

    def _runtimes(self) -> Runtimes:
        nvidia, sandbox = self.settings.gpu_runtime_class, self.settings.isolation.runtime_class
        return runtimeclasses.runtimes(nvidia, sandbox, self._mirrors.runtime_classes.all())

    def _addresses(self) -> Addresses:
        named = self.settings.ip_pool
        found = (pool for pool in self._mirrors.pools.all() if pool.name == named)
        return next(found, 0) if named else self.settings.leased_ips

    def _lease_changed(self, lease: LeaseID) -> None:
        for listener in self._listeners:
            listener(lease)

    def _api_servers_changed(self) -> None:
        for lease in self._mirrors.stored:
            self._lease_changed(lease)

    def _nodes_changed(self) -> None:
        self._reports = None
        self._mark.set()

    def _inventory_changed(self) -> None:
        self.inventory_version += 1
        if self._settling is None:
            self._settling = asyncio.get_running_loop().call_later(SETTLE_S, self._settled)

    def _settled(self) -> None:
        self._settling = None
        for listener in self._listeners:
            listener(None)

    async def _mark_nodes(self) -> None:
        """Keep the labels on nodes that the scheduler finds them by (labels.py)."""
        while True:
            self._mark.clear()
            classes, published = self._classes(), Published(self._mirrors.capacities.all())
            troubled = [
                not await self._mark_node(obj)
                for node in self._mirrors.nodes.all()
                if (obj := labels.due(node, classes, published, self._gpu_table))
            ]
            try:
                async with asyncio.timeout(MARK_AGAIN_S if any(troubled) else None):
                    await self._mark.wait()
                await asyncio.sleep(SETTLE_S)
            except TimeoutError:
                pass

    async def _follow_list(self) -> None:
        """Cards are looked up anew when the operator has changed the file of models."""
        while True:
            await asyncio.sleep(LIST_AGAIN_S)
            if self._gpus is not None and self._gpus.look():
                self._inventory_changed()
                self._nodes_changed()

    async def _mark_node(self, obj: Mapping[str, Any]) -> bool:
        name = obj["metadata"]["name"]
        try:
            await self.kube.apply(obj)
        except (Refused, Retry) as trouble:
            log.warning("node could not be labelled, no lease is placed on it", node=name, why=str(trouble))
            return False
        log.info("node labelled", node=name, labels=sorted(obj["metadata"]["labels"]))
        return True
