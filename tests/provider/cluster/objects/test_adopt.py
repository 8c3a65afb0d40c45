"""Leases that the Go provider made, as recorded from it, taken over where they stand: on the embedded API server and on
a real one, whose controllers would restart any pod with a reason to."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from manifests.digest import revision
from manifests.ids import LeaseID, lease_namespace
from manifests.render.crd import StoredManifest
from provider.cluster.api.kinds import (
    DEPLOYMENT,
    MANIFEST,
    NAMESPACE,
    NODE,
    POD,
    SERVICE,
    STATEFUL_SET,
    Kind,
    kind_of,
)
from provider.cluster.api.kube import Kube, Object, _query
from provider.cluster.api.writers import REFERENCE
from provider.cluster.cluster import Cluster
from provider.errors import Conflict, NotFound, Retry
from provider.sandbox.cluster import EmbeddedCluster
from provider.settings import ClusterSettings
from tests.provider.cluster.following import following, furnish

RECORDED = Path(__file__).resolve().parents[5] / "shared" / "conformance" / "objects"
CASES = ("01-basic", "02-several-services", "04-node-ports", "05-storage-beta2", "08-credentials", "14-leased-ip")

pytestmark = [
    pytest.mark.skipif(not RECORDED.is_dir(), reason="no recorded objects beside this checkout (../shared)"),
    pytest.mark.xdist_group("lease namespace"),
]


@dataclass
class World:
    """One case in one cluster. `made` is what the reference's programs sent, in their order."""

    kube: Kube
    settings: ClusterSettings
    made: list[Object]
    lease: LeaseID = field(init=False)

    @property
    def namespace(self) -> str:
        return lease_namespace(self.lease)

    async def write(self, obj: Object) -> None:
        """As the reference does: a plain create, or a replacement of what is there."""
        kind, metadata = kind_of(obj), obj["metadata"]
        where = metadata.get("namespace")
        query = _query(fieldManager=REFERENCE)
        try:
            await self.kube.call("POST", kind.path(where), query=query, body=obj)
        except Conflict:
            await self._replace(kind, obj, query)

    async def _replace(self, kind: Kind, obj: Object, query: Any) -> None:
        """Somebody who counts its pods, say, may write to it in between; then once more."""
        metadata = obj["metadata"]
        where, name = metadata.get("namespace"), metadata["name"]
        while True:
            live = await self.kube.get(kind, where, name)
            newer = {**obj, "metadata": {**metadata, "resourceVersion": live["metadata"]["resourceVersion"]}}
            if kind is SERVICE:
                newer["spec"] = {**obj["spec"], "clusterIP": live["spec"]["clusterIP"]}
            with suppress(Conflict):
                await self.kube.call("PUT", kind.path(where, name), query=query, body=newer)
                return

    async def pods(self, ready: int) -> dict[str, str]:
        """Name -> uid, once so many are Ready."""
        deadline = time.monotonic() + 600
        while True:
            found = [p for p in await self.kube.all(POD, self.namespace) if "deletionTimestamp" not in p["metadata"]]
            if sum(_is_ready(p) for p in found) == ready == len(found):
                return {p["metadata"]["name"]: p["metadata"]["uid"] for p in found}
            assert time.monotonic() < deadline, f"{len(found)} pods, {ready} wanted"
            await asyncio.sleep(0.05)

    async def workloads(self) -> dict[tuple[Kind, str], Object]:
        return {
            (kind, obj["metadata"]["name"]): obj
            for kind in (DEPLOYMENT, STATEFUL_SET)
            for obj in await self.kube.all(kind, self.namespace)
        }

    async def node_ports(self) -> dict[str, Any]:
        return {
            s["metadata"]["name"]: {(p["port"], p["protocol"]): p.get("nodePort") for p in s["spec"]["ports"]}
            for s in await self.kube.all(SERVICE, self.namespace)
        }

    @asynccontextmanager
    async def daemon(self) -> AsyncIterator[Cluster]:
        """Another process: it knows only what stands in the cluster."""
        async with following(self.kube, self.settings, mark=False) as cluster:
            yield cluster

    async def deploy(self, cluster: Cluster, change: Callable[[StoredManifest], StoredManifest] | None = None) -> None:
        stored = cluster.leases()[self.lease]
        if change is not None:
            stored = change(stored)
            await cluster.store_manifest(self.lease, stored.group, stored.plan)
        for _ in range(600):  # as the lease's worker does
            try:
                await cluster.deploy(self.lease, stored.group, stored.plan, revision(stored.group))
                return
            except Retry:
                await asyncio.sleep(0.5)
        raise AssertionError("still not deployed")


def _is_ready(pod: Object) -> bool:
    conditions = (pod.get("status") or {}).get("conditions") or []
    return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)


@pytest.fixture(params=["embedded", pytest.param("real", marks=pytest.mark.real)])
async def world(request: pytest.FixtureRequest) -> AsyncIterator[Callable[[str], Any]]:
    """`await world(case)`: the case stands as the reference left it and its pods run."""
    async with AsyncExitStack() as open_:
        if request.param == "real":
            kubeconfig = request.getfixturevalue("real_cluster").kubeconfig
        else:
            kubeconfig = (await open_.enter_async_context(EmbeddedCluster(ready_after_s=0, stop_after_s=0))).kubeconfig
        settings = ClusterSettings(
            kubeconfig=kubeconfig, ingress_domain="ingress.example.test", public_hostname="provider.example.test",
        )  # fmt: skip
        kube = await open_.enter_async_context(Kube.connect(settings))
        await furnish(kube)
        marks = {"akash.network": "true", "akash.network/capabilities.storage.class.beta2": "1"}
        for node in await kube.all(NODE):
            await kube.patch(NODE, None, node["metadata"]["name"], {"metadata": {"labels": marks}})
        stood: list[World] = []

        async def stands(case: str) -> World:
            requests = json.loads((RECORDED / case / "requests.json").read_text())
            made = [_placed(r) for r in requests if r["verb"] == "create"]
            out = World(kube, settings, made)
            parts = json.loads((RECORDED / case / "objects.json").read_text())
            manifest = next(obj for obj in parts if obj["kind"] == "Manifest")["spec"]["lease_id"]
            out.lease = LeaseID.parse("/".join(str(manifest[k]) for k in ("owner", "dseq", "gseq", "oseq", "provider")))
            stood.append(out)
            await _remove(out)
            for obj in made:
                await out.write(obj)
            return out

        yield stands
        for out in stood:
            await _remove(out)


def _placed(request: Any) -> Object:
    """The body as sent, with the namespace that its path names."""
    found = re.search(r"/namespaces/([^/]+)/", request["path"])
    where = {"namespace": found.group(1)} if found else {}
    return {**request["body"], "metadata": {**request["body"]["metadata"], **where}}


async def _remove(world: World) -> None:
    for obj in world.made:
        if obj["metadata"].get("namespace") == "lease":
            await world.kube.delete(kind_of(obj), "lease", obj["metadata"]["name"])
    await world.kube.delete(NAMESPACE, None, world.namespace)
    for _ in range(1800):
        try:
            await world.kube.get(NAMESPACE, None, world.namespace)
        except NotFound:
            return
        await asyncio.sleep(0.1)


def _replicas(world: World) -> int:
    return sum(obj["spec"]["replicas"] for obj in world.made if obj["kind"] in ("Deployment", "StatefulSet"))


def _another_image(stored: StoredManifest) -> StoredManifest:
    first, *others = stored.group.services
    changed = replace(first, image="docker.io/library/web:2")
    return replace(stored, group=replace(stored.group, services=(changed, *others)))


@pytest.mark.parametrize("case", CASES)
async def test_no_pod_is_restarted_and_node_ports_and_the_manifest_stay(world: Any, case: str) -> None:
    it: World = await world(case)
    bound = case != "05-storage-beta2" or it.settings.kubeconfig.name == "kubeconfig"  # a real claim finds no volume
    running = _replicas(it) if bound else 0
    pods = await it.pods(running) if bound else {}
    before, ports = await it.workloads(), await it.node_ports()
    manifest = await it.kube.get(MANIFEST, "lease", it.namespace)
    for _ in ("taken over", "started again"):
        async with it.daemon() as cluster:
            await it.deploy(cluster)
        after = await it.workloads()
        assert after.keys() == before.keys()
        for key, obj in after.items():
            assert obj["spec"]["template"] == before[key]["spec"]["template"]
            assert obj["metadata"]["uid"] == before[key]["metadata"]["uid"], "it was not put anew"
        kept = await it.node_ports()
        for name, numbers in ports.items():  # more may be opened: the reference forgets a UDP port beside a TCP one
            assert kept[name].items() >= numbers.items()
        if bound:
            assert await it.pods(running) == pods
    same = await it.kube.get(MANIFEST, "lease", it.namespace)
    assert same["metadata"]["resourceVersion"] == manifest["metadata"]["resourceVersion"], "or going back restarts pods"
    for (kind, name), obj in after.items():
        assert not any(
            e["manager"] == REFERENCE and not e.get("subresource") for e in obj["metadata"]["managedFields"]
        ), f"{kind} {name} is still held by the reference"


async def test_the_tenants_next_manifest_is_rendered_as_ours_and_only_what_it_changes_rolls(world: Any) -> None:
    it: World = await world("02-several-services")
    async with it.daemon() as cluster:
        await it.deploy(cluster)
        before = await it.workloads()
    async with it.daemon() as cluster:
        await it.deploy(cluster, _another_image)
    after = await it.workloads()
    name = next(
        k for k, o in after.items() if o["spec"]["template"]["spec"]["containers"][0]["image"].endswith("web:2")
    )
    template = after[name]["spec"]["template"]
    assert "akash.network/manifest.resource.version" not in template["metadata"]["labels"]
    assert template["spec"]["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert len(before) == len(after) > 1


async def test_an_update_that_comes_before_anything_was_taken_over_is_not_lost(world: Any) -> None:
    it: World = await world("01-basic")
    async with it.daemon() as cluster:
        await it.deploy(cluster, _another_image)
    (web,) = (await it.workloads()).values()
    assert web["spec"]["template"]["spec"]["containers"][0]["image"].endswith("web:2")


async def test_a_port_given_up_later_is_closed_though_the_reference_had_opened_it(world: Any) -> None:
    it: World = await world("04-node-ports")
    async with it.daemon() as cluster:
        await it.deploy(cluster)
        opened = await it.node_ports()

    def fewer(stored: StoredManifest) -> StoredManifest:
        first, *others = stored.group.services
        kept = tuple(e for e in first.expose if not e.global_)
        return replace(stored, group=replace(stored.group, services=(replace(first, expose=kept), *others)))

    async with it.daemon() as cluster:
        await it.deploy(cluster, fewer)
    left = await it.node_ports()
    assert any(name.endswith("-np") for name in opened)
    assert not any(name.endswith("-np") for name in left)
    assert sum(map(len, left.values())) < sum(map(len, opened.values()))


async def test_going_back_the_reference_finds_everything_and_restarts_nothing(world: Any) -> None:
    it: World = await world("02-several-services")
    pods = await it.pods(_replicas(it))
    before, ports = await it.workloads(), await it.node_ports()
    async with it.daemon() as cluster:
        await it.deploy(cluster)
    for obj in it.made:
        await it.write(obj)
    after = await it.workloads()
    assert {k: o["spec"]["template"] for k, o in after.items()} == {k: o["spec"]["template"] for k, o in before.items()}
    assert (await it.node_ports()).keys() == ports.keys()
    assert await it.pods(_replicas(it)) == pods


@pytest.mark.parametrize("writes", [2, 50], ids=["now and then", "all the time"])
async def test_somebody_who_writes_at_the_same_moment_costs_a_try_and_not_the_manifest(
    world: Any, monkeypatch: pytest.MonkeyPatch, writes: int
) -> None:
    """A controller that counts pods writes to what is replaced; that is never the manifest's fault."""
    it: World = await world("01-basic")
    await it.pods(_replicas(it))  # now nobody else writes
    told: list[str] = []
    update = Kube.update

    async def met(kube: Kube, obj: Object, **how: Any) -> Object:
        if len(told) < writes:
            told.append("conflict")
            raise Conflict("the object has been modified")
        return await update(kube, obj, **how)

    monkeypatch.setattr(Kube, "update", met)
    async with it.daemon() as cluster:
        stored = _another_image(cluster.leases()[it.lease])
        await cluster.store_manifest(it.lease, stored.group, stored.plan)
        if writes == 50:
            with pytest.raises(Retry, match="modified"):
                await cluster.deploy(it.lease, stored.group, stored.plan, "r1")
            return
        await cluster.deploy(it.lease, stored.group, stored.plan, "r1")
    (web,) = (await it.workloads()).values()
    assert web["spec"]["template"]["spec"]["containers"][0]["image"].endswith("web:2")
