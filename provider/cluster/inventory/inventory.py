"""What the cluster has and what leases use of it, from the mirrors' facts. Pure.

The one rule: a pod is either a lease's (its namespace carries a lease's labels) or somebody else's. What others use is
taken off the nodes; what leases use is listed beside them, so that Room can set it against what was promised to the
same lease.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from types import MappingProxyType

from bidengine.node import NO_LIMIT, BoundPod, Inventory
from bidengine.runtimes import UNSEEN, Runtimes
from manifests.gpus import GpuModel
from manifests.ids import LeaseID
from provider.cluster.inventory.addresses import Addresses, ForeignService, leased_ips_left, node_ports_left
from provider.cluster.inventory.capacities import Published
from provider.cluster.inventory.gputable import GpuTable
from provider.cluster.inventory.nodes import NodeFacts, free
from provider.cluster.inventory.pods import PodFacts
from provider.cluster.inventory.volumes import Claim, StorageClass, claimed_by_class, free_bytes, same_storage


def inventory(
    *,
    nodes: Iterable[NodeFacts],
    pods: Iterable[PodFacts],
    leases: Mapping[str, LeaseID],
    classes: Collection[StorageClass],
    claims: Collection[Claim],
    published: Published,
    declared_bytes: Mapping[str, int],
    table: GpuTable,
    attachable: Mapping[str, int] = MappingProxyType({}),
    services: Iterable[ForeignService] = (),
    node_ports: int = 0,
    leased_ips: Addresses = 0,
    runtimes: Runtimes = UNSEEN,
) -> Inventory:
    """`leases` is namespace -> lease, of every namespace of a lease that exists, ending ones included: their pods
    still run. `attachable` is node -> most volumes, where there is a limit. `services` are those of nobody's lease;
    `node_ports` and `leased_ips` are what may be promised before theirs are taken off."""
    usable = [n for n in nodes if n.marked and not n.unusable]
    sold = free_bytes(
        classes,
        declared_bytes,
        published,
        (c for c in claims if c.namespace in leases),
        (c for c in claims if c.namespace not in leases),
    )
    others: dict[str, dict[str, PodFacts]] = {}
    bound: dict[LeaseID, list[BoundPod]] = {}
    models = {node.name: _models(node, table) for node in usable}
    for pod in pods:
        if pod.finished or not pod.node:
            continue
        lease = leases.get(pod.namespace)
        if lease is None:
            others.setdefault(pod.node, {})[pod.uid or f"{pod.namespace}/{pod.name}"] = pod
        else:
            on_node = models.get(pod.node, {})
            gpu = next((on_node[resource] for resource, _ in pod.gpus if resource in on_node), None)
            bound.setdefault(lease, []).append(BoundPod(pod.node, pod.ask, gpu, pod.name))
    with_capacity = [c for c in classes if any(name in sold for name in c.sold_as)]
    services = list(services)
    return Inventory(
        nodes=tuple(
            free(
                node,
                others.get(node.name, {}).values(),
                with_capacity,
                table,
                published,
                attachable.get(node.name, NO_LIMIT),
            )
            for node in sorted(usable, key=_by_name)
        ),
        storage_bytes=sold,
        lease_pods={lease: tuple(found) for lease, found in bound.items()},
        lease_claims=_lease_claims(claims, leases, classes),
        same_storage=same_storage(classes),
        node_ports=node_ports_left(node_ports, services),
        leased_ips=leased_ips_left(leased_ips, services),
        runtimes=runtimes,
    )


def _models(node: NodeFacts, table: GpuTable) -> dict[str, GpuModel]:
    return {resource: found.model for resource, found in node.cards(table).items() if found.model is not None}


def _by_name(node: NodeFacts) -> str:
    return node.name


def _lease_claims(
    claims: Iterable[Claim], leases: Mapping[str, LeaseID], classes: Iterable[StorageClass]
) -> dict[LeaseID, Mapping[str, int]]:
    classes = list(classes)
    by_lease: dict[LeaseID, list[Claim]] = {}
    for c in claims:
        if (lease := leases.get(c.namespace)) is not None:
            by_lease.setdefault(lease, []).append(c)
    return {lease: claimed_by_class(found, classes) for lease, found in by_lease.items()}
