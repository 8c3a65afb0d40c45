"""A deployment, an update and a teardown that go wrong at every single request: whatever it was, trying again ends in
the same objects, and nothing ever runs without the policies that isolate it.

The embedded API server answers over real HTTP; the daemon's own `Cluster` does the work.
"""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from manifests.ids import LeaseID, lease_namespace
from manifests.manifest import (
    Credentials,
    Expose,
    HttpOptions,
    ManifestGroup,
    Params,
    Permissions,
    Service,
    StorageParams,
)
from manifests.render.crd import definitions
from manifests.resources import Attribute, Cpu, Gpu, Memory, Resources, Storage
from provider.cluster.api.kube import Kube
from provider.cluster.cluster import Cluster
from provider.errors import Refused, Retry
from provider.sandbox.cluster import EmbeddedCluster
from provider.sandbox.cluster.kinds import DEFINITIONS, NAMESPACES
from provider.sandbox.cluster.objects import Write
from provider.sandbox.cluster.store import Change
from provider.settings import ClusterSettings
from tests.provider.cluster.following import following

GI = 1 << 30
LEASE = LeaseID("akash1owner", 7, 1, 1, "akash1provider")
NS = lease_namespace(LEASE)
OF_THE_LEASE = f"^(?!.*watch=).*/namespaces/({NS}|lease)"


def size(*volumes: Storage) -> Resources:
    return Resources(1, Cpu(100), Memory(GI), (Storage("default", GI), *volumes), Gpu())


def http(*hosts: str) -> Expose:
    return Expose(8080, 80, "TCP", "", True, hosts, HttpOptions(), "", 0)


SSH = Expose(22, 0, "TCP", "", True, None, HttpOptions(), "", 0)
DISK = Storage("data", GI, (Attribute("class", "beta2"), Attribute("persistent", "true")))
WEB = Service("web", "web:1", None, None, None, size(), 2, (http("a.example"), SSH))
DB = Service(
    "db", "db:1", None, None, None, size(DISK), 1, (Expose(5432, 0, "TCP", "web", False, None, HttpOptions(), "", 0),),
    params=Params(storage=(StorageParams("data", "/data", False),), permissions=Permissions(("logs",))),
    credentials=Credentials("registry.example", "", "me", "secret"),
)  # fmt: skip
FIRST = ManifestGroup("west", (WEB, DB))
SECOND = ManifestGroup("west", (replace(WEB, image="web:2", expose=(http("b.example"),)), DB))


@dataclass
class World:
    """One API server and a daemon's view of it, which `killed` replaces by a new process's."""

    server: EmbeddedCluster
    cluster: Cluster
    bare: list[str] = field(default_factory=list)
    """workloads that stood without isolation"""
    lost: list[str] = field(default_factory=list)
    """what was deleted"""

    async def create(self) -> None:
        await self._deploy(FIRST)

    async def update(self) -> None:
        await self._deploy(SECOND)

    async def teardown(self) -> None:
        if not await self.cluster.teardown(LEASE):
            raise Retry("its namespace is still going")

    async def _deploy(self, group: ManifestGroup) -> None:
        await self.cluster.store_manifest(LEASE, group, {})
        await self.cluster.deploy(LEASE, group, {}, group.services[0].image.replace(":", "-"))
        if not await self.cluster.reach.routing.settle(LEASE):  # which the daemon's task would do again
            raise Retry("not all routes are as wanted")

    def watch_isolation(self) -> None:
        def look(change: Change) -> None:
            resource, namespace, name = change.key
            if change.before is None and resource in ("deployments.apps", "statefulsets.apps", "pods"):
                shield = self.server.store.get(
                    "networkpolicies.networking.k8s.io", namespace, "akash-deployment-restrictions"
                )
                if shield is None:
                    self.bare.append(f"{resource}/{name}")
            if change.after is None:
                self.lost.append(f"{resource}/{name}")

        self.server.store.listen(look)

    def objects(self) -> dict[str, Any]:
        """All there is of the lease, without what the server makes up and what comes and goes with pods."""
        out = {}
        for resource in sorted(self.server.store.resources()):
            if resource in ("pods", "replicasets.apps", "nodes", "persistentvolumes", "endpoints"):
                continue
            for obj in self.server.store.list(resource):
                metadata = obj["metadata"]
                if NS in (metadata.get("namespace"), metadata["name"]) or metadata.get("namespace") == "lease":
                    out[f"{resource}/{metadata['name']}"] = _lasting(obj)
        return out


def _lasting(obj: Any) -> Any:
    metadata = {k: obj["metadata"][k] for k in ("name", "labels", "annotations") if k in obj["metadata"]}
    rest = {k: v for k, v in obj.items() if k not in ("metadata", "status")}
    text = json.dumps({**rest, "metadata": metadata}, sort_keys=True)
    found: Any = json.loads(text)
    for port in found.get("spec", {}).get("ports", []) if obj["kind"] == "Service" else []:
        port.pop("nodePort", None)
    for name in ("clusterIP", "clusterIPs", "volumeName"):
        found.get("spec", {}).pop(name, None)
    return found


@asynccontextmanager
async def process(server: EmbeddedCluster) -> AsyncIterator[Cluster]:
    settings = ClusterSettings(kubeconfig=server.kubeconfig, ingress_domain="in.example", public_hostname="p.example")
    async with Kube.connect(settings) as kube, following(kube, settings, mark=False) as cluster:
        yield cluster


@asynccontextmanager
async def world(*done: str) -> AsyncIterator[World]:
    """`done` are the acts that went well before."""
    async with EmbeddedCluster(ready_after_s=0.0, stop_after_s=0.0) as server:
        _install(server)
        async with process(server) as cluster:
            out = World(server, cluster)
            out.watch_isolation()
            for act in done:
                await insist(getattr(out, act))
            yield out


def _install(server: EmbeddedCluster) -> None:
    for definition in definitions():
        server.objects.create(DEFINITIONS, "", definition, Write(manager="test"))
    server.objects.create(NAMESPACES, "", {"metadata": {"name": "lease"}}, Write(manager="test"))


async def insist(act: Callable[[], Awaitable[None]], most: int = 6000) -> int:
    """As the lease's worker does: again, until it is done; how often it took."""
    for n in range(1, most):
        try:
            await act()
            return n
        except (Retry, Refused):
            await asyncio.sleep(0.01)
    raise AssertionError(f"still not done after {most} attempts")


ACTS = {"create": (), "update": ("create",), "teardown": ("create", "update")}


async def undisturbed(act: str) -> dict[str, Any]:
    async with world(*ACTS[act]) as it:
        await insist(getattr(it, act))
        assert not it.bare
        return it.objects()


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("status", [409, 429, 500, 403], ids=str)
async def test_each_request_is_refused_once(act: str, status: int) -> None:
    """403 is what a quota or a webhook answers. The next attempt comes past the step and fails at the one after."""
    wanted = await undisturbed(act)
    async with world(*ACTS[act]) as it:
        for step in itertools.count():
            it.server.faults.fail_next(1, status, path=OF_THE_LEASE, after=step)
            await insist(getattr(it, act))
            if it.server.faults.waiting:
                break  # there are not so many requests
            if act == "teardown":
                await insist(it.create)
                await insist(it.update)
        assert step > 4, "there was something to go wrong"
        assert it.objects() == wanted
        assert not it.bare


async def test_a_no_costs_nobody_what_runs_or_shields() -> None:
    """A webhook or a right that is missing for a moment: what an update keeps is not deleted to be made anew."""
    kept = {
        "networkpolicies.networking.k8s.io/akash-deployment-restrictions",
        "deployments.apps/web", "statefulsets.apps/db", "services/web", "services/db",
    }  # fmt: skip
    async with world("create") as it:
        for step, act in enumerate(itertools.cycle((it.update, it.create))):
            it.server.faults.fail_next(1, 403, method="PATCH", path=OF_THE_LEASE, after=step)
            await insist(act)
            if it.server.faults.waiting:
                break
        assert step > 4
        assert kept.isdisjoint(it.lost)


@pytest.mark.parametrize("act", ACTS)
async def test_each_answer_is_lost_once(act: str) -> None:
    """Done, and we do not know: what a broken connection or a time-out leaves."""
    wanted = await undisturbed(act)
    for step in itertools.count():
        async with world(*ACTS[act]) as it:
            it.server.faults.lose_next(path=OF_THE_LEASE, after=step)
            await insist(getattr(it, act))
            assert it.objects() == wanted, f"after losing the answer to request {step}"
            assert not it.bare
            if it.server.faults.waiting:
                break
    assert step > 4


@pytest.mark.parametrize("act", ACTS)
async def test_a_process_killed_between_any_two_requests_leaves_what_the_next_one_finishes(act: str) -> None:
    wanted = await undisturbed(act)
    for step in itertools.count():
        async with world(*ACTS[act]) as it:
            # From this request on the first process reaches nothing any more.
            it.server.faults.fail_next(10**6, 503, path=OF_THE_LEASE, after=step)
            with suppress(Retry):
                await getattr(it, act)()
            finished = not it.server.faults.met
            it.server.faults.heal()
            async with process(it.server) as second:
                it.cluster = second
                await insist(getattr(it, act))
                assert it.objects() == wanted, f"killed after request {step}"
                assert not it.bare
        if finished:
            break
    assert step > 4
