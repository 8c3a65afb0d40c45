"""Leases that are reached from outside, over the embedded API server, whose addresses are given out by MetalLB's rules.
Two leases of one tenant and one of another want the same things.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from manifests.ids import LeaseID
from manifests.manifest import Expose, HttpOptions, ManifestGroup, Service
from manifests.render.crd import definitions
from manifests.resources import Cpu, Gpu, Memory, Resources, Storage
from provider.cluster.api.kube import Kube
from provider.cluster.cluster import Cluster
from provider.cluster.reach import Outside
from provider.cluster.routes.proof import Lookup
from provider.cluster.routes.waiting import Why
from provider.sandbox.cluster import EmbeddedCluster
from provider.sandbox.cluster.kinds import DEFINITIONS, NAMESPACES
from provider.sandbox.cluster.objects import Write
from provider.settings import ClusterSettings
from provider.tasks import loop_s
from tests.provider.cluster.following import following

MINE = LeaseID("akash1owner", 1, 1, 1, "akash1provider")
MY_OTHER = LeaseID("akash1owner", 2, 1, 1, "akash1provider")
THEIRS = LeaseID("akash1tenant", 3, 1, 1, "akash1provider")
HOST, PORT = "a.example", "akash1owner-ip-mine-tcp-80"
SIZE = Resources(1, Cpu(100), Memory(1 << 30), (Storage("default", 1 << 30),), Gpu())
PATIENCE_S = 600
HOSTS = "^(?!.*watch=)[^?]*/providerhosts"
ANYTHING = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
HTTP_ROUTES = {
    "metadata": {"name": "httproutes.gateway.networking.k8s.io"},
    "spec": {
        "group": "gateway.networking.k8s.io",
        "scope": "Namespaced",
        "names": {"plural": "httproutes", "singular": "httproute", "kind": "HTTPRoute", "listKind": "HTTPRouteList"},
        "versions": [{"name": "v1", "served": True, "storage": True, "schema": ANYTHING}],
    },
}


def group(*hosts: str, ip: str = "", port: int = 8080) -> ManifestGroup:
    expose = Expose(port, 80, "TCP", "", True, hosts, HttpOptions(), ip, 1 if ip else 0)
    return ManifestGroup("west", (Service("web", "web:1", None, None, None, SIZE, 1, (expose,)),))


def address(*ports: int) -> ManifestGroup:
    """One service with these ports on the address `mine`."""
    exposes = tuple(Expose(8000 + port, port, "TCP", "", True, (), HttpOptions(), "mine", 1) for port in ports)
    return ManifestGroup("west", (Service("web", "web:1", None, None, None, SIZE, 1, exposes),))


class Clock:
    """The loop's, set forward: "as after a while"."""

    def __init__(self) -> None:
        self.ahead_s = 0.0

    def __call__(self) -> float:
        return loop_s() + self.ahead_s


async def no_records(name: str) -> frozenset[str]:
    return frozenset()


@dataclass
class World:
    server: EmbeddedCluster
    cluster: Cluster
    clock: Clock

    async def deploy(self, lease: LeaseID, wanted: ManifestGroup) -> None:
        await self.cluster.store_manifest(lease, wanted, {})
        await self.cluster.deploy(lease, wanted, {}, "1")

    def objects(self, resource: str) -> list[dict[str, Any]]:
        return list(self.server.store.list(resource))

    def owner(self, resource: str, name: str) -> int | None:
        found = self.server.store.get(resource, "lease", name)
        return int(found["metadata"]["labels"]["akash.network/lease.id.dseq"]) if found else None

    def leads_to(self, name: str = HOST) -> list[int]:
        """Deployments that have a route for a host name."""
        routes = [o for o in self.objects("ingresses.networking.k8s.io") if o["metadata"]["name"] == name]
        return [int(o["metadata"]["labels"]["akash.network/lease.id.dseq"]) for o in routes]

    def addresses(self) -> dict[int, str]:
        """Deployment -> the address its leased port has."""
        return {
            int(o["metadata"]["labels"]["akash.network/lease.id.dseq"]): o["status"]["loadBalancer"]["ingress"][0]["ip"]
            for o in self.objects("services")
            if (o.get("status", {}).get("loadBalancer") or {}).get("ingress")
        }

    def ports(self) -> dict[int, list[int]]:
        """Deployment -> ports of addresses that it has claimed."""
        out: dict[int, list[int]] = {}
        for o in self.objects("providerleasedips.akash.network"):
            dseq = int(o["metadata"]["labels"]["akash.network/lease.id.dseq"])
            out.setdefault(dseq, []).append(o["spec"]["external_port"])
        return {dseq: sorted(found) for dseq, found in out.items()}

    def why(self, lease: LeaseID) -> list[Why]:
        return [w.why for w in self.cluster.reach.waiting(lease)]

    def delete(self, kind: Any, namespace: str, name: str) -> None:
        self.server.objects.delete(kind, namespace, name, {})

    def kind(self, api_version: str, name: str) -> Any:
        return self.server.objects.kinds.by_kind(api_version, name)

    def edit(self, kind: Any, namespace: str, name: str, **change: Any) -> None:
        self.server.objects.patch(kind, namespace, name, Write(manager="somebody"), "merge", change)


@asynccontextmanager
async def process(
    server: EmbeddedCluster, clock: Callable[[], float] = loop_s, lookup: Lookup = no_records, **settings: Any
) -> AsyncIterator[Cluster]:
    """A daemon's cluster part with its tasks, until the end of the block. A test does not wait as long as an operator
    may."""
    given = ClusterSettings(kubeconfig=server.kubeconfig, static_hosts=False, **settings)
    outside = Outside(lookup, clock, routes_again_s=(0.02, 0.2), proofs_again_s=(0.02, 0.2))
    async with Kube.connect(given) as kube, following(kube, given, outside=outside) as cluster:
        yield cluster


@asynccontextmanager
async def world(lookup: Lookup = no_records, **settings: Any) -> AsyncIterator[World]:
    clock = Clock()
    async with AsyncExitStack() as open_:
        server = await open_.enter_async_context(
            EmbeddedCluster(ready_after_s=0.0, stop_after_s=0.0, addresses=[f"10.0.0.{n}" for n in range(1, 5)])
        )
        for definition in (*definitions(), HTTP_ROUTES):
            server.objects.create(DEFINITIONS, "", definition, Write(manager="test"))
        server.objects.create(NAMESPACES, "", {"metadata": {"name": "lease"}}, Write(manager="test"))
        yield World(server, await open_.enter_async_context(process(server, clock, lookup, **settings)), clock)


async def until(what: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not what():  # noqa: ASYNC110 - the cluster is asked, it tells nobody
            await asyncio.sleep(0.01)
