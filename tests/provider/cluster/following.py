"""A daemon's cluster part, up as long as a block lasts, and what it must find in the cluster."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from manifests.render.crd import definitions
from provider.cluster.api.kinds import MANIFEST, PROVIDER_HOST, PROVIDER_LEASED_IP
from provider.cluster.api.kube import Kube
from provider.cluster.cluster import Cluster
from provider.cluster.reach import Outside
from provider.errors import NotFound, Retry
from provider.settings import ClusterSettings


@asynccontextmanager
async def following(
    kube: Any, settings: ClusterSettings, *, mark: bool = True, outside: Outside | None = None
) -> AsyncIterator[Cluster]:
    """Its tasks never end by themselves; they are ended with the block."""
    async with asyncio.TaskGroup() as tasks:
        yield await Cluster.watch(kube, settings, tasks, mark=mark, outside=outside)
        for task in tasks._tasks:  # type: ignore[attr-defined]
            task.cancel()


async def furnish(kube: Kube) -> None:
    """Our kinds, and the namespace their objects are in. A new kind takes the API server a moment."""
    for obj in (*definitions(), {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "lease"}}):
        await kube.apply(obj)
    for kind in (MANIFEST, PROVIDER_HOST, PROVIDER_LEASED_IP):
        for _ in range(1800):
            try:
                await kube.all(kind, "lease")
                break
            except (NotFound, Retry):
                await asyncio.sleep(0.1)
