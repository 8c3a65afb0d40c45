"""What the cluster shows of a lease, from one that was deployed into memory."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from manifests.ids import LeaseID, lease_namespace
from manifests.manifest import Expose, HttpOptions, ManifestGroup, Service
from manifests.render.names import route_labels
from manifests.resources import Cpu, Gpu, Memory, Resources
from provider.cluster.api import kinds
from provider.cluster.cluster import Cluster
from provider.cluster.health.causes import Cause
from provider.cluster.leasefacts import SILENT_S
from provider.errors import Refused
from provider.settings import ClusterSettings
from tests.provider.cluster.following import following

from .conftest import Memory as InMemory

LEASE = LeaseID("akash1o", 1, 1, 1, "akash1p")
OTHER = replace(LEASE, dseq=2)
NS = lease_namespace(LEASE)
SIZE = Resources(1, Cpu(500), Memory(1 << 30), (), Gpu())
HTTP = Expose(8080, 80, "TCP", "", True, ("a.example", "b.example"), HttpOptions(), "", 0)
GAME = Expose(7777, 7777, "UDP", "", True, None, HttpOptions(), "game", 1)
VOICE = Expose(9999, 9999, "UDP", "", True, None, HttpOptions(), "voice", 2)
GROUP = ManifestGroup("g", (Service("web", "i", None, None, None, SIZE, 1, (HTTP, GAME, VOICE)),))
SETTINGS = ClusterSettings(static_hosts=False)

pytestmark = pytest.mark.looptime


@pytest.mark.parametrize("mode", ["ingress", "gateway-api"])
async def test_what_is_there_and_what_is_wanted(memory: InMemory, mode: str) -> None:
    async with asyncio.TaskGroup() as tasks:
        settings = SETTINGS.model_copy(update={"ingress_mode": mode})
        cluster = await Cluster.watch(memory, settings, tasks)  # type: ignore[arg-type]
        nothing = cluster.facts(LEASE)
        assert (nothing.stored, nothing.namespace, nothing.isolated_unix_s) == (None, None, None)
        assert (nothing.hosts, nothing.addresses) == (frozenset(), {})

        await cluster.store_manifest(LEASE, GROUP, {})
        stored = cluster.facts(LEASE)
        assert stored.hosts == {"a.example", "b.example"}
        assert stored.addresses == {"web 7777/UDP on game": (), "web 9999/UDP on voice": ()}
        assert stored.services["web"].cause is Cause.STARTING

        labels = {"akash.network": "true", **route_labels(OTHER)}
        host = {"apiVersion": "akash.network/v2beta2", "kind": "ProviderHost", "spec": {"hostname": "b.example"}}
        memory.put({**host, "metadata": {"name": "b.example", "namespace": "lease", "labels": labels}})
        await cluster.deploy(LEASE, GROUP, {}, "r1")
        there = cluster.facts(LEASE)
        assert there.namespace is not None
        assert there.isolates
        assert there.isolated_unix_s is not None
        assert there.deployed.keys() == {"web"}
        assert (there.routed, there.elsewhere) == ({"a.example"}, {"b.example"})
        assert there.unseen_s == 0

        for (kind, namespace, name), obj in list(memory.objects.items()):
            if (kind, namespace, name) == (kinds.SERVICE, NS, "web-ip-7777-udp"):
                memory.put({**obj, "status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.7"}]}}})
        await memory.tell()
        assert cluster.facts(LEASE).addresses == {
            "web 7777/UDP on game": ("192.0.2.7",), "web 9999/UDP on voice": (),
        }, "a port with an address does not hide one without"  # fmt: skip
        for task in tasks._tasks:  # type: ignore[attr-defined]
            task.cancel()


ONE_HOST = replace(HTTP, hosts=("a.example",))
ONE = ManifestGroup("g", (Service("web", "i", None, None, None, SIZE, 1, (ONE_HOST,)),))
GATEWAY = SETTINGS.model_copy(update={"ingress_mode": "gateway-api"})
PARENT = {"name": GATEWAY.gateway_name, "namespace": GATEWAY.gateway_namespace}
MADE_UNIX_S = 1_767_225_600
MADE = "2026-01-01T00:00:00Z"


def changed(memory: InMemory, kind: kinds.Kind, **status: Any) -> None:
    """The route of a.example as its controller has left it."""
    found = memory.objects[kind, NS, "a.example"]
    memory.put({**found, "metadata": {**found["metadata"], "creationTimestamp": MADE}, "status": status})


async def test_a_route_is_served_once_a_gateways_controller_says_so(
    memory: InMemory, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = float(MADE_UNIX_S + SILENT_S)
    monkeypatch.setattr("provider.cluster.cluster.time.time", lambda: now)
    async with following(memory, GATEWAY) as cluster:
        await cluster.store_manifest(LEASE, ONE, {})
        await cluster.deploy(LEASE, ONE, {}, "r1")
        changed(memory, kinds.HTTP_ROUTE)
        await memory.tell()
        assert cluster.facts(LEASE).unserved == {}, "its controller may need a moment"
        now += 1
        assert cluster.facts(LEASE).unserved == {"a.example": "no Gateway's controller has said anything of it"}
        no = {"type": "Accepted", "status": "False", "reason": "NoMatchingParent", "message": "no such listener"}
        changed(memory, kinds.HTTP_ROUTE, parents=[{"parentRef": PARENT, "conditions": [no]}])
        await memory.tell()
        assert cluster.facts(LEASE).unserved == {"a.example": "NoMatchingParent: no such listener"}
        changed(memory, kinds.HTTP_ROUTE, parents=[{"parentRef": PARENT, "conditions": [{**no, "status": "True"}]}])
        await memory.tell()
        assert cluster.facts(LEASE).unserved == {}


async def test_an_ingress_needs_its_class_unless_somebody_serves_it_all_the_same(memory: InMemory) -> None:
    async with following(memory, SETTINGS) as cluster:
        await cluster.store_manifest(LEASE, ONE, {})
        assert cluster.facts(LEASE).lacks_class == "", "nothing asks for it yet"
        await cluster.deploy(LEASE, ONE, {}, "r1")
        assert cluster.facts(LEASE).lacks_class == SETTINGS.ingress_class
        for name in ("another", SETTINGS.ingress_class):
            memory.put({"apiVersion": "networking.k8s.io/v1", "kind": "IngressClass", "metadata": {"name": name}})
            await memory.tell()
            assert cluster.facts(LEASE).lacks_class == (
                "" if name == SETTINGS.ingress_class else SETTINGS.ingress_class
            )
        memory.drop(kinds.INGRESS_CLASS, "", SETTINGS.ingress_class)
        changed(memory, kinds.INGRESS, loadBalancer={"ingress": [{"ip": "192.0.2.1"}]})
        await memory.tell()
        assert cluster.facts(LEASE).lacks_class == ""


async def test_where_classes_may_not_be_read_nothing_is_said_of_them(memory: InMemory) -> None:
    memory.trouble["list ingressclasses"] = Refused("ingressclasses is forbidden (403)")
    async with following(memory, SETTINGS) as cluster:
        await cluster.store_manifest(LEASE, ONE, {})
        await cluster.deploy(LEASE, ONE, {}, "r1")
        assert cluster.facts(LEASE).lacks_class == ""
