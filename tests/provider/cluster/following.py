"""A daemon's cluster part, up as long as a block lasts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from provider.cluster.cluster import Cluster
from provider.settings import ClusterSettings


@asynccontextmanager
async def following(kube: Any, settings: ClusterSettings, *, mark: bool = True) -> AsyncIterator[Cluster]:
    """Its tasks never end by themselves; they are ended with the block."""
    async with asyncio.TaskGroup() as tasks:
        yield await Cluster.watch(kube, settings, tasks, mark=mark)
        for task in tasks._tasks:  # type: ignore[attr-defined]
            task.cancel()
