"""The facade over a cluster in memory: a lease from manifest to namespace and away again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from bidengine.node import Ask, BoundPod
from manifests.ids import LeaseID, lease_namespace
from manifests.manifest import Expose, HttpOptions, ManifestGroup, Params, Service, StorageParams
from manifests.render.crd import StoredManifest
from manifests.render.names import pod_labels
from manifests.resources import Cpu, Gpu, Resources, Storage
from manifests.resources import Memory as Ram
from provider.cluster.cluster import Cluster
from provider.cluster.workloads import ServiceHealth, Whose
from provider.errors import ConfigError, Refused, Retry
from provider.settings import ClusterSettings

from .conftest import Memory

LEASE = LeaseID("akash1o", 1, 1, 1, "akash1p")
THEIRS = LeaseID("akash1x", 2, 1, 1, "akash1p")
NS = lease_namespace(LEASE)
GI = 1 << 30
SETTINGS = ClusterSettings(public_hostname="p.example", ingress_domain="ingress.p.example", storage={"beta3": "1Ti"})
SIZE = Resources(1, Cpu(500), Ram(GI), (Storage("default", GI),), Gpu())
HTTP = Expose(8080, 80, "TCP", "", True, ("a.example",), HttpOptions(), "", 0)
SSH = Expose(22, 0, "TCP", "", True, None, HttpOptions(), "", 0)
WEB = Service("web", "nginx", None, None, None, SIZE, 2, (HTTP, SSH))
GROUP = ManifestGroup("west", (WEB,))

pytestmark = pytest.mark.looptime


@asynccontextmanager
async def watched(memory: Memory, settings: ClusterSettings = SETTINGS) -> AsyncIterator[Cluster]:
    async with asyncio.TaskGroup() as tasks:
        yield await Cluster.watch(memory, settings, tasks)  # type: ignore[arg-type]
        for task in tasks._tasks:  # type: ignore[attr-defined]
            task.cancel()


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
    async with watched(memory) as cluster:
        await cluster.deploy(THEIRS, GROUP, {}, "r1")
        with pytest.raises(Refused, match=r"a\.example"):
            await cluster.deploy(LEASE, GROUP, {}, "r1")
        assert cluster.namespaces() == {THEIRS}


async def test_teardown_leaves_nothing(memory: Memory) -> None:
    async with watched(memory) as cluster:
        for lease in (LEASE, THEIRS):
            group = GROUP if lease == LEASE else ManifestGroup("west", (replace(WEB, expose=(SSH,)),))
            await cluster.store_manifest(lease, group, {})
            await cluster.deploy(lease, group, {}, "r1")
        await cluster.teardown(LEASE)
        assert cluster.namespaces() == {THEIRS}
        assert cluster.leases().keys() == {THEIRS}
        left = {ns or name for _, ns, name in memory.objects}
        assert left == {"lease", lease_namespace(THEIRS)}
        assert cluster.lease_status(LEASE) is None
        await cluster.teardown(LEASE)


@pytest.mark.parametrize("step", [f"delete namespaces/{NS}", "list providerhosts", f"delete manifests/{NS}"])
async def test_a_teardown_interrupted_anywhere_is_found_and_finished(memory: Memory, step: str) -> None:
    async with watched(memory) as cluster:
        await cluster.store_manifest(LEASE, GROUP, {})
        await cluster.deploy(LEASE, GROUP, {}, "r1")
        memory.trouble[step] = Retry("the API server went away")
        with pytest.raises(Retry):
            await cluster.teardown(LEASE)
    async with watched(memory) as cluster:
        assert LEASE in cluster.leases(), "what a restart finds it by"
        await cluster.teardown(LEASE)
        assert memory.objects == {}


async def test_health_tells_each_service_of_the_manifest(memory: Memory) -> None:
    async with watched(memory) as cluster:
        await cluster.store_manifest(LEASE, GROUP, {})
        assert cluster.health(LEASE) == {"web": ServiceHealth(0, 2, "not deployed yet")}
        await cluster.deploy(LEASE, GROUP, {}, "r1")
        memory.put(pod("web-a", containerStatuses=[{"state": {"waiting": {"reason": "ErrImagePull"}}}]))
        await memory.tell()
        assert cluster.health(LEASE) == {"web": ServiceHealth(0, 2, "web-a: ErrImagePull", Whose.TENANT)}
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


async def test_a_size_that_is_none_is_told_before_anything_starts(memory: Memory) -> None:
    with pytest.raises(ConfigError, match=r"cluster.storage.beta3"):
        Cluster(memory, ClusterSettings(storage={"beta3": "lots"}))  # type: ignore[arg-type]


async def test_freshness(memory: Memory) -> None:
    async with watched(memory) as cluster:
        assert cluster.fresh
        assert cluster.stale_s == 0
        assert cluster.api_servers == ()
