"""What a change in each mirror means: a lease to look at, capacity that moved, a claim or an address to follow.

The subtle part is the order of arrival: mirrors run side by side, so a pod may be told before the namespace that says
whose it is. Nothing is lost by that: the namespace's own arrival names the lease again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog

from manifests.ids import LeaseID
from manifests.render.crd import StoredManifest
from provider.cluster.api.kinds import PROVIDER_HOST
from provider.cluster.apiservers import Address
from provider.cluster.health.namespaces import Namespace
from provider.cluster.health.status import ServiceFacts
from provider.cluster.health.workloads import WorkloadFacts
from provider.cluster.inventory.addresses import ForeignService, Pool
from provider.cluster.inventory.attachable import Attachable
from provider.cluster.inventory.capacities import Capacity
from provider.cluster.inventory.nodes import NodeFacts
from provider.cluster.inventory.pods import PodFacts
from provider.cluster.inventory.runtimeclasses import RuntimeClass
from provider.cluster.inventory.volumes import Claim, StorageClass
from provider.cluster.kept import ForeignPolicy, IngressClass, InNamespace, Marked, Policy, Unreadable
from provider.cluster.mirrors import Mirrors
from provider.cluster.objects.retained import Retained
from provider.cluster.routes.claims import Ownership
from provider.cluster.routes.doors import Key
from provider.cluster.routes.foreign import ForeignRoute
from provider.tasks import spawn

log = structlog.get_logger()


class Changes:
    """`lease(lease)`: look at it. `inventory()`: nodes, what runs on them, storage, ports, addresses or runtimes have
    moved; `nodes()`: of these, nodes, runtimes or where storage is reached, which decide on labels; `claim(key)`: a
    claim on a host name or address, or what leads in by it; `api_servers()`: where these are."""

    def __init__(
        self,
        mirrors: Mirrors,
        *,
        lease: Callable[[LeaseID], None],
        inventory: Callable[[], None],
        nodes: Callable[[], None],
        claim: Callable[[Key], None],
        api_servers: Callable[[], None],
    ) -> None:
        self._mirrors = mirrors
        self._tell, self._tell_inventory, self._tell_nodes = lease, inventory, nodes
        self._tell_claim, self._tell_api_servers = claim, api_servers

    def start(self, tasks: asyncio.TaskGroup) -> None:
        """Mirror everything."""
        mirrors = self._mirrors
        for mirror, changed in (
            (mirrors.nodes, self._node),
            (mirrors.namespaces, self._namespace),
            (mirrors.pods, self._pod),
            (mirrors.deployments, self._workload),
            (mirrors.stateful_sets, self._workload),
            (mirrors.policies, self._marked),
            (mirrors.foreign_policies, self._foreign_policy),
            (mirrors.services, self._service),
            (mirrors.budgets, self._marked),
            (mirrors.secrets, self._marked),
            (mirrors.accounts, self._marked),
            (mirrors.roles, self._marked),
            (mirrors.role_bindings, self._marked),
            (mirrors.foreign_services, self._supply),
            (mirrors.ingresses, self._routes),
            (mirrors.http_routes, self._routes),
            (mirrors.foreign_ingresses, self._foreign_route),
            (mirrors.foreign_http_routes, self._foreign_route),
            (mirrors.ingress_classes, self._only_looked_up),
            (mirrors.claims, self._supply),
            (mirrors.classes, self._class),
            (mirrors.capacities, self._capacity),
            (mirrors.csi_nodes, self._supply),
            (mirrors.runtime_classes, self._runtime_class),
            (mirrors.pools, self._supply),
            (mirrors.manifests, self._manifest),
            (mirrors.hosts, self._ownership),
            (mirrors.leased_ips, self._ownership),
            (mirrors.endpoints, self._api_server),
            (mirrors.retained, self._supply),
        ):
            spawn(tasks, f"mirror {mirror.kind}", mirror.run(changed))  # type: ignore[arg-type]

    def _node(self, old: NodeFacts | None, new: NodeFacts | None) -> None:
        self._tell_inventory()
        self._tell_nodes()

    def _class(self, old: StorageClass | None, new: StorageClass | None) -> None:
        self._tell_inventory()
        self._tell_nodes()

    def _runtime_class(self, old: RuntimeClass | None, new: RuntimeClass | None) -> None:
        self._tell_inventory()
        self._tell_nodes()

    def _namespace(self, old: Namespace | None, new: Namespace | None) -> None:
        self._mirrors.note_namespace(old, new)
        self._tell_inventory()
        for lease in {facts.lease for facts in (old, new) if facts is not None}:
            self._tell(lease)
        if old is None and new is not None:
            for policy in self._mirrors.foreign_policies.within(new.name).values():
                self._opened(policy)

    def _foreign_policy(self, old: ForeignPolicy | None, new: ForeignPolicy | None) -> None:
        self._in_namespace(old, new)
        if new is not None:
            self._opened(new)

    def _opened(self, found: ForeignPolicy) -> None:
        if (lease := self._mirrors.leases.get(found.namespace)) is not None:
            log.warning("a network policy of somebody else opens a lease", lease=str(lease), policy=found.name,
                        opens=found.opens)  # fmt: skip

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
        self,
        old: PodFacts | WorkloadFacts | ServiceFacts | Policy | ForeignPolicy | Marked | None,
        new: PodFacts | WorkloadFacts | ServiceFacts | Policy | ForeignPolicy | Marked | None,
    ) -> None:
        either = new or old
        assert either is not None
        if (lease := self._mirrors.leases.get(either.namespace)) is not None:
            self._tell(lease)

    def _marked(self, old: Policy | Marked | None, new: Policy | Marked | None) -> None:
        self._in_namespace(old, new)

    def _routes(self, old: InNamespace | None, new: InNamespace | None) -> None:
        for facts in (old, new):
            lease = (facts.lease or self._mirrors.leases.get(facts.namespace)) if facts is not None else None
            if lease is not None:
                self._tell(lease)
        self._leads_in(old, new)

    def _foreign_route(self, old: ForeignRoute | None, new: ForeignRoute | None) -> None:
        self._mirrors.foreign_hosts.note(old, new)
        for host in {host for route in (old, new) if route is not None for host in route.hosts}:
            self._tell_claim((PROVIDER_HOST, host))

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
        old: Claim | ForeignService | Pool | Attachable | Retained | None,
        new: Claim | ForeignService | Pool | Attachable | Retained | None,
    ) -> None:
        self._tell_inventory()

    def _only_looked_up(self, old: IngressClass | None, new: IngressClass | None) -> None:
        pass

    def _api_server(self, old: tuple[Address, ...] | None, new: tuple[Address, ...] | None) -> None:
        self._tell_api_servers()

    def _manifest(self, old: StoredManifest | Unreadable | None, new: StoredManifest | Unreadable | None) -> None:
        if isinstance(new, Unreadable):
            log.error("a stored manifest cannot be read", manifest=new.name, why=new.why)
        self._mirrors.note_manifest(old, new)
        for lease in {facts.lease for facts in (old, new) if isinstance(facts, StoredManifest)}:
            self._tell(lease)
