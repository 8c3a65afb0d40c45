"""The mirrors of a cluster in memory, running, and what was heard of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from manifests.ids import LeaseID, lease_namespace
from manifests.render.names import lease_labels
from provider.cluster.api import kinds
from provider.cluster.changes import Changes
from provider.cluster.mirrors import Mirrors
from provider.cluster.routes.doors import Key

from .conftest import Memory

LEASE = LeaseID("akash1o", 1, 1, 1, "akash1p")
NS = lease_namespace(LEASE)
LABELS = {"akash.network": "true", **lease_labels(LEASE)}


@dataclass
class Heard:
    leases: list[LeaseID] = field(default_factory=list)
    claims: list[Key] = field(default_factory=list)
    inventory: int = 0
    nodes: int = 0
    api_servers: int = 0

    def lease(self, lease: LeaseID) -> None:
        self.leases.append(lease)

    def more_inventory(self) -> None:
        self.inventory += 1

    def more_nodes(self) -> None:
        self.nodes += 1

    def more_api_servers(self) -> None:
        self.api_servers += 1

    def clear(self) -> None:
        self.leases, self.inventory, self.nodes = [], 0, 0


@asynccontextmanager
async def mirrored(memory: Memory) -> AsyncIterator[tuple[Mirrors, Heard]]:
    heard = Heard()
    mirrors = Mirrors(memory, "lease")  # type: ignore[arg-type]
    changes = Changes(
        mirrors, lease=heard.lease, inventory=heard.more_inventory, nodes=heard.more_nodes, claim=heard.claims.append,
        api_servers=heard.more_api_servers,
    )  # fmt: skip
    async with asyncio.TaskGroup() as tasks:
        changes.start(tasks)
        await mirrors.listed()
        await memory.tell()
        heard.clear()
        yield mirrors, heard
        for task in tasks._tasks:  # type: ignore[attr-defined]
            task.cancel()


def obj(
    kind: kinds.Kind, name: str, namespace: str = NS, labels: dict[str, str] | None = None, **more: Any
) -> dict[str, Any]:
    where = {"namespace": namespace} if kind.namespaced else {}
    metadata = {"name": name, "labels": {"akash.network": "true"} if labels is None else labels, **where}
    return {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": metadata, **more}


def pod(phase: str = "Running", ready: str = "True", namespace: str = NS) -> dict[str, Any]:
    status = {"phase": phase, "conditions": [{"type": "Ready", "status": ready}]}
    return obj(kinds.POD, "web-0", namespace, spec={"nodeName": "n1"}, status=status)
