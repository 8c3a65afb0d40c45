"""What the cluster shows of a lease, from one that was deployed into memory."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from manifests.ids import LeaseID, lease_namespace
from manifests.manifest import Expose, HttpOptions, ManifestGroup, Service
from manifests.render.names import route_labels
from manifests.resources import Cpu, Gpu, Memory, Resources
from provider.cluster.api import kinds
from provider.cluster.cluster import Cluster
from provider.cluster.health.causes import Cause
from provider.settings import ClusterSettings

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
