"""Changes that cannot be made in place, against the embedded API server (whose answers tests/contract compares with a
real one)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest

from provider.cluster.api.kinds import (
    DEPLOYMENT,
    NAMESPACE,
    PERSISTENT_VOLUME_CLAIM,
    POD,
    ROLE_BINDING,
    STATEFUL_SET,
    STORAGE_CLASS,
    Kind,
)
from provider.cluster.api.kube import Kube
from provider.cluster.objects.apply import apply_all
from provider.errors import NotFound, Refused, Retry
from provider.sandbox.cluster import EmbeddedCluster
from provider.settings import ClusterSettings

NS = "lease-1"
LABELS = {"akash.network": "true", "akash.network/manifest-service": "db"}


@dataclass
class World:
    server: EmbeddedCluster
    kube: Kube

    async def uid(self, kind: Kind, name: str) -> str:
        return str((await self.kube.get(kind, NS, name))["metadata"]["uid"])

    async def size(self, claim: str) -> str:
        found = await self.kube.get(PERSISTENT_VOLUME_CLAIM, NS, claim)
        return str(found["spec"]["resources"]["requests"]["storage"])

    async def until(self, kind: Kind, name: str, good: Any) -> Any:
        while True:
            try:
                found = await self.kube.get(kind, NS, name)
            except NotFound:
                found = None
            if good(found):
                return found
            await asyncio.sleep(0.02)


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with (
        EmbeddedCluster(ready_after_s=0.02, stop_after_s=0.02) as server,
        Kube.connect(ClusterSettings(kubeconfig=server.kubeconfig)) as kube,
    ):
        await kube.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NS}})
        yield World(server, kube)


def obj(kind: Kind, name: str, **rest: Any) -> dict[str, Any]:
    metadata = {"name": name, "namespace": NS, "labels": LABELS}
    return {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": metadata, **rest}


def spec(image: str = "db:1", replicas: int = 1) -> dict[str, Any]:
    template = {"metadata": {"labels": LABELS}, "spec": {"containers": [{"name": "db", "image": image}]}}
    return {"replicas": replicas, "selector": {"matchLabels": LABELS}, "template": template}


def stateful(size: str = "1Gi", storage_class: str = "beta2", **how: Any) -> dict[str, Any]:
    claim = {
        "metadata": {"name": "db-data"},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "storageClassName": storage_class,
            "resources": {"requests": {"storage": size}},
        },
    }
    return obj(STATEFUL_SET, "db", spec={**spec(**how), "volumeClaimTemplates": [claim]})


def deployment(**how: Any) -> dict[str, Any]:
    return obj(DEPLOYMENT, "db", spec=spec(**how))


def running(found: Any) -> bool:
    return found is not None and found.get("status", {}).get("phase") == "Running"


async def test_volumes_grow_while_their_pods_run_on(world: World) -> None:
    await apply_all(world.kube, [stateful(replicas=2)])
    pods = {name: (await world.until(POD, name, running))["metadata"]["uid"] for name in ("db-0", "db-1")}
    await apply_all(world.kube, [stateful("3Gi", replicas=2)])
    found = await world.kube.get(STATEFUL_SET, NS, "db")
    assert found["spec"]["volumeClaimTemplates"][0]["spec"]["resources"]["requests"]["storage"] == "3Gi"
    assert [await world.size(f"db-data-db-{n}") for n in (0, 1)] == ["3Gi", "3Gi"]
    for name, uid in pods.items():
        kept = await world.until(POD, name, lambda p: bool(p and p["metadata"].get("ownerReferences")))
        assert kept["metadata"]["uid"] == uid, "its container has not even been restarted"


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        (stateful("512Mi"), "volume db-data has 1Gi and cannot shrink to 512Mi"),
        (stateful(storage_class="beta3"), "is of class beta2 and cannot become beta3: what is on it would be lost"),
    ],
    ids=["smaller", "another class"],
)
async def test_a_volume_that_would_lose_its_data_is_refused_in_words_for_the_tenant(
    world: World, wanted: dict[str, Any], told: str
) -> None:
    await apply_all(world.kube, [stateful()])
    before = await world.uid(STATEFUL_SET, "db")
    with pytest.raises(Refused, match=told):
        await apply_all(world.kube, [wanted])
    assert await world.uid(STATEFUL_SET, "db") == before


async def test_a_class_that_does_not_grow_leaves_everything_as_it_was(world: World) -> None:
    fixed = {"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": "fixed"}}
    await world.kube.apply({**fixed, "provisioner": "x"})
    assert not (await world.kube.get(STORAGE_CLASS, None, "fixed")).get("allowVolumeExpansion")
    await apply_all(world.kube, [stateful(storage_class="fixed")])
    await world.until(POD, "db-0", running)
    before = await world.uid(STATEFUL_SET, "db")
    with pytest.raises(Refused, match="must support resize"):
        await apply_all(world.kube, [stateful("2Gi", "fixed")])
    assert (await world.uid(STATEFUL_SET, "db"), await world.size("db-data-db-0")) == (before, "1Gi")


@pytest.mark.parametrize(
    ("was", "becomes"),
    [(deployment(), stateful()), (stateful(), deployment())],
    ids=["gets a volume", "gives up its volume"],
)
async def test_a_service_that_becomes_another_kind_runs_once(
    world: World, was: dict[str, Any], becomes: dict[str, Any]
) -> None:
    await apply_all(world.kube, [was])
    old = STATEFUL_SET if was["kind"] == "StatefulSet" else DEPLOYMENT
    await apply_all(world.kube, [becomes], {(old, "db")})
    with pytest.raises(NotFound):
        await world.kube.get(old, NS, "db")
    for _ in range(500):
        pods = await world.kube.all(POD, NS)
        if len(pods) == 1 and running(pods[0]):
            break
        await asyncio.sleep(0.02)
    assert len(pods) == 1


async def test_a_kind_that_would_be_refused_does_not_cost_the_one_that_runs(world: World) -> None:
    await apply_all(world.kube, [deployment()])
    bad = stateful()
    bad["spec"]["template"]["spec"]["containers"][0]["image"] = " space "
    bad["spec"]["replicas"] = -1
    with pytest.raises(Refused, match="greater than or equal"):
        await apply_all(world.kube, [bad], {(DEPLOYMENT, "db")})
    await world.kube.get(DEPLOYMENT, NS, "db")


async def test_what_is_bad_in_itself_is_told_in_the_api_servers_words_and_nothing_is_deleted(world: World) -> None:
    await apply_all(world.kube, [deployment()])
    before = await world.uid(DEPLOYMENT, "db")
    with pytest.raises(Refused, match=r"spec\.replicas"):
        await apply_all(world.kube, [deployment(replicas=-1)])
    assert await world.uid(DEPLOYMENT, "db") == before


async def test_what_cannot_be_merged_at_all_costs_nobody_their_workload(world: World) -> None:
    await apply_all(world.kube, [deployment()])
    before = await world.uid(DEPLOYMENT, "db")
    twice = deployment()
    twice["spec"]["template"]["spec"]["containers"][0]["env"] = [{"name": "A", "value": "1"}] * 2
    with pytest.raises(Refused, match="duplicate"):
        await apply_all(world.kube, [twice])
    assert await world.uid(DEPLOYMENT, "db") == before


async def test_what_was_to_stay_as_found_and_has_gone_is_no_fault_of_the_manifest(world: World) -> None:
    with pytest.raises(Retry, match="has gone since"):
        await apply_all(world.kube, [obj(DEPLOYMENT, "db", spec={"replicas": 1})])


async def test_another_selector_or_role_is_put_anew(world: World) -> None:
    await apply_all(world.kube, [deployment()])
    other = deployment()
    other["spec"]["selector"] = {"matchLabels": {"akash.network": "true"}}
    await apply_all(world.kube, [other])
    found = await world.kube.get(DEPLOYMENT, NS, "db")
    assert found["spec"]["selector"] == {"matchLabels": {"akash.network": "true"}}

    def binding(role: str) -> dict[str, Any]:
        ref = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": role}
        return obj(ROLE_BINDING, "db", roleRef=ref, subjects=[])

    await apply_all(world.kube, [binding("a")])
    await apply_all(world.kube, [binding("b")])
    assert (await world.kube.get(ROLE_BINDING, NS, "db"))["roleRef"]["name"] == "b"


async def test_a_namespace_is_never_deleted_for_a_change(world: World) -> None:
    before = (await world.kube.get(NAMESPACE, None, NS))["metadata"]["uid"]
    bad = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NS, "labels": {"x": "not a label!"}}}
    with pytest.raises(Refused, match="label"):
        await apply_all(world.kube, [bad])
    assert (await world.kube.get(NAMESPACE, None, NS))["metadata"]["uid"] == before


async def test_killed_between_deleting_and_putting_anew_the_next_try_finishes(world: World) -> None:
    await apply_all(world.kube, [stateful()])
    pod = (await world.until(POD, "db-0", running))["metadata"]["uid"]
    await world.kube.delete(STATEFUL_SET, NS, "db", orphan=True)
    await apply_all(world.kube, [stateful("2Gi")])
    kept = await world.until(POD, "db-0", lambda p: bool(p and p["metadata"].get("ownerReferences")))
    assert kept["metadata"]["uid"] == pod
