"""Manifests that are refused, half way or by one part only, against the embedded API server: what stood goes on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from manifests.manifest import ManifestGroup, Params, Service, StorageParams
from manifests.resources import Attribute, Gpu, Storage
from provider.cluster.api import kinds
from provider.cluster.api.kube import Kube
from provider.cluster.cluster import Cluster
from provider.errors import Blame, NotFound, Refused
from provider.market.leases.conditions import conditions
from provider.sandbox.cluster import EmbeddedCluster
from provider.settings import ClusterSettings
from tests.provider.cluster.following import following
from tests.provider.cluster.test_every_step import GI, LEASE, NS, WEB, _install, http, size

DISK = Storage("data", GI, (Attribute("class", "beta2"), Attribute("persistent", "true")))
DB = Service(
    "db", "db:1", None, None, None, size(DISK), 1, (http("b.example"),),
    params=Params(storage=(StorageParams("data", "/data", False),)),
)  # fmt: skip
BOTH = ManifestGroup("west", (DB, replace(WEB, expose=(http("a.example"),))))
SMALLER = replace(DB, image="db:2", resources=size(replace(DISK, quantity_bytes=GI // 2)))


@pytest.fixture
async def server() -> AsyncIterator[EmbeddedCluster]:
    async with EmbeddedCluster(ready_after_s=0.0, stop_after_s=0.0) as server:
        _install(server)
        yield server


@asynccontextmanager
async def process(
    server: EmbeddedCluster, *, mark: bool = False, **settings: object
) -> AsyncIterator[tuple[Cluster, Kube]]:
    made = ClusterSettings(
        kubeconfig=server.kubeconfig, ingress_domain="in.example", public_hostname="p.example", **settings
    )  # type: ignore[arg-type]
    async with Kube.connect(made) as kube, following(kube, made, mark=mark) as cluster:
        yield cluster, kube


async def image(kube: Kube, kind: kinds.Kind, name: str) -> str:
    found = await kube.get(kind, NS, name)
    return str(found["spec"]["template"]["spec"]["containers"][0]["image"])


async def until(good: Callable[[], bool]) -> None:
    while True:
        if good():
            return
        await asyncio.sleep(0.02)


async def there(kube: Kube, kind: kinds.Kind, name: str) -> None:
    while True:
        try:
            await kube.get(kind, NS, name)
        except NotFound:
            await asyncio.sleep(0.02)
        else:
            return


async def test_an_update_that_is_refused_changes_nothing(server: EmbeddedCluster) -> None:
    async with process(server) as (cluster, kube):
        await cluster.store_manifest(LEASE, BOTH, {})
        await cluster.deploy(LEASE, BOTH, {}, "one")
        newer = ManifestGroup("west", (replace(BOTH.services[1], image="web:2"), SMALLER))
        with pytest.raises(Refused, match="cannot shrink") as no:
            await cluster.deploy(LEASE, newer, {}, "two", update=True)
        assert no.value.blame is Blame.TENANT
        assert await image(kube, kinds.DEPLOYMENT, "web") == WEB.image
        assert await image(kube, kinds.STATEFUL_SET, "db") == "db:1"
        await cluster.store_manifest(LEASE, newer, {})
        await cluster.deploy(LEASE, BOTH, {}, "one")
        await until(lambda: not cluster.amiss(LEASE))


async def test_a_new_process_applies_no_half_of_an_update_that_is_refused_and_keeps_the_old_ways_in(
    server: EmbeddedCluster,
) -> None:
    async with process(server) as (cluster, _):
        await cluster.store_manifest(LEASE, BOTH, {})
        await cluster.deploy(LEASE, BOTH, {}, "one")
    web = replace(BOTH.services[1], image="web:2", expose=(http("c.example"),))
    newer = ManifestGroup("west", (web, SMALLER))
    async with process(server, mark=True) as (cluster, kube):
        await cluster.store_manifest(LEASE, newer, {})
        assert not cluster.is_update(LEASE, "one"), "an unchanged lease is not rehearsed"
        assert cluster.is_update(LEASE, "two")
        with pytest.raises(Refused, match="cannot shrink"):
            await cluster.deploy(LEASE, newer, {}, "two", update=True)
        assert await image(kube, kinds.DEPLOYMENT, "web") == WEB.image
        await kube.delete(kinds.INGRESS, NS, "a.example")
        await there(kube, kinds.INGRESS, "a.example")
        with pytest.raises(NotFound):
            await kube.get(kinds.INGRESS, NS, "c.example")


async def test_a_process_that_never_deployed_it_shields_what_stands(server: EmbeddedCluster) -> None:
    async with process(server) as (cluster, _):
        await cluster.store_manifest(LEASE, BOTH, {})
        await cluster.deploy(LEASE, BOTH, {}, "one")
    async with process(server) as (cluster, kube):
        newer = ManifestGroup("west", (BOTH.services[1], SMALLER))
        await cluster.store_manifest(LEASE, newer, {})
        with pytest.raises(Refused, match="cannot shrink"):
            await cluster.deploy(LEASE, newer, {}, "two")
        await kube.delete(kinds.NETWORK_POLICY, NS, "akash-deployment-restrictions")
        await until(lambda: bool(cluster.unshielded(LEASE)))
        await cluster.shield(LEASE, newer, {}, "two")
        await there(kube, kinds.NETWORK_POLICY, "akash-deployment-restrictions")
        await until(lambda: not cluster.unshielded(LEASE))
        assert await image(kube, kinds.STATEFUL_SET, "db") == "db:1"


async def test_a_policy_that_was_edited_is_told_by_a_process_that_deployed_it_and_by_one_that_did_not(
    server: EmbeddedCluster,
) -> None:
    def isolated(of: Cluster) -> tuple[str, str]:
        found = next(c for c in conditions(of.facts(LEASE)) if c.type == "Isolated")
        return found.status, found.reason

    async with process(server) as (cluster, kube), process(server) as (other, _):
        await cluster.store_manifest(LEASE, BOTH, {})
        await cluster.deploy(LEASE, BOTH, {}, "one")
        for each in (cluster, other):
            await until(lambda each=each: isolated(each) == ("True", "PoliciesApplied"))  # type: ignore[misc]
        policy = await kube.get(kinds.NETWORK_POLICY, NS, "akash-deployment-restrictions")
        await kube.update({**policy, "spec": {**policy["spec"], "ingress": [{}]}}, manager="somebody")
        for each in (cluster, other):
            await until(lambda each=each: isolated(each) == ("False", "Changed"))  # type: ignore[misc]
        await cluster.shield(LEASE, BOTH, {}, "one")
        for each in (cluster, other):
            await until(lambda each=each: isolated(each) == ("True", "PoliciesApplied"))  # type: ignore[misc]


async def test_what_stands_is_reached_though_the_cluster_refuses_a_part_of_it(server: EmbeddedCluster) -> None:
    """A webhook that refuses one service; the daemon is new."""
    async with process(server) as (cluster, _):
        await cluster.store_manifest(LEASE, BOTH, {})
        await cluster.deploy(LEASE, BOTH, {}, "one")
    async with process(server, mark=True) as (cluster, kube):
        server.faults.fail_next(10**6, 403, method="PATCH", path="statefulsets")
        with pytest.raises(Refused) as no:
            await cluster.deploy(LEASE, BOTH, {}, "one")
        assert no.value.blame is Blame.CLUSTER
        await kube.delete(kinds.INGRESS, NS, "a.example")
        await there(kube, kinds.INGRESS, "a.example")


async def test_volumes_stay_of_the_class_they_were_made_of_when_the_operator_renames_it(
    server: EmbeddedCluster,
) -> None:
    async with process(server) as (cluster, kube):
        await cluster.store_manifest(LEASE, BOTH, {})
        await cluster.deploy(LEASE, BOTH, {}, "one")
        ssd = {"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": "ssd"}}
        await kube.create({**ssd, "provisioner": "x.example/y"})
    newer = ManifestGroup("west", (replace(DB, image="db:2"), BOTH.services[1]))
    async with process(server, storage_classes={"beta2": "ssd"}) as (cluster, kube):
        await cluster.deploy(LEASE, BOTH, {}, "one")
        await cluster.deploy(LEASE, newer, {}, "two", update=True)
        found = await kube.get(kinds.STATEFUL_SET, NS, "db")
        assert found["spec"]["volumeClaimTemplates"][0]["spec"]["storageClassName"] == "beta2"
        assert await image(kube, kinds.STATEFUL_SET, "db") == "db:2"


async def test_a_plan_that_was_lost_is_not_the_tenants_fault(server: EmbeddedCluster) -> None:
    card = replace(WEB, resources=replace(WEB.resources, gpu=Gpu(1, (Attribute("vendor/nvidia/model/a100", "true"),))))
    async with process(server) as (cluster, _):
        with pytest.raises(Refused, match="names no card") as no:
            await cluster.deploy(LEASE, ManifestGroup("west", (card,)), {}, "one")
        assert no.value.blame is Blame.OPERATOR
