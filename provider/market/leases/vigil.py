"""Who of the leases is unwell, and for whom that has lasted too long (grace.py says what counts).

A lease is looked at when something of it changes; from then on once a block until it is well. Where `remember` was
called, what was seen outlasts the process (spells.py).
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import structlog

from bidengine.views import CloseReason
from manifests.ids import LeaseID
from provider.cluster.health.causes import Cause
from provider.cluster.health.workloads import ServiceHealth
from provider.market.book import Book
from provider.market.leases import spells
from provider.market.leases.grace import (
    WELL,
    Ailment,
    Spell,
    ailment,
    crowd,
    grace_s,
    next_spell,
    overdue,
    reason,
    resumed,
    sees,
)
from provider.market.leases.problem import Problem
from provider.metrics import Sample
from provider.settings import GraceSettings

log = structlog.get_logger()
AGAIN_BLOCKS = 20
"""Should a closing get lost, it is sent again after this."""
TOLD_AGAIN_S = 3600


class Cluster(Protocol):
    """What is asked of provider.cluster.cluster.Cluster."""

    @property
    def fresh(self) -> bool: ...
    @property
    def nodes_out(self) -> int: ...
    def leases(self) -> Mapping[LeaseID, object]: ...
    def health(self, lease: LeaseID) -> Mapping[str, ServiceHealth]: ...


@dataclass(frozen=True, slots=True)
class Verdict:
    reason: CloseReason
    why: str


class Vigil:
    """`look` at a lease that changed, `tick` once a block: it returns those to be closed, for which `verdict` says
    why, as of the moment it is asked. `problems` are the refusals of manifests."""

    def __init__(
        self,
        book: Book,
        cluster: Cluster,
        settings: GraceSettings,
        problems: Mapping[LeaseID, Problem],
        wall_unix_s: Callable[[], float] = time.time,
    ) -> None:
        self.book, self.cluster, self.settings = book, cluster, settings
        self.spells: dict[LeaseID, Spell] = {}
        self._problems, self._wall_unix_s = problems, wall_unix_s
        self._next: dict[LeaseID, int] = {}
        """closed lease -> height at which to try again"""
        self._told_of_crowd: float = -TOLD_AGAIN_S
        self._file: Path | None = None
        self._kept: dict[LeaseID, spells.Kept] = {}
        """what an earlier process knew of leases that have not told anything yet"""

    def remember(self, data: Path) -> None:
        """Go on with what an earlier process kept there; `run` keeps it from now on."""
        self._file = data / spells.NAME
        self._kept = spells.read(self._file)

    async def run(self) -> None:
        if self._file is not None:
            await spells.keep(self._file, self._to_keep)

    def look(self, lease: LeaseID) -> None:
        now = self._ailment(lease)
        before = self.spells.get(lease) or self._resumed(lease, now)
        after = next_spell(before, now, self._now_unix_s, sees=self._sees(now))
        if after is None:
            self.spells.pop(lease, None)
            if before is not None:
                log.info("lease is well again", lease=str(lease), after_cause=before.cause)
            return
        self.spells[lease] = after
        if before is None or before.cause is not after.cause:
            log.warning(
                "lease is unwell", lease=str(lease), cause=after.cause, whose=after.cause.whose, why=after.ailment.why,
                closed_after_s=grace_s(after.cause, self.settings) or "never",
            )  # fmt: skip

    def tick(self) -> list[LeaseID]:
        for lease in list(self.spells):
            if lease in self.book.leases:
                self.look(lease)
            else:
                self.spells.pop(lease, None)
                self._next.pop(lease, None)
        return [lease for lease in self.spells if self.verdict(lease) is not None]

    def verdict(self, lease: LeaseID) -> Verdict | None:
        """Why the lease is to be closed now; None when it is not."""
        spell = self.spells.get(lease)
        if spell is None or not overdue(spell, self.settings) or self.book.height < self._next.get(lease, 0):
            return None
        now = self._ailment(lease)
        if now.cause is not spell.cause or not self._sees(now):
            return None
        together = crowd(spell, self.spells.values(), len(self.cluster.leases()))
        if together:
            self._tell_of(together)
            return None
        return Verdict(reason(spell.cause), f"{spell.cause} for {spell.seen_s} s: {spell.ailment.why}")

    def closed(self, lease: LeaseID) -> None:
        """Its closing has been sent; the chain's word is awaited."""
        self._next[lease] = self.book.height + AGAIN_BLOCKS

    def gauges(self) -> Iterator[Sample]:
        for cause, count in sorted(Counter(spell.cause for spell in self.spells.values()).items()):
            yield "akp_leases_unwell", {"cause": cause.value, "whose": cause.whose.value or "nobody"}, count

    @property
    def _now_unix_s(self) -> int:
        return self.book.time_unix_ns // 10**9

    def _resumed(self, lease: LeaseID, now: Ailment) -> Spell | None:
        """Once, at the first look that tells anything."""
        if lease not in self._kept or now.cause is Cause.STARTING:
            return None
        kept = self._kept.pop(lease)
        return resumed(kept.spell, kept.at_unix_s, now, int(self._wall_unix_s()))

    def _to_keep(self) -> dict[LeaseID, spells.Kept]:
        now = int(self._wall_unix_s())
        followed = {lease: spells.Kept(replace(s, seen_at_unix_s=None), now) for lease, s in self.spells.items()}
        return {lease: kept for lease, kept in {**self._kept, **followed}.items() if lease in self.book.leases}

    def _ailment(self, lease: LeaseID) -> Ailment:
        if lease not in self.cluster.leases():
            return WELL
        return ailment(self.cluster.health(lease), self._problems.get(lease))

    def _sees(self, now: Ailment) -> bool:
        age_s = self._wall_unix_s() - self.book.time_unix_ns / 1e9
        return sees(now.cause, fresh=self.cluster.fresh, block_age_s=age_s, nodes_out=self.cluster.nodes_out)

    def _tell_of(self, together: int) -> None:
        now = self._wall_unix_s()
        if now - self._told_of_crowd >= TOLD_AGAIN_S:
            self._told_of_crowd = now
            log.error("leases that fell ill together are not closed: the cause may be here", leases=together)
