"""A small cluster in memory and a lease for it: what tests of the cluster's parts begin with."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from manifests.gpus import GpuModel
from manifests.ids import LeaseID, lease_namespace
from manifests.manifest import Expose, HttpOptions, ManifestGroup, Service
from manifests.render.names import pod_labels
from manifests.resources import Cpu, Gpu, Resources, Storage
from manifests.resources import Memory as Ram
from provider.cluster.cluster import Cluster
from provider.cluster.reach import Outside
from provider.settings import ClusterSettings
from tests.provider.cluster.following import following

from .conftest import Memory

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


@asynccontextmanager
async def watched(
    memory: Memory, settings: ClusterSettings = SETTINGS, outside: Outside | None = None
) -> AsyncIterator[Cluster]:
    async with following(memory, settings, outside=outside) as cluster:
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
