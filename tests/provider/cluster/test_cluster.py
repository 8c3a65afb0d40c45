"""The facade over a cluster in memory: what it tells of leases."""

from __future__ import annotations

import pytest
from structlog.testing import capture_logs

from manifests.render.names import route_labels
from provider.cluster.api import kinds
from provider.cluster.health.causes import Cause
from provider.cluster.health.workloads import ServiceHealth
from provider.errors import ConfigError, Refused

from .conftest import Memory
from .samples import (
    GI,
    GROUP,
    LEASE,
    SETTINGS,
    node,
    pod,
    watched,
)

pytestmark = pytest.mark.looptime


async def test_one_forgotten_resource_is_a_trace(memory: Memory) -> None:
    labels = {"akash.network": "true", **route_labels(LEASE)}
    for kind in ("ProviderHost", "ProviderLeasedIP", "Manifest"):
        api = {"apiVersion": "akash.network/v2beta2", "kind": kind}
        memory.put({**api, "metadata": {"name": "left", "namespace": "lease", "labels": labels}, "spec": {}})
        async with watched(memory) as cluster:
            assert cluster.traces() == {LEASE}
        memory.objects.clear()


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


@pytest.mark.parametrize("until", [{}, {"akash.network/retained-until": "for ever"}])
async def test_a_kept_volume_whose_time_is_not_said_stays(memory: Memory, until: dict[str, str]) -> None:
    marks = {"labels": {"akash.network/retained": "true", **route_labels(LEASE)}, "annotations": until}
    volume = {"apiVersion": "v1", "kind": "PersistentVolume", "spec": {}, "status": {"phase": "Released"}}
    memory.put({**volume, "metadata": {"name": "v", **marks}})
    async with watched(memory) as cluster:
        assert cluster.expired(1 << 40) == []


async def test_volumes_that_were_kept_are_looked_after_also_when_no_more_are(memory: Memory) -> None:
    """The setting was taken away; what is left is told, takes its room and goes at its time."""
    marks = {"labels": {"akash.network/retained": "true"}, "annotations": {"akash.network/retained-until": "5000"}}
    spec = {"capacity": {"storage": "100Gi"}, "storageClassName": "beta3", "claimRef": {"name": "web-data-web-0"}}
    left = {"apiVersion": "v1", "kind": "PersistentVolume", "spec": spec, "status": {"phase": "Released"}}
    memory.put({"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": "beta3"}})
    memory.put({**left, "metadata": {"name": "v", **marks}})
    with capture_logs() as logs:
        async with watched(memory) as cluster:
            assert cluster.inventory().storage_bytes["beta3"] == (1 << 40) - 100 * GI
            assert (cluster.expired(4999), cluster.expired(5000)) == ([], ["v"])
    assert [line["volumes"] for line in logs if "retain_volumes_h" in line["event"]] == [["v"]]


@pytest.mark.parametrize("kept", [0, 1])
async def test_who_may_not_look_at_volumes_may_not_keep_any(memory: Memory, kept: int) -> None:
    memory.trouble["list persistentvolumes"] = Refused("persistentvolumes is forbidden (403)")
    trouble = None
    try:
        async with watched(memory, SETTINGS.model_copy(update={"retain_volumes_h": kept})) as cluster:
            assert cluster.expired(5000) == []
    except* ConfigError as bad:
        trouble = bad
    assert (trouble is not None) == bool(kept)


async def test_health_tells_each_service_of_the_manifest(memory: Memory) -> None:
    async with watched(memory) as cluster:
        await cluster.store_manifest(LEASE, GROUP, {})
        missing = ServiceHealth(0, 2, "not deployed yet", Cause.STARTING, stands=False)
        assert cluster.health(LEASE) == {"web": missing}
        await cluster.deploy(LEASE, GROUP, {}, "r1")
        memory.put(node())
        waits = {"reason": "ErrImagePull", "message": "manifest unknown"}
        memory.put(pod("web-a", containerStatuses=[{"state": {"waiting": waits}}]))
        await memory.tell()
        why = "web-a: ErrImagePull: manifest unknown"
        assert cluster.health(LEASE) == {"web": ServiceHealth(0, 2, why, Cause.IMAGE_PULL)}
        memory.drop(kinds.NODE, "", "n1")
        await memory.tell()
        assert cluster.health(LEASE)["web"].cause is Cause.NODE_LOST
        assert [p.name for p in cluster.pods(LEASE, "web")] == ["web-a"]
        assert cluster.pods(LEASE, "db") == []


async def test_freshness(memory: Memory) -> None:
    async with watched(memory) as cluster:
        assert cluster.fresh
        assert cluster.stale_s == 0
