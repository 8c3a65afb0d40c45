from __future__ import annotations

from dataclasses import replace

from bidengine.node import Ask, BoundPod
from manifests.gpus import GpuModel
from manifests.ids import LeaseID
from provider.cluster.inventory.addresses import ForeignService, Pool
from provider.cluster.inventory.capacities import Published
from provider.cluster.inventory.gpus import card_labels
from provider.cluster.inventory.gputable import bundled
from provider.cluster.inventory.inventory import inventory
from provider.cluster.inventory.nodes import NodeFacts
from provider.cluster.inventory.pods import PodFacts
from provider.cluster.inventory.volumes import Claim, StorageClass

GI = 1 << 30
LEASE = LeaseID("akash1o", 1, 1, 1, "akash1p")
T4 = GpuModel("nvidia", "t4")
NODE = NodeFacts(
    "n1",
    "u1",
    {"akash.network": "true", **card_labels(T4, 4)},
    frozenset(),
    "",
    8000,
    32 * GI,
    100 * GI,
    110,
    {"nvidia.com/gpu": 4},
)
BETA3 = StorageClass("beta3", False, True)
WEB = PodFacts("lease-ns", "web-0", "w", "n1", False, Ask(1000, GI, GI), (), "web", True, False, 0, "", "")
DNS = replace(WEB, namespace="kube-system", uid="d", ask=Ask(100, GI, 0), service="")


def look(nodes=(NODE,), pods=(), claims=(), classes=(BETA3,), declared=None, services=(), ips=0, attachable=None):  # type: ignore[no-untyped-def]
    return inventory(
        nodes=nodes,
        pods=pods,
        leases={"lease-ns": LEASE},
        classes=classes,
        claims=claims,
        published=Published(),
        declared_bytes={"beta3": 100 * GI} if declared is None else declared,
        table=bundled(),
        attachable=attachable or {},
        services=services,
        node_ports=7,
        leased_ips=ips,
    )


def test_an_empty_cluster() -> None:
    found = look(nodes=())
    assert (found.nodes, found.lease_pods, found.lease_claims, found.node_ports) == ((), {}, {}, 7)


def test_volumes_of_others_take_places_on_their_node_and_a_node_without_a_limit_takes_any() -> None:
    with_two = replace(DNS, ask=Ask(0, 0, 0, attached=2))
    assert look(pods=[with_two], attachable={"n1": 5, "gone": 1}).nodes[0].volumes == 3
    assert look(pods=[with_two], attachable={"n1": 1}).nodes[0].volumes == 0
    assert look(pods=[with_two]).nodes[0].volumes > 1 << 20


def test_each_pod_counts_once_as_a_leases_or_as_somebodys() -> None:
    found = look(pods=[WEB, DNS])
    assert found.nodes[0].cpu_milli == 7900, "only what no lease uses is taken off"
    assert found.nodes[0].pods == 109
    assert found.lease_pods == {LEASE: (BoundPod("n1", Ask(1000, GI, GI)),)}


def test_d10_two_pods_of_one_name_in_two_namespaces_are_two() -> None:
    """Pods are told apart by their uid: StatefulSets of different leases have pods of the same name."""
    assert look(pods=[DNS, replace(DNS, namespace="other", uid="e")]).nodes[0].cpu_milli == 7800


def test_one_pod_told_twice_is_one() -> None:
    assert look(pods=[DNS, replace(DNS, restarts=3)]).nodes[0].cpu_milli == 7900


def test_pods_that_ended_or_have_no_node_take_nothing() -> None:
    found = look(
        pods=[replace(DNS, finished=True), replace(DNS, node=""), replace(WEB, finished=True), replace(WEB, node="")]
    )
    assert found.nodes[0].cpu_milli == 8000
    assert found.lease_pods == {}


def test_only_marked_and_usable_nodes_count_but_leases_on_others_stay_known() -> None:
    unmarked, cordoned = replace(NODE, name="n2", labels={}), replace(NODE, name="n3", unusable="cordoned")
    found = look(nodes=[cordoned, unmarked, NODE], pods=[replace(WEB, node="n3")])
    assert [n.name for n in found.nodes] == ["n1"]
    assert found.lease_pods == {LEASE: (BoundPod("n3", WEB.ask),)}


def test_nodes_come_by_name() -> None:
    assert [n.name for n in look(nodes=[replace(NODE, name="b"), replace(NODE, name="a")]).nodes] == ["a", "b"]


def test_a_lease_with_gpus_uses_its_nodes_model() -> None:
    found = look(pods=[replace(WEB, ask=Ask(1000, GI, GI, 2), gpus=(("nvidia.com/gpu", 2),))])
    assert found.lease_pods[LEASE] == (BoundPod("n1", Ask(1000, GI, GI, 2), T4),)
    assert found.nodes[0].gpus == {T4: 4}


def test_a_lease_keeps_its_model_on_a_node_whose_gpus_fell_sick() -> None:
    found = look(
        nodes=[replace(NODE, sick="Xid 79")],
        pods=[replace(WEB, ask=Ask(1000, GI, GI, 2), gpus=(("nvidia.com/gpu", 2),))],
    )
    assert found.lease_pods[LEASE] == (BoundPod("n1", Ask(1000, GI, GI, 2), T4),)
    assert found.nodes[0].gpus == {}


def test_a_lease_with_a_slice_uses_that_kind_of_slice() -> None:
    slices = {
        "nvidia.com/gpu.product": "NVIDIA-A100-SXM4-40GB",
        "akash.network": "true",
        "nvidia.com/mig.strategy": "mixed",
    }
    node = replace(NODE, labels=slices, gpus={"nvidia.com/gpu": 1, "nvidia.com/mig-1g.5gb": 7})
    found = look(nodes=[node], pods=[replace(WEB, ask=Ask(1, 1, 1, 2), gpus=(("nvidia.com/mig-1g.5gb", 2),))])
    (pod,) = found.lease_pods[LEASE]
    assert pod.gpu == GpuModel("nvidia", "a100-mig-1g.5gb", "5Gi", "", "nvidia.com/mig-1g.5gb")


def test_ports_and_addresses_of_others_come_off() -> None:
    services = [ForeignService("other", frozenset(range(30000, 30000 + 2766)), frozenset({5, 99}))]
    assert look(services=services).node_ports == 2
    assert look(services=services, ips=3).leased_ips == 1
    assert look(services=services, ips=Pool("p", ((1, 10),))).leased_ips == 9
    assert look().leased_ips == 0, "without the operator's word no address is sold"


def test_volumes() -> None:
    claims = [Claim("lease-ns", "a", "beta3", 5 * GI, True), Claim("elsewhere", "b", "beta3", 10 * GI, True)]
    found = look(claims=claims)
    assert found.storage_bytes == {"beta3": 90 * GI}
    assert found.lease_claims == {LEASE: {"beta3": 5 * GI}}
    assert found.nodes[0].classes == {"beta3"}


def test_a_class_of_unknown_capacity_is_on_no_node() -> None:
    found = look(declared={})
    assert found.storage_bytes == {}
    assert found.nodes[0].classes == frozenset()
