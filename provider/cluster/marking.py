"""Keeps the labels on nodes that the scheduler finds them by (inventory/labels.py)."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import structlog

from provider.cluster.api.kube import Kube
from provider.cluster.inventory import labels
from provider.cluster.inventory.capacities import Published
from provider.cluster.mirrors import Mirrors
from provider.cluster.supply import SETTLE_S, Supply
from provider.errors import Refused, Retry

log = structlog.get_logger()
MARK_AGAIN_S = 60.0
"""A node whose labels could not be written is tried again after this."""


class Marking:
    """`look` whenever labels may be due; `run` writes them. A node that is as it should be costs no call."""

    def __init__(self, kube: Kube, mirrors: Mirrors, supply: Supply) -> None:
        self._kube, self._mirrors, self._supply = kube, mirrors, supply
        self._due = asyncio.Event()

    def look(self) -> None:
        self._due.set()

    async def run(self) -> None:
        while True:
            self._due.clear()
            classes, published = self._supply.classes(), Published(self._mirrors.capacities.all())
            troubled = [
                not await self._mark(obj)
                for node in self._supply.opened()
                if (obj := labels.due(node, classes, published, self._supply.gpu_table))
            ]
            try:
                async with asyncio.timeout(MARK_AGAIN_S if any(troubled) else None):
                    await self._due.wait()
                await asyncio.sleep(SETTLE_S)
            except TimeoutError:
                pass

    async def _mark(self, obj: Mapping[str, Any]) -> bool:
        name = obj["metadata"]["name"]
        try:
            await self._kube.apply(obj)
        except (Refused, Retry) as trouble:
            log.warning("node could not be labelled, no lease is placed on it", node=name, why=str(trouble))
            return False
        log.info("node labelled", node=name, labels=sorted(obj["metadata"]["labels"]))
        return True
