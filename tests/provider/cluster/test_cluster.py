"""The facade over a cluster in memory: a lease from manifest to namespace and away again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bidengine.node import Ask, BoundPod
from bidengine.runtimes import Overhead
from manifests.gpus import GpuModel
from manifests.ids import LeaseID, lease_namespace
from manifests.manifest import Expose, HttpOptions, ManifestGroup, Params, Permissions, Service, StorageParams
from manifests.render.crd import StoredManifest
from manifests.render.names import pod_labels, route_labels
from manifests.resources import Attribute, Cpu, Gpu, Resources, Storage
from manifests.resources import Memory as Ram
from provider.cluster.api import kinds
from provider.cluster.api.kube import Gone
from provider.cluster.cluster import Cluster
from provider.cluster.health.causes import Cause
from provider.cluster.health.workloads import ServiceHealth
from provider.cluster.routes.waiting import Why
from provider.errors import ConfigError, Conflict, Refused, Retry
from provider.isolation_settings import IsolationSettings
from provider.settings import ClusterSettings
from tests.provider.cluster.following import following

from .conftest import Memory, real_node

LEASE = LeaseID("akash1o", 1, 1, 1, "akash1p")
THEIRS = LeaseID("akash1x", 2, 1, 1, "akash1p")
NS = lease_namespace(LEASE)
GI = 1 << 30
A100 = GpuModel("nvidia", "a100", "80Gi", "sxm")
MI300X = GpuModel("amd", "mi300x", "192Gi")
L40S = GpuModel("nvidia", "l40s", "48Gi", "pcie")
SETTINGS = ClusterSettings(public_hostname="p.example", ingress_domain="ingress.p.example", storage={"beta3": "1Ti"})
SIZE = Resources(1, Cpu(500), Ram(GI), (Storage("default", GI),), Gpu())
HTTP = Expose(8080, 80, "TCP", "", True, ("a.example",), HttpOptions(), "", 0)
SSH = Expose(22, 0, "TCP", "", True, None, HttpOptions(), "", 0)
WEB = Service("web", "nginx", None, None, None, SIZE, 2, (HTTP, SSH))
GROUP = ManifestGroup("west", (WEB,))

pytestmark = pytest.mark.looptime


@asynccontextmanager
async def watched(memory: Memory, settings: ClusterSettings = SETTINGS) -> AsyncIterator[Cluster]:
    async with following(memory, settings) as cluster:
        yield cluster


def node(name: str = "n1", **labels: str) -> dict[str, Any]:
    status = {
        "allocatable": {"cpu": "8", "memory": "32Gi", "pods": "110"},
        "conditions": [{"type": "Ready", "status": "True"}],
    }
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": labels}, "status": status}


def pod(name: str, **status: Any) -> dict[str, Any]:
    metadata = {"name": name, "namespace": NS, "labels": pod_labels(LEASE, "web")}
    containers = [{"resources": {"requests": {"cpu": "500m", "memory": "1Gi", "ephemeral-storage": "1Gi"}}}]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": metadata,
        "spec": {"nodeName": "n1", "containers": containers},
        "status": status,
    }


async def test_a_fresh_cluster_gets_its_nodes_marked_and_then_has_room(memory: Memory) -> None:
    memory.put(node())
    async with watched(memory) as cluster:
        assert cluster.inventory().nodes == (), "not before the scheduler could find it"
        await asyncio.sleep(2)
        assert memory.done == ["apply nodes/n1"]
        (found,) = cluster.inventory().nodes
        assert (found.name, found.cpu_milli) == ("n1", 8000)
        await asyncio.sleep(600)
        assert memory.done == ["apply nodes/n1"], "and is then left alone"


async def test_a_node_that_cannot_be_marked_is_tried_again(memory: Memory) -> None:
    memory.put(node())
    memory.trouble["apply nodes/n1"] = Refused("nodes is forbidden")
    async with watched(memory) as cluster:
        await asyncio.sleep(30)
        assert cluster.inventory().nodes == ()
        await asyncio.sleep(60)
        assert len(cluster.inventory().nodes) == 1


async def test_go_4_a_node_that_is_quiet_after_start_is_labelled_and_sold(memory: Memory) -> None:
    """The reference labels on events of the node alone (go-baseline.md, defect 4)."""
    memory.put(real_node("gpu-operator-a100"))
    async with watched(memory) as cluster:
        await asyncio.sleep(2)
        (found,) = cluster.inventory().nodes
        assert found.gpus == {A100: 8}
        labels = (await memory.get(kinds.NODE, None, "a100-1"))["metadata"]["labels"]
        assert labels["akash.network/capabilities.gpu.vendor.nvidia.model.a100"] == "8"


async def test_go_5_a_node_that_is_added_later_has_its_gpus_known(memory: Memory) -> None:
    """The reference hands its list of GPUs on once, to whoever listens then (go-baseline.md, defect 5)."""
    memory.put(node())
    async with watched(memory) as cluster:
        await asyncio.sleep(600)
        memory.put(real_node("gpu-operator-a100"))
        await memory.tell()
        await asyncio.sleep(2)
        assert [n.gpus for n in cluster.inventory().nodes] == [{A100: 8}, {}]


async def test_go_6_and_d18_after_an_outage_of_the_api_every_node_is_there(memory: Memory) -> None:
    """What was known stays meanwhile, nothing is restarted for it, and what changed unseen is found by a list, nodes
    that went away and came back included (go-baseline.md, defect 6; product.md D18)."""
    memory.put(real_node("gpu-operator-a100"))
    memory.put(node())
    async with watched(memory) as cluster:
        await asyncio.sleep(2)
        memory.trouble |= {"watch nodes": Gone("410"), "list nodes": Retry("connection refused")}
        memory.drop(kinds.NODE, "", "n1")
        memory.put(real_node("amd-labeller-mi300x"))
        await memory.tell()
        assert not cluster.fresh
        assert {n.name for n in cluster.inventory().nodes} == {"a100-1", "n1"}, "nothing is concluded from silence"
        await asyncio.sleep(60)
        assert cluster.fresh
        assert {n.name: n.gpus for n in cluster.inventory().nodes} == {"a100-1": {A100: 8}, "mi300x-1": {MI300X: 8}}
        memory.put(node())
        await memory.tell()
        await asyncio.sleep(2)
        assert len(cluster.inventory().nodes) == 3


async def test_go_7_pods_that_are_replaced_leave_nothing_behind(memory: Memory) -> None:
    """The reference's sums drift as pods come and go (go-baseline.md, defect 7); here nothing is summed over time."""
    memory.put(node(**{"akash.network": "true"}))
    async with watched(memory) as cluster:
        for n in range(5):
            other = pod(f"dns-{n}", phase="Running")
            other["metadata"] |= {"namespace": "kube-system", "uid": f"dns-{n}"}
            memory.put(other)
            await memory.tell()
            assert cluster.inventory().nodes[0].cpu_milli == 7500
            memory.drop(kinds.POD, "kube-system", f"dns-{n}")
            await memory.tell()
            assert cluster.inventory().nodes[0].cpu_milli == 8000


async def test_d18_a_cluster_without_nodes_is_empty_and_waits(memory: Memory) -> None:
    async with watched(memory) as cluster:
        await asyncio.sleep(600)
        assert (cluster.inventory().nodes, cluster.fresh) == ((), True)
        memory.put(node())
        await memory.tell()
        await asyncio.sleep(2)
        assert len(cluster.inventory().nodes) == 1


async def test_d19_gpus_are_sold_when_their_device_plugin_comes_up(memory: Memory) -> None:
    """After an installation or a reboot: the node is known at once, tainted or not, and says what it waits for; no pod
    of ours has to run on it first, and nobody has to restart anything (product.md D19, row 38)."""
    down = real_node("nfd-l40s-plugin-down")
    memory.put({**down, "spec": {"taints": [{"key": "nvidia.com/gpu", "effect": "NoSchedule"}]}})
    async with watched(memory, SETTINGS.model_copy(update={"tolerations": ("nvidia.com/gpu",)})) as cluster:
        await asyncio.sleep(2)
        (report,) = cluster.nodes()
        assert report.why_not == ""
        assert "device plugin offers none" in report.gpus[0].why_not
        assert cluster.inventory().nodes[0].gpus == {}
        offered = {**down["status"]["allocatable"], "nvidia.com/gpu": "8"}
        there = await memory.get(kinds.NODE, None, "l40s-1")
        memory.put({**there, "status": {**down["status"], "allocatable": offered}})
        await memory.tell()
        await asyncio.sleep(2)
        assert cluster.inventory().nodes[0].gpus == {L40S: 8}
        labels = (await memory.get(kinds.NODE, None, "l40s-1"))["metadata"]["labels"]
        assert labels["akash.network/capabilities.gpu.vendor.nvidia.model.l40s"] == "8"
    memory.put(real_node("kubeadm-control-plane"))
    async with watched(memory) as cluster:
        assert {n.name: n.why_not for n in cluster.nodes()} == {
            "cp-1": "taint node-role.kubernetes.io/control-plane",
            "l40s-1": "taint nvidia.com/gpu",
        }


async def test_a_changed_list_of_gpus_is_taken_over_and_a_wrong_one_is_not(memory: Memory, tmp_path: Path) -> None:
    file = tmp_path / "gpus.json"
    entry = '{"10de": {"name": "nvidia", "devices": {"20b2": {"name": "%s"}}}}'
    file.write_text(entry % "first")
    memory.put(real_node("gpu-operator-a100"))
    memory.objects[kinds.NODE, "", "a100-1"]["metadata"]["labels"].pop("nvidia.com/gpu.product")
    async with watched(memory, SETTINGS.model_copy(update={"gpus": file})) as cluster:

        async def model() -> str:
            await asyncio.sleep(60)
            (card,) = cluster.inventory().nodes[0].gpus
            return card.model

        assert await model() == "first"
        file.write_text("{")
        assert await model() == "first"
        file.write_text(entry % "second")
        assert await model() == "second"
        labels = (await memory.get(kinds.NODE, None, "a100-1"))["metadata"]["labels"]
        assert "akash.network/capabilities.gpu.vendor.nvidia.model.second" in labels


async def test_a_wrong_list_of_gpus_is_told_at_start(memory: Memory, tmp_path: Path) -> None:
    (tmp_path / "gpus.json").write_text("{")
    with pytest.raises(ConfigError, match=r"gpus\.json.*not JSON"):
        Cluster(memory, SETTINGS.model_copy(update={"gpus": tmp_path / "gpus.json"}))  # type: ignore[arg-type]


async def test_classes_ports_and_addresses_follow_the_settings(memory: Memory) -> None:
    settings = SETTINGS.model_copy(
        update={"storage_classes": {"beta3": "fast"}, "ip_pool": "tenants", "node_ports": 5000}
    )
    memory.put(node())
    memory.put({"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": "fast"}})
    for name, addresses in (("tenants", ["10.0.0.0/29"]), ("others", ["10.9.0.0/16"])):
        kind = {"apiVersion": "metallb.io/v1beta1", "kind": "IPAddressPool"}
        memory.put({**kind, "metadata": {"name": name, "namespace": "m"}, "spec": {"addresses": addresses}})
    balancer = {"type": "LoadBalancer", "ports": [{"port": 80, "nodePort": 30080}]}
    memory.put(
        {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "ingress", "namespace": "i"}, "spec": balancer,
         "status": {"loadBalancer": {"ingress": [{"ip": "10.0.0.1"}]}}}
    )  # fmt: skip
    async with watched(memory, settings) as cluster:
        await asyncio.sleep(2)
        found = cluster.inventory()
        assert found.storage_bytes == {"beta3": 1 << 40}
        assert found.nodes[0].classes == {"beta3"}
        assert (found.node_ports, found.leased_ips) == (2767, 7)
        volume = replace(
            SIZE, storage=(Storage("data", GI, (Attribute("persistent", "true"), Attribute("class", "beta3"))),)
        )
        group = ManifestGroup("west", (replace(WEB, resources=volume),))
        await cluster.deploy(LEASE, group, {}, "r1")
        made = await memory.get(kinds.STATEFUL_SET, NS, "web")
        assert made["spec"]["volumeClaimTemplates"][0]["spec"]["storageClassName"] == "fast"
    async with watched(memory) as cluster:
        assert cluster.inventory().leased_ips == 0, "no address is sold that the operator has not offered"


async def test_the_inventory_is_made_anew_only_when_something_moved(memory: Memory) -> None:
    memory.put(node(**{"akash.network": "true"}))
    async with watched(memory) as cluster:
        before, version = cluster.inventory(), cluster.inventory_version
        assert cluster.inventory() is before
        memory.put(node("n2", **{"akash.network": "true"}))
        await memory.tell()
        assert cluster.inventory_version > version
        assert [n.name for n in cluster.inventory().nodes] == ["n1", "n2"]


async def test_a_burst_of_changes_is_told_once(memory: Memory) -> None:
    async with watched(memory) as cluster:
        await asyncio.sleep(2)
        heard: list[LeaseID | None] = []
        cluster.on_change(heard.append)
        for n in range(20):
            memory.put(node(f"n{n}", **{"akash.network": "true"}))
        await memory.tell()
        assert heard == []
        await asyncio.sleep(2)
        assert heard == [None]


async def test_a_manifest_is_stored_and_heard_of(memory: Memory) -> None:
    async with watched(memory) as cluster:
        heard: list[LeaseID | None] = []
        cluster.on_change(heard.append)
        await cluster.store_manifest(LEASE, GROUP, {})
        assert cluster.leases() == {LEASE: StoredManifest(LEASE, GROUP, {})}
        assert heard == [LEASE]


async def test_whether_there_is_a_manifest_is_asked_anew_where_mirrors_may_be_late(memory: Memory) -> None:
    async with watched(memory) as cluster:
        assert not await cluster.has_manifest(LEASE)
        await cluster.store_manifest(LEASE, GROUP, {})
        assert await cluster.has_manifest(LEASE)


async def test_what_could_never_run_is_not_stored(memory: Memory) -> None:
    twice = replace(WEB, params=Params((StorageParams("nowhere", "/data", False),)))
    async with watched(memory) as cluster:
        with pytest.raises(Refused, match="nowhere"):
            await cluster.store_manifest(LEASE, ManifestGroup("west", (twice,)), {})
        assert memory.objects == {}
        with pytest.raises(Refused, match="nowhere"):
            await cluster.deploy(LEASE, ManifestGroup("west", (twice,)), {}, "1")


async def test_a_deployment_stands_shielded_and_reachable(memory: Memory) -> None:
    async with watched(memory) as cluster:
        await cluster.deploy(LEASE, GROUP, {}, "r1")
        applied = [what for what in memory.done if what.startswith("apply")]
        assert applied[0] == f"apply namespaces/{NS}"
        assert applied.index("apply networkpolicies/akash-deployment-restrictions") < applied.index(
            "apply deployments/web"
        )
        assert cluster.namespaces() == {LEASE}
        status = cluster.lease_status(LEASE)
        assert status is not None
        assert status["services"]["web"]["total"] == 2
        assert "a.example" in status["services"]["web"]["uris"]
        assert len(status["services"]["web"]["uris"]) == 2, "its own and the generated one"
        assert list(status["forwarded_ports"]) == ["web"]


async def test_doing_it_again_changes_nothing_and_a_new_manifest_leaves_nothing_over(memory: Memory) -> None:
    async with watched(memory) as cluster:
        await cluster.deploy(LEASE, GROUP, {}, "r1")
        first = set(memory.objects)
        await cluster.deploy(LEASE, GROUP, {}, "r1")
        assert set(memory.objects) == first

        inner = replace(WEB, expose=(replace(HTTP, global_=False, hosts=None),))
        await cluster.deploy(LEASE, ManifestGroup("west", (inner,)), {}, "r2")
        left = {(kind.plural, name) for kind, _, name in memory.objects}
        assert ("deployments", "web") in left
        assert not {"ingresses", "providerhosts"} & {plural for plural, _ in left}
        assert ("services", "web-np") not in left


async def test_a_service_that_starts_to_keep_volumes_changes_its_workload(memory: Memory) -> None:
    disk = Storage("data", GI, ())
    disk = replace(disk, attributes=_attributes(persistent="true", **{"class": "beta3"}))
    keeps = replace(
        WEB, resources=replace(SIZE, storage=(disk,)), params=Params((StorageParams("data", "/data", False),))
    )
    async with watched(memory) as cluster:
        await cluster.deploy(LEASE, GROUP, {}, "r1")
        await cluster.deploy(LEASE, ManifestGroup("west", (keeps,)), {}, "r2")
        workloads = {kind.plural for kind, _, name in memory.objects if name == "web"}
        assert "statefulsets" in workloads
        assert "deployments" not in workloads


def _attributes(**pairs: str) -> Any:
    from manifests.resources import Attribute

    return tuple(Attribute(key, value) for key, value in pairs.items())


async def test_nothing_runs_when_the_shield_fails(memory: Memory) -> None:
    memory.trouble["apply networkpolicies/akash-deployment-restrictions"] = Retry("503")
    async with watched(memory) as cluster:
        with pytest.raises(Retry):
            await cluster.deploy(LEASE, GROUP, {}, "r1")
        assert "apply deployments/web" not in memory.done
        await cluster.deploy(LEASE, GROUP, {}, "r1")
        assert "apply deployments/web" in memory.done


async def test_another_tenants_host_name_stays_theirs(memory: Memory) -> None:
    """The rest of the lease runs; the tenant is told."""
    async with watched(memory) as cluster:
        await cluster.deploy(THEIRS, GROUP, {}, "r1")
        await cluster.deploy(LEASE, GROUP, {}, "r1")
        assert cluster.namespaces() == {THEIRS, LEASE}
        assert [(w.name, w.why) for w in cluster.reach.waiting(LEASE)] == [("a.example", Why.IN_USE)]
        status = cluster.lease_status(LEASE)
        assert status is not None
        assert len(status["services"]["web"]["uris"]) == 1, "the generated one"


async def test_teardown_leaves_nothing(memory: Memory) -> None:
    async with watched(memory) as cluster:
        for lease in (LEASE, THEIRS):
            group = GROUP if lease == LEASE else ManifestGroup("west", (replace(WEB, expose=(SSH,)),))
            await cluster.store_manifest(lease, group, {})
            await cluster.deploy(lease, group, {}, "r1")
        assert not await cluster.teardown(LEASE), "its namespace is asked to go, and not waited for"
        assert LEASE in cluster.traces()
        assert await cluster.teardown(LEASE)
        assert cluster.namespaces() == cluster.traces() == {THEIRS}
        assert cluster.leases().keys() == {THEIRS}
        left = {ns or name for _, ns, name in memory.objects}
        assert left == {"lease", lease_namespace(THEIRS)}
        assert cluster.lease_status(LEASE) is None
        assert await cluster.teardown(LEASE)


async def test_one_that_goes_before_the_mirrors_show_it_is_going_all_the_same(memory: Memory) -> None:
    async with watched(memory) as cluster:
        await cluster.store_manifest(LEASE, GROUP, {})
        await cluster.deploy(LEASE, GROUP, {}, "r1")
        memory.trouble[f"delete namespaces/{NS}"] = Conflict("The system is ensuring all content is removed")
        assert not await cluster.teardown(LEASE)
        assert LEASE in cluster.leases(), "by its Manifest a restart finds the rest"


async def test_a_namespace_that_is_going_is_asked_once_and_says_what_it_waits_for(memory: Memory) -> None:
    async with watched(memory) as cluster:
        await cluster.store_manifest(LEASE, GROUP, {})
        await cluster.deploy(LEASE, GROUP, {}, "r1")
        there = await memory.get(kinds.NAMESPACE, None, NS)
        going = {**there["metadata"], "deletionTimestamp": "2026-01-01T00:00:00Z"}
        there_unix_s = 1767225600
        why = {"type": "NamespaceFinalizersRemaining", "status": "True", "message": "x.example/keep in 1 resource"}
        memory.put({**there, "metadata": going, "status": {"conditions": [why]}})
        await memory.tell()
        memory.done.clear()
        assert not await cluster.teardown(LEASE)
        assert memory.done == []
        assert cluster.stuck(there_unix_s + 300) == []
        (found,) = cluster.stuck(there_unix_s + 301)
        assert (found.name, found.waits_for) == (NS, "x.example/keep in 1 resource")
        memory.drop(kinds.NAMESPACE, "", NS)
        await memory.tell()
        assert await cluster.teardown(LEASE)
        assert memory.objects == {}


@pytest.mark.parametrize("what", ["namespace", "workload", "isolation", "an opening", "service"])
async def test_what_stands_is_namespace_isolation_and_workloads(memory: Memory, what: str) -> None:
    async with watched(memory) as cluster:
        await cluster.store_manifest(LEASE, GROUP, {})
        assert not cluster.stands(LEASE)
        await cluster.deploy(LEASE, GROUP, {}, "r1")
        assert cluster.stands(LEASE)
        kind, namespace, name = {
            "namespace": (kinds.NAMESPACE, "", NS),
            "workload": (kinds.DEPLOYMENT, NS, "web"),
            "isolation": (kinds.NETWORK_POLICY, NS, "akash-deployment-restrictions"),
            "an opening": (kinds.NETWORK_POLICY, NS, "akash-web-np"),
            "service": (kinds.SERVICE, NS, "web"),
        }[what]
        memory.drop(kind, namespace, name)
        await memory.tell()
        assert not cluster.stands(LEASE)


@pytest.mark.parametrize(
    ("kind", "name"), [(kinds.NETWORK_POLICY, "akash-deployment-restrictions"), (kinds.DEPLOYMENT, "web")], ids=str
)
async def test_what_somebody_edits_does_not_stand_until_it_is_deployed_again(
    memory: Memory, kind: kinds.Kind, name: str
) -> None:
    async with watched(memory) as cluster:
        await cluster.store_manifest(LEASE, GROUP, {})
        await cluster.deploy(LEASE, GROUP, {}, "r1")
        found = memory.objects[kind, NS, name]
        memory.put({**found, "metadata": {**found["metadata"], "generation": 2}})
        await memory.tell()
        assert not cluster.stands(LEASE)
        await cluster.deploy(LEASE, GROUP, {}, "r1")
        assert cluster.stands(LEASE)


async def test_one_forgotten_resource_is_a_trace(memory: Memory) -> None:
    labels = {"akash.network": "true", **route_labels(LEASE)}
    for kind in ("ProviderHost", "ProviderLeasedIP", "Manifest"):
        api = {"apiVersion": "akash.network/v2beta2", "kind": kind}
        memory.put({**api, "metadata": {"name": "left", "namespace": "lease", "labels": labels}, "spec": {}})
        async with watched(memory) as cluster:
            assert cluster.traces() == {LEASE}
        memory.objects.clear()


async def cleared(cluster: Cluster) -> None:
    while not await cluster.teardown(LEASE):
        pass


@pytest.mark.parametrize("step", [f"delete namespaces/{NS}", "list providerhosts", f"delete manifests/{NS}"])
async def test_a_teardown_interrupted_anywhere_is_found_and_finished(memory: Memory, step: str) -> None:
    async with watched(memory) as cluster:
        await cluster.store_manifest(LEASE, GROUP, {})
        await cluster.deploy(LEASE, GROUP, {}, "r1")
        memory.trouble[step] = Retry("the API server went away")
        with pytest.raises(Retry):
            await cleared(cluster)
    async with watched(memory) as cluster:
        assert LEASE in cluster.leases(), "what a restart finds it by"
        await cleared(cluster)
        assert memory.objects == {}


async def test_volumes_kept_after_their_lease_take_room_until_their_time_is_over(memory: Memory) -> None:
    kept = {"name": "v", "labels": {"akash.network/retained": "true", **route_labels(LEASE)}}
    spec = {"capacity": {"storage": "100Gi"}, "storageClassName": "beta3", "claimRef": {"name": "web-data-web-0"}}
    volume = {"apiVersion": "v1", "kind": "PersistentVolume", "spec": spec}
    memory.put({"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": "beta3"}})

    def put(phase: str) -> None:
        until = {"akash.network/retained-until": "5000"}
        memory.put({**volume, "metadata": {**kept, "annotations": until}, "status": {"phase": phase}})

    put("Released")
    async with watched(memory, SETTINGS.model_copy(update={"retain_volumes_h": 1})) as cluster:
        assert cluster.inventory().storage_bytes["beta3"] == (1 << 40) - 100 * GI
        assert (cluster.expired(4999), cluster.expired(5000)) == ([], ["v"])
        put("Bound")
        await memory.tell()
        assert cluster.inventory().storage_bytes["beta3"] == 1 << 40, "its claim is counted instead"
        assert cluster.expired(5000) == []
    async with watched(memory) as cluster:
        assert cluster.expired(5000) == [], "nothing is kept, and no right to look at volumes is needed"


async def test_health_tells_each_service_of_the_manifest(memory: Memory) -> None:
    async with watched(memory) as cluster:
        await cluster.store_manifest(LEASE, GROUP, {})
        assert cluster.health(LEASE) == {"web": ServiceHealth(0, 2, "not deployed yet", Cause.STARTING)}
        await cluster.deploy(LEASE, GROUP, {}, "r1")
        memory.put(node())
        memory.put(pod("web-a", containerStatuses=[{"state": {"waiting": {"reason": "ErrImagePull"}}}]))
        await memory.tell()
        assert cluster.health(LEASE) == {"web": ServiceHealth(0, 2, "web-a: ErrImagePull", Cause.IMAGE_PULL)}
        memory.drop(kinds.NODE, "", "n1")
        await memory.tell()
        assert cluster.health(LEASE)["web"].cause is Cause.NODE_LOST
        assert [p.name for p in cluster.pods(LEASE, "web")] == ["web-a"]
        assert cluster.pods(LEASE, "db") == []


async def test_a_leases_pods_are_the_leases_in_the_inventory(memory: Memory) -> None:
    memory.put(node(**{"akash.network": "true"}))
    async with watched(memory) as cluster:
        await cluster.deploy(LEASE, GROUP, {}, "r1")
        memory.put(pod("web-a"))
        await memory.tell()
        found = cluster.inventory()
        assert found.lease_pods == {LEASE: (BoundPod("n1", Ask(500, GI, GI)),)}
        assert found.nodes[0].cpu_milli == 8000


async def test_whether_a_manifest_could_be_stored_is_told_without_storing_it(memory: Memory) -> None:
    impossible = ManifestGroup("west", (WEB, WEB))
    async with watched(memory) as cluster:
        await cluster.store_manifest(LEASE, GROUP, {}, dry_run=True)
        with pytest.raises(Refused, match="named 'web' too"):
            await cluster.store_manifest(LEASE, impossible, {}, dry_run=True)
        assert memory.objects == {}
        assert memory.done == []
        await cluster.store_manifest(LEASE, GROUP, {})
        assert memory.done == [f"apply manifests/{NS}"]


async def test_a_size_that_is_none_is_told_before_anything_starts(memory: Memory) -> None:
    with pytest.raises(ConfigError, match=r"cluster.storage.beta3"):
        Cluster(memory, ClusterSettings(storage={"beta3": "lots"}))  # type: ignore[arg-type]


async def test_freshness(memory: Memory) -> None:
    async with watched(memory) as cluster:
        assert cluster.fresh
        assert cluster.stale_s == 0
        assert cluster.api_servers == ()


def runtime(name: str, **overhead: str) -> dict[str, Any]:
    made = {"apiVersion": "node.k8s.io/v1", "kind": "RuntimeClass", "metadata": {"name": name}, "handler": name}
    return {**made, "overhead": {"podFixed": overhead}} if overhead else made


async def test_runtime_classes_come_and_go(memory: Memory) -> None:
    """What is sold follows at once, and a lease whose pods cannot be made is the provider's trouble."""
    settings = SETTINGS.model_copy(update={"isolation": IsolationSettings(runtime_class="kata")})
    memory.put(real_node("gpu-operator-a100"))
    async with watched(memory, settings) as cluster:
        await asyncio.sleep(2)
        assert list(cluster.runtimes_lacking()) == ["kata", "nvidia"]
        told: list[LeaseID | None] = []
        cluster.on_change(told.append)
        memory.put(runtime("kata", cpu="250m", memory="160Mi"))
        memory.put(runtime("nvidia"))
        await memory.tell()
        await asyncio.sleep(2)
        assert told == [None]
        assert cluster.runtimes_lacking() == {}
        assert cluster.inventory().runtimes.overhead("kata") == Overhead(250, 160 << 20)

        await cluster.store_manifest(LEASE, GROUP, {})
        await cluster.deploy(LEASE, GROUP, {}, "1")
        assert cluster.health(LEASE)["web"].cause is Cause.STARTING
        memory.drop(kinds.RUNTIME_CLASS, "", "kata")
        await memory.tell()
        await asyncio.sleep(2)
        assert list(cluster.runtimes_lacking()) == ["kata"]
        assert cluster.health(LEASE)["web"].cause is Cause.ADMISSION
        assert "'kata'" in cluster.health(LEASE)["web"].reason


def api_servers(*addresses: str) -> dict[str, Any]:
    metadata = {
        "name": "kubernetes", "namespace": "default", "labels": {"kubernetes.io/service-name": "kubernetes"},
    }  # fmt: skip
    ends = [{"addresses": [address]} for address in addresses]
    kind = kinds.ENDPOINT_SLICE
    return {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": metadata, "endpoints": ends,
            "ports": [{"port": 6443}]}  # fmt: skip


async def test_leases_whose_policies_name_the_api_servers_are_told_when_these_move(memory: Memory) -> None:
    """One with permissions is opened another way; one without has a private address closed to it already."""
    may_read = replace(WEB, params=Params((), permissions=Permissions(("logs",))))
    reads = ManifestGroup("west", (may_read,))
    memory.put(api_servers("10.0.0.1"))
    async with watched(memory) as cluster:
        for lease, group in ((LEASE, reads), (THEIRS, GROUP)):
            await cluster.store_manifest(lease, group, {})
            await cluster.deploy(lease, group, {}, "1")
        await asyncio.sleep(2)
        before, told = list(memory.done), []
        cluster.on_change(told.append)

        async def moved(*addresses: str) -> tuple[bool, bool]:
            memory.put(api_servers(*addresses))
            await memory.tell()
            await asyncio.sleep(60)
            return cluster.outdated(LEASE), cluster.outdated(THEIRS)

        assert await moved("10.0.0.1") == (False, False)
        assert await moved() == (False, False), "one that is restarted takes its address away for a moment"
        assert told == []
        assert await moved("10.0.0.2") == (True, False)
        assert set(told) == {LEASE, THEIRS}
        assert memory.done == before, "nothing is asked for it"
        await cluster.deploy(LEASE, reads, {}, "1")
        assert not cluster.outdated(LEASE)
        policy = await memory.get(kinds.NETWORK_POLICY, NS, "akash-apiserver-web")
        assert policy["spec"]["egress"][0]["to"] == [{"ipBlock": {"cidr": "10.0.0.2/32"}}]
        assert await moved("203.0.113.7") == (True, True), "a public address is closed to all"
