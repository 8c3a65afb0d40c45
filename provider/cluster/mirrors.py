"""Everything the daemon mirrors of the cluster, and what of it can be looked up at once. What a change means is told
elsewhere (changes.py).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from functools import partial
from typing import Any

import structlog

from manifests.ids import LeaseID
from manifests.render.crd import StoredManifest
from manifests.render.names import MANAGED
from provider.cluster import kept
from provider.cluster.api import kinds
from provider.cluster.api.kinds import Kind
from provider.cluster.api.kube import Kube
from provider.cluster.api.marks import ABSENT
from provider.cluster.api.mirror import Mirror
from provider.cluster.health.namespaces import Namespace, namespace_facts
from provider.cluster.health.status import Route, service_facts
from provider.cluster.health.workloads import WorkloadFacts, workload_facts
from provider.cluster.inventory.addresses import foreign_service, pool
from provider.cluster.inventory.attachable import attachable
from provider.cluster.inventory.capacities import capacity
from provider.cluster.inventory.nodes import node_facts
from provider.cluster.inventory.pods import pod_facts
from provider.cluster.inventory.runtimeclasses import runtime_class
from provider.cluster.inventory.volumes import claim, storage_class
from provider.cluster.objects.retained import KEPT, retained
from provider.cluster.routes.claims import CLAIMS, Ownership, ownership
from provider.cluster.routes.doors import Key
from provider.cluster.routes.foreign import ForeignHosts, foreign_route

log = structlog.get_logger()

OURS = f"{MANAGED}=true"


class Mirrors:
    """`tolerated` are the keys of taints that keep no lease away. `retains`: volumes are kept after their lease;
    what is left of them is looked at all the same, where that is allowed."""

    def __init__(
        self, kube: Kube, manifest_namespace: str, tolerated: Collection[str] = (), *, retains: bool = False
    ) -> None:
        self._manifest_namespace = manifest_namespace
        self.nodes = Mirror(kube, kinds.NODE, keep=partial(node_facts, tolerated=tolerated))
        self.namespaces = Mirror(kube, kinds.NAMESPACE, keep=namespace_facts, labels=OURS)
        self.pods = Mirror(kube, kinds.POD, keep=pod_facts)
        self.deployments = Mirror(kube, kinds.DEPLOYMENT, keep=workload_facts, labels=OURS)
        self.stateful_sets = Mirror(kube, kinds.STATEFUL_SET, keep=workload_facts, labels=OURS)
        self.policies = Mirror(kube, kinds.NETWORK_POLICY, keep=kept.policy, labels=OURS)
        self.foreign_policies = Mirror(kube, kinds.NETWORK_POLICY, keep=kept.foreign_policy, labels=f"{MANAGED}!=true")
        self.services = Mirror(kube, kinds.SERVICE, keep=service_facts, labels=OURS)
        self.budgets, self.secrets, self.accounts, self.roles, self.role_bindings = (
            Mirror(kube, kind, keep=partial(kept.marked, kind), labels=OURS)
            for kind in (kinds.DISRUPTION_BUDGET, kinds.SECRET, kinds.SERVICE_ACCOUNT, kinds.ROLE, kinds.ROLE_BINDING)
        )
        self.foreign_services = Mirror(kube, kinds.SERVICE, keep=foreign_service, labels=f"{MANAGED}!=true")
        self.ingresses = Mirror(kube, kinds.INGRESS, keep=kept.ingress, labels=OURS)
        self.http_routes = Mirror(kube, kinds.HTTP_ROUTE, keep=kept.http_route, labels=OURS, optional=True)
        self.foreign_ingresses, self.foreign_http_routes = (
            Mirror(
                kube,
                kind,
                keep=partial(foreign_route, kind),
                labels=f"{MANAGED}!=true",
                optional=kind is kinds.HTTP_ROUTE,
            )
            for kind in (kinds.INGRESS, kinds.HTTP_ROUTE)
        )
        self.foreign_hosts = ForeignHosts()
        self.ingress_classes = Mirror(kube, kinds.INGRESS_CLASS, keep=kept.ingress_class, optional=True)
        self.claims = Mirror(kube, kinds.PERSISTENT_VOLUME_CLAIM, keep=claim)
        self.classes = Mirror(kube, kinds.STORAGE_CLASS, keep=storage_class)
        self.capacities = Mirror(kube, kinds.STORAGE_CAPACITY, keep=capacity, optional=True)
        self.csi_nodes = Mirror(kube, kinds.CSI_NODE, keep=attachable, optional=True)
        self.runtime_classes = Mirror(kube, kinds.RUNTIME_CLASS, keep=runtime_class)
        self.pools = Mirror(kube, kinds.ADDRESS_POOL, keep=pool, optional=True)
        self.manifests: Mirror[StoredManifest | kept.Unreadable] = Mirror(
            kube, kinds.MANIFEST, keep=kept.manifest, namespace=manifest_namespace
        )
        self.hosts, self.leased_ips = (
            Mirror(kube, kind, keep=partial(ownership, kind), namespace=manifest_namespace, optional=True)
            for kind in CLAIMS
        )
        self.retained = Mirror(kube, kinds.PERSISTENT_VOLUME, keep=retained, labels=KEPT, optional=not retains)
        self.endpoints = Mirror(
            kube,
            kinds.ENDPOINT_SLICE,
            keep=kept.addresses,
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
        self._marked: dict[Kind, Mirror[Any]] = {mirror.kind: mirror for mirror in (self.namespaces, *self.labelled)}
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

    def mark(self, kind: Kind, namespace: str, name: str) -> int:
        """Of an object that rendering made for a lease (marks.py); ABSENT when it is not there."""
        found = self._marked[kind].get(namespace if kind.namespaced else "", name)
        return ABSENT if found is None else int(found.mark)

    def standing(self, namespace: str) -> dict[tuple[Kind, str], WorkloadFacts]:
        """Deployments and StatefulSets of a lease, by kind and name."""
        both = (self.deployments, self.stateful_sets)
        return {(of.kind, name): facts for of in both for name, facts in of.within(namespace).items()}

    def hosts_within(self, namespace: str) -> list[Route]:
        """What leads to a lease by host name."""
        return [route for facts in self.routes_within(namespace) for route in facts.routes]

    def routes_within(self, namespace: str) -> list[kept.InNamespace]:
        """Ingresses and HTTPRoutes of a lease."""
        return [*self.ingresses.within(namespace).values(), *self.http_routes.within(namespace).values()]

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
            self.budgets,
            self.secrets,
            self.accounts,
            self.roles,
            self.role_bindings,
        )

    def all(self) -> Iterator[Mirror[Any]]:
        for value in vars(self).values():
            if isinstance(value, Mirror):
                yield value

    def note_namespace(self, old: Namespace | None, new: Namespace | None) -> None:
        if old is not None:
            self._leases.pop(old.name, None)
        if new is not None:
            self._leases[new.name] = new.lease

    def note_manifest(
        self, old: StoredManifest | kept.Unreadable | None, new: StoredManifest | kept.Unreadable | None
    ) -> None:
        if isinstance(old, StoredManifest):
            self._stored.pop(old.lease, None)
        if isinstance(new, StoredManifest):
            self._stored[new.lease] = new

    async def listed(self) -> None:
        for mirror in self.all():
            await mirror.listed()
