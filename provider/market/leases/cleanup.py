"""The housekeeping of the daemon: deletes what leases leave lying about, and tells what will not go.

It takes the place of the three cron jobs that operators of the reference run (kubernetes.md §7.2). It works from the
mirrors, so a cluster in order costs no call; only namespaces of our own live leases are touched, and nothing while the
mirrors may be behind. Namespaces and resources of leases that are over are the leases' own matter (leases.py).
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from typing import Protocol

import structlog

from manifests.ids import LeaseID
from provider.cluster.health.litter import Litter, Stuck
from provider.errors import Refused, Retry
from provider.market.book import Book
from provider.metrics import Sample

log = structlog.get_logger()
LOOK_S = 30.0


class Cluster(Protocol):
    """What is asked of provider.cluster.cluster.Cluster."""

    @property
    def fresh(self) -> bool: ...
    def litter(self, lease: LeaseID, now_unix_s: int) -> list[Litter]: ...
    def stuck(self, now_unix_s: int) -> list[Stuck]: ...
    async def discard(self, litter: Litter) -> None: ...
    def expired(self, now_unix_s: int) -> list[str]: ...
    async def discard_volume(self, name: str) -> None: ...


class Cleanup:
    def __init__(self, book: Book, cluster: Cluster, wall_unix_s: Callable[[], float] = time.time) -> None:
        self.book, self.cluster, self._wall_unix_s = book, cluster, wall_unix_s
        self.done: Counter[str] = Counter()
        self._told: set[tuple[str, str, str]] = set()

    async def run(self) -> None:
        while True:
            await asyncio.sleep(LOOK_S)
            await self.look()

    async def look(self) -> None:
        if not self.cluster.fresh:
            return
        now = int(self._wall_unix_s())
        self._tell(self.cluster.stuck(now))
        for found in [found for lease in sorted(self.book.leases) for found in self.cluster.litter(lease, now)]:
            await self._delete(found.what, f"{found.namespace}/{found.pod}", found.why, self.cluster.discard(found))
        for name in self.cluster.expired(now):
            await self._delete("retained-volume", name, "its time is over", self.cluster.discard_volume(name))

    async def _delete(self, what: str, name: str, why: str, doing: Awaitable[None]) -> None:
        try:
            await doing
        except (Retry, Refused) as trouble:
            log.warning("could not be cleaned up", what=what, name=name, why=str(trouble))
            return
        self.done[what] += 1
        log.info("cleaned up", what=what, name=name, why=why)

    def gauges(self) -> Iterator[Sample]:
        for what, count in sorted(self.done.items()):
            yield "akp_cleaned_total", {"what": what}, count
        kinds = Counter(found.kind for found in self.cluster.stuck(int(self._wall_unix_s())))
        for kind in ("namespace", "pod"):
            yield "akp_stuck", {"kind": kind}, kinds[kind]

    def _tell(self, found: list[Stuck]) -> None:
        """Once for each that gets stuck, and once more when it waits for something else."""
        now = {(each.kind, f"{each.namespace}/{each.name}".lstrip("/"), each.waits_for): each for each in found}
        for key in now.keys() - self._told:
            kind, name, waits_for = key
            since = now[key].since_unix_s
            log.error("was to be gone and is not", kind=kind, name=name, since_unix_s=since, waits_for=waits_for)
        self._told = set(now)
