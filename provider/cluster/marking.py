"""Keeps the labels on nodes that the scheduler finds them by (inventory/labels.py).

Labels that somebody takes away again each time, the Go provider's inventory operator left running for one, are put back
less and less often (mending.py); others that are due are not kept waiting by it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any

import structlog

from provider.cluster.api.kube import Kube
from provider.cluster.inventory import labels
from provider.cluster.inventory.capacities import Published
from provider.cluster.mirrors import Mirrors
from provider.cluster.supply import SETTLE_S, Supply
from provider.errors import Refused, Retry
from provider.mending import Mending
from provider.tasks import loop_s

log = structlog.get_logger()
MARK_AGAIN_S = 60.0
"""A node whose labels could not be written is tried again after this."""

CURE = "Stop what labels nodes besides, the Go provider's inventory operator for one."


class Marking:
    """`look` whenever labels may be due; `run` writes them. A node that is as it should be costs no call."""

    def __init__(self, kube: Kube, mirrors: Mirrors, supply: Supply) -> None:
        self._kube, self._mirrors, self._supply = kube, mirrors, supply
        self._due = asyncio.Event()
        self._written: dict[str, Mapping[str, str]] = {}
        """uid of a node -> labels last written"""
        self._mending: Mending[str] = Mending()

    def look(self) -> None:
        self._due.set()

    async def run(self) -> None:
        while True:
            self._due.clear()
            classes, published = self._supply.classes(), Published(self._mirrors.capacities.all())
            nodes = self._supply.opened()
            self._forget(self._written.keys() - {node.uid for node in nodes})
            troubled = [
                not await self._mark(obj)
                for node in nodes
                if (obj := labels.due(node, classes, published, self._supply.gpu_table))
            ]
            try:
                async with asyncio.timeout(MARK_AGAIN_S if any(troubled) else None):
                    await self._due.wait()
                await asyncio.sleep(SETTLE_S)
            except TimeoutError:
                pass

    async def _mark(self, obj: Mapping[str, Any]) -> bool:
        """False when they are not there, for now: look again."""
        name, uid, wanted = (obj["metadata"][key] for key in ("name", "uid", "labels"))
        undone, now_s = self._written.get(uid) == wanted, loop_s()
        if undone and (wait_s := self._mending.wait_s(uid, now_s)) is not None:
            if wait_s:
                log.warning("somebody takes a node's labels away again and again, no lease is placed on it",
                            node=name, put_back_in_s=round(wait_s), cure=CURE)  # fmt: skip
            return False
        try:
            await self._kube.apply(obj)
        except (Refused, Retry) as trouble:
            log.warning("node could not be labelled, no lease is placed on it", node=name, why=str(trouble))
            return False
        self._written[uid] = wanted
        if undone:
            self._mending.mended(uid, now_s)
        log.info("node labelled", node=name, labels=sorted(wanted))
        return True

    def _forget(self, gone: Iterable[str]) -> None:
        for uid in gone:
            del self._written[uid]
            self._mending.forget(uid)
