"""Everything the daemon mirrors of the cluster, and what a change in each means: a lease to look at, or capacity that
moved.

The subtle part is the order of arrival: mirrors run side by side, so a pod may be told before the namespace that says
whose it is. Nothing is lost by that: the namespace's own arrival names the lease again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import structlog

from manifests.errors import Invalid
from manifests.ids import LeaseID
from manifests.render.crd import StoredManifest, read_manifest
from manifests.render.names import MANAGED, lease_of
from provider.cluster.api import kinds
from provider.cluster.api.kinds import Kind
from provider.cluster.api.kube import Kube, Object
from provider.cluster.api.mirror import Mirror
from provider.cluster.api.times import unix_s
from provider.cluster.apiservers import Address
from provider.cluster.health.namespaces import Namespace, namespace_facts
from provider.cluster.health.status import Route, ServiceFacts, http_routes, ingress_routes, service_facts
from provider.cluster.health.workloads import WorkloadFacts, workload_facts
from provider.cluster.inventory.addresses import ForeignService, Pool, foreign_service, pool
from provider.cluster.inventory.attachable import Attachable, attachable
from provider.cluster.inventory.capacities import Capacity, capacity
from provider.cluster.inventory.nodes import NodeFacts, node_facts
from provider.cluster.inventory.pods import PodFacts, pod_facts
from provider.cluster.inventory.runtimeclasses import RuntimeClass, runtime_class
from provider.cluster.inventory.volumes import Claim, StorageClass, claim, storage_class
from provider.cluster.objects.retained import KEPT, Retained, retained
from provider.cluster.routes.claims import CLAIMS, Ownership, ownership
from provider.cluster.routes.doors import Key, claim_of, live
from provider.tasks import spawn

log = structlog.get_logger()

OURS = f"{MANAGED}=true"


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A Manifest that cannot be understood; it must not keep the others from being served. `lease` by its labels."""

    name: str
    why: str
    lease: LeaseID | None = None


@dataclass(frozen=True, slots=True)
class InNamespace:
    """Host names of one Ingress or HTTPRoute, the lease's namespace and id they belong to, and the object as far as it
    is ours to say."""

    namespace: str
    lease: LeaseID | None
    routes: tuple[Route, ...]
    key: Key | None = None
    """the claim it depends on"""
    live: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Policy:
    namespace: str
    name: str
    made_unix_s: int
    generation: int = 0


class Mirrors:
    """`lease_changed(lease)`: look at it. `inventory_changed()`: nodes, what runs on them, storage, ports or addresses
    have moved; `nodes_changed()`: of these, nodes or where storage is reached, which decide on labels;
    `claim_changed(key)`: a claim on a host name or address, or what leads in by it; `api_servers_changed()`: where
    these are. `tolerated` are the keys of taints
    that keep no lease away. `retains`: volumes are kept after their lease, and looked at."""

    def __init__(
        self,
        kube: Kube,
        manifest_namespace: str,
        lease_changed: Callable[[LeaseID], None],
        inventory_changed: Callable[[], None],
        nodes_changed: Callable[[], None],
        tolerated: Collection[str] = (),
        *,
        retains: bool = False,
        claim_changed: Callable[[Key], None] = lambda key: None,
        api_servers_changed: Callable[[], None] = lambda: None,
    ) -> None:
        self._tell, self._tell_inventory, self._tell_nodes = lease_changed, inventory_changed, nodes_changed
        self._tell_claim, self._manifest_namespace = claim_changed, manifest_namespace
        self._tell_api_servers = api_servers_changed
        self.nodes = Mirror(kube, kinds.NODE, keep=partial(node_facts, tolerated=tolerated))
        self.namespaces = Mirror(kube, kinds.NAMESPACE, keep=namespace_facts, labels=OURS)
        self.pods = Mirror(kube, kinds.POD, keep=pod_facts)
        self.deployments = Mirror(kube, kinds.DEPLOYMENT, keep=workload_facts, labels=OURS)
        self.stateful_sets = Mirror(kube, kinds.STATEFUL_SET, keep=workload_facts, labels=OURS)
        self.policies = Mirror(kube, kinds.NETWORK_POLICY, keep=_policy, labels=OURS)
        self.services = Mirror(kube, kinds.SERVICE, keep=service_facts, labels=OURS)
        self.foreign_services = Mirror(kube, kinds.SERVICE, keep=foreign_service, labels=f"{MANAGED}!=true")
        self.ingresses = Mirror(kube, kinds.INGRESS, keep=_ingress, labels=OURS)
        self.http_routes = Mirror(kube, kinds.HTTP_ROUTE, keep=_http_route, labels=OURS, optional=True)
        self.claims = Mirror(kube, kinds.PERSISTENT_VOLUME_CLAIM, keep=claim)
        self.classes = Mirror(kube, kinds.STORAGE_CLASS, keep=storage_class)
        self.capacities = Mirror(kube, kinds.STORAGE_CAPACITY, keep=capacity, optional=True)
        self.csi_nodes = Mirror(kube, kinds.CSI_NODE, keep=attachable, optional=True)
        self.runtime_classes = Mirror(kube, kinds.RUNTIME_CLASS, keep=runtime_class)
        self.pools = Mirror(kube, kinds.ADDRESS_POOL, keep=pool, optional=True)
        self.manifests: Mirror[StoredManifest | Unreadable] = Mirror(
            kube, kinds.MANIFEST, keep=_manifest, namespace=manifest_namespace
        )
        self.hosts, self.leased_ips = (
            Mirror(kube, kind, keep=partial(ownership, kind), namespace=manifest_namespace, optional=True)
            for kind in CLAIMS
        )
        self.retained = Mirror(kube, kinds.PERSISTENT_VOLUME, keep=retained, labels=KEPT) if retains else None
        self.endpoints = Mirror(
            kube,
            kinds.ENDPOINT_SLICE,
            keep=_addresses,
            namespace="default",
            labels="kubernetes.io/service-name=kubernetes",
            optional=True,
        )
        self._routed: dict[Kind, Mirror[Any]] = {
            kinds.INGRESS: self.ingresses,
            kinds.HTTP_ROUTE: self.http_routes,
            kinds.SERVICE: self.services,
        }
        """what leads in by a claim"""
        self._leases: dict[str, LeaseID] = {}
        self._stored: dict[LeaseID, StoredManifest] = {}

    @property
    def leases(self) -> Mapping[str, LeaseID]:
        """Namespace -> lease, of the namespaces that exist."""
        return self._leases

    def traces(self) -> set[LeaseID]:
        """Every lease that anything is left of."""
        manifests = (m.lease for m in self.manifests.all() if m.lease is not None)
        claims = (held.lease for held in self.owned() if held.lease is not None)
        return {*self._leases.values(), *manifests, *claims}

    @property
    def stored(self) -> Mapping[LeaseID, StoredManifest]:
        return self._stored

    def owner(self, key: Key) -> Ownership | None:
        """Who has the host name or leased port, as far as was heard."""
        mirror = self.hosts if key[0] is kinds.PROVIDER_HOST else self.leased_ips
        return mirror.get(self._manifest_namespace, key[1])

    def owned(self) -> list[Ownership]:
        return [*self.hosts.all(), *self.leased_ips.all()]

    def route(self, kind: Kind, namespace: str, name: str) -> Mapping[str, Any] | None:
        """An Ingress or a leased port's Service as far as it is ours to say, with its resourceVersion."""
        facts = self._routed[kind].get(namespace, name) if kind in self._routed else None
        return facts.live if facts is not None else None

    def generation(self, kind: Kind, namespace: str, name: str) -> int | None:
        """Of a workload, policy or Service, which counts the changes of its spec: 0 where the kind has none, -1 when it
        is not there, None when its kind is not looked at."""
        mirrors: dict[Kind, Mirror[Any]] = {
            kinds.DEPLOYMENT: self.deployments,
            kinds.STATEFUL_SET: self.stateful_sets,
            kinds.NETWORK_POLICY: self.policies,
            kinds.SERVICE: self.services,
        }
        if (mirror := mirrors.get(kind)) is None:
            return None
        found = mirror.get(namespace, name)
        return -1 if found is None else getattr(found, "generation", 0)

    def standing(self, namespace: str) -> dict[tuple[Kind, str], WorkloadFacts]:
        """Deployments and StatefulSets of a lease, by kind and name."""
        kept = ((mirror.kind, mirror.within(namespace)) for mirror in (self.deployments, self.stateful_sets))
        return {(kind, name): facts for kind, named in kept for name, facts in named.items()}

    def hosts_within(self, namespace: str) -> list[Route]:
        """What leads to a lease by host name."""
        mirrors = (self.ingresses, self.http_routes)
        return [route for mirror in mirrors for facts in mirror.within(namespace).values() for route in facts.routes]

    def routes(self, key: Key) -> list[tuple[Kind, str, str, LeaseID | None]]:
        """Kind, namespace, name and lease of all that leads in by a claim, wherever it stands."""
        return [
            (kind, namespace, name, facts.lease)
            for kind, mirror in self._routed.items()
            for (namespace, name), facts in mirror.items()
            if facts.key == key
        ]

    @property
    def fresh(self) -> bool:
        return all(mirror.fresh for mirror in self.all())

    @property
    def stale_s(self) -> float:
        """Since when the most neglected mirror has not heard from the API server, in seconds."""
        return max(mirror.stale_s for mirror in self.all())

    @property
    def labelled(self) -> tuple[Mirror[Any], ...]:
        """Those that show, of their kind, all that rendering has ever made."""
        return (
            self.deployments,
            self.stateful_sets,
            self.services,
            self.ingresses,
            self.http_routes,
            self.policies,
        )

    def all(self) -> Iterator[Mirror[Any]]:
        for value in vars(self).values():
            if isinstance(value, Mirror):
                yield value

    def start(self, tasks: asyncio.TaskGroup) -> None:
        for mirror, changed in (
            (self.nodes, self._node),
            (self.namespaces, self._namespace),
            (self.pods, self._pod),
            (self.deployments, self._workload),
            (self.stateful_sets, self._workload),
            (self.policies, self._policy),
            (self.services, self._service),
            (self.foreign_services, self._supply),
            (self.ingresses, self._routes),
            (self.http_routes, self._routes),
            (self.claims, self._supply),
            (self.classes, self._class),
            (self.capacities, self._capacity),
            (self.csi_nodes, self._supply),
            (self.runtime_classes, self._supply),
            (self.pools, self._supply),
            (self.manifests, self._manifest),
            (self.hosts, self._ownership),
            (self.leased_ips, self._ownership),
            (self.endpoints, self._api_server),
        ):
            spawn(tasks, f"mirror {mirror.kind}", mirror.run(changed))  # type: ignore[arg-type]

        if self.retained is not None:
            spawn(tasks, f"mirror {self.retained.kind}", self.retained.run(self._supply))

    async def listed(self) -> None:
        for mirror in self.all():
            await mirror.listed()

    def _node(self, old: NodeFacts | None, new: NodeFacts | None) -> None:
        self._tell_inventory()
        self._tell_nodes()

    def _class(self, old: StorageClass | None, new: StorageClass | None) -> None:
        self._tell_inventory()
        self._tell_nodes()

    def _namespace(self, old: Namespace | None, new: Namespace | None) -> None:
        if old is not None:
            self._leases.pop(old.name, None)
        if new is not None:
            self._leases[new.name] = new.lease
        self._tell_inventory()
        for lease in {facts.lease for facts in (old, new) if facts is not None}:
            self._tell(lease)

    def _pod(self, old: PodFacts | None, new: PodFacts | None) -> None:
        if (old and old.footprint) != (new and new.footprint):
            self._tell_inventory()
        self._in_namespace(old, new)

    def _workload(self, old: WorkloadFacts | None, new: WorkloadFacts | None) -> None:
        self._in_namespace(old, new)

    def _service(self, old: ServiceFacts | None, new: ServiceFacts | None) -> None:
        self._in_namespace(old, new)
        self._leads_in(old, new)

    def _in_namespace(
        self, old: PodFacts | WorkloadFacts | ServiceFacts | None, new: PodFacts | WorkloadFacts | ServiceFacts | None
    ) -> None:
        either = new or old
        assert either is not None
        if (lease := self._leases.get(either.namespace)) is not None:
            self._tell(lease)

    def _policy(self, old: Policy | None, new: Policy | None) -> None:
        either = new or old
        assert either is not None
        if (lease := self._leases.get(either.namespace)) is not None:
            self._tell(lease)

    def _routes(self, old: InNamespace | None, new: InNamespace | None) -> None:
        for facts in (old, new):
            lease = (facts.lease or self._leases.get(facts.namespace)) if facts is not None else None
            if lease is not None:
                self._tell(lease)
        self._leads_in(old, new)

    def _ownership(self, old: Ownership | None, new: Ownership | None) -> None:
        for held in (old, new):
            if held is not None and held.lease is not None:
                self._tell(held.lease)
        if (either := new or old) is not None:
            self._tell_claim((either.kind, either.name))

    def _leads_in(self, old: InNamespace | ServiceFacts | None, new: InNamespace | ServiceFacts | None) -> None:
        for key in {facts.key for facts in (old, new) if facts is not None and facts.key is not None}:
            self._tell_claim(key)

    def _capacity(self, old: Capacity | None, new: Capacity | None) -> None:
        self._tell_inventory()
        if (old and old.part) != (new and new.part):
            self._tell_nodes()

    def _supply(
        self,
        old: Claim | ForeignService | Pool | Attachable | Retained | RuntimeClass | None,
        new: Claim | ForeignService | Pool | Attachable | Retained | RuntimeClass | None,
    ) -> None:
        self._tell_inventory()

    def _manifest(self, old: StoredManifest | Unreadable | None, new: StoredManifest | Unreadable | None) -> None:
        if isinstance(new, Unreadable):
            log.error("a stored manifest cannot be read", manifest=new.name, why=new.why)
        leases = set()
        if isinstance(old, StoredManifest):
            self._stored.pop(old.lease, None)
            leases.add(old.lease)
        if isinstance(new, StoredManifest):
            self._stored[new.lease] = new
            leases.add(new.lease)
        for lease in leases:
            self._tell(lease)

    def _api_server(self, old: tuple[Address, ...] | None, new: tuple[Address, ...] | None) -> None:
        self._tell_api_servers()


def _manifest(obj: Object) -> StoredManifest | Unreadable:
    try:
        return read_manifest(obj)
    except Invalid as bad:
        return Unreadable(obj["metadata"]["name"], str(bad), lease_of(obj["metadata"].get("labels") or {}))


def _policy(obj: Object) -> Policy:
    metadata = obj["metadata"]
    made = unix_s(metadata.get("creationTimestamp"))
    return Policy(metadata["namespace"], metadata["name"], made, metadata.get("generation") or 0)


def _ingress(obj: Object) -> InNamespace:
    return _route(kinds.INGRESS, obj, ingress_routes(obj))


def _http_route(obj: Object) -> InNamespace:
    return _route(kinds.HTTP_ROUTE, obj, http_routes(obj))


def _route(kind: Kind, obj: Object, routes: tuple[Route, ...]) -> InNamespace:
    metadata = obj["metadata"]
    lease = lease_of(metadata.get("labels") or {})
    return InNamespace(metadata["namespace"], lease, routes, claim_of(kind, obj), live(obj))


def _addresses(obj: Object) -> tuple[Address, ...]:
    ports = [port["port"] for port in obj.get("ports") or () if port.get("port")]
    return tuple(
        (address, port)
        for endpoint in obj.get("endpoints") or ()
        for address in endpoint.get("addresses") or ()
        for port in ports
    )
