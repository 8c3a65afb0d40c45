"""How long a lease has been in trouble that somebody saw, and whether that is long enough to close it. Pure.

The reference closes a lease that was not seen healthy (inventory §8.3); whatever kept the provider from seeing it, an
API server that was down or a node, closed every lease there was (support#245, #14, #15). Here only trouble counts that
was seen, and only of a cause that its tenant, or nobody, can mend:

- Time in which we could not see, or between two looks that were too far apart, does not count.
- Another cause begins anew. So does trouble after a lease was well for SETTLED_S; less than that is a pause in it.
- A cause without a grace (docs/leases.md) closes nothing, however long it lasts.
- Many leases that fell ill together are one trouble, and it is ours.
- While nodes are out, nothing is concluded from pods that find no room.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from bidengine.views import CloseReason
from provider.cluster.health.causes import Cause, Whose
from provider.cluster.health.workloads import ServiceHealth
from provider.market.leases.problem import Problem
from provider.settings import GraceSettings

SETTLED_S = 600
"""A container that runs this long is forgiven its crashes by the kubelet too."""
MAX_STEP_S = 60
"""Blocks come every few seconds. Looks further apart than this are two looks, not a watch."""
TOGETHER_S = 600
CROWD, CROWD_SHARE = 3, 4
"""As many leases as this, and at least one in CROWD_SHARE of all."""
OLD_BLOCK_S = 120

_PLACES = (Cause.UNSCHEDULABLE, Cause.STORAGE)


@dataclass(frozen=True, slots=True)
class Ailment:
    """What keeps a lease from serving at all; `since_unix_s` by the cluster's clock, 0 when it does not tell."""

    cause: Cause = Cause.NONE
    why: str = ""
    since_unix_s: int = 0


WELL = Ailment()


@dataclass(frozen=True, slots=True)
class Spell:
    """One lease's trouble so far. Times are the chain's, but for `began_unix_s`, which is the cluster's."""

    ailment: Ailment
    began_unix_s: int
    seen_s: int = 0
    seen_at_unix_s: int | None = None
    """of the last look at which it was there and we could see; None after one at which not"""
    well_since_unix_s: int | None = None

    @property
    def cause(self) -> Cause:
        return self.ailment.cause


def ailment(services: Mapping[str, ServiceHealth], problem: Problem | None = None) -> Ailment:
    """Of a lease; WELL while any service of it serves. Where several lack something, what is not the tenant's matter
    comes first, and what has only begun before all: nobody is closed for one service while another is on its way.
    A refused manifest that is its tenant's fault counts only while nothing of the lease stands: what an update was to
    replace may lack something else. One that is not may be the very cure, so it counts as one lack among them."""
    ill = [service for service in services.values() if not service.healthy]
    if any(service.available for service in services.values()) or not (ill or problem):
        return WELL
    standing = [Ailment(s.cause, s.reason, s.since_unix_s) for s in ill if s.stands]
    coming = [Ailment(s.cause, s.reason, s.since_unix_s) for s in ill if not s.stands]
    if problem is None:
        return min(standing + coming, key=_last)
    if standing and problem.cause.whose is Whose.TENANT:
        return min(standing, key=_last)
    return min([*standing, Ailment(problem.cause, problem.why)], key=_last)


def _last(found: Ailment) -> tuple[bool, bool, Cause]:
    return found.cause is not Cause.STARTING, found.cause.whose is Whose.TENANT, found.cause


def next_spell(before: Spell | None, now: Ailment, now_unix_s: int, *, sees: bool) -> Spell | None:
    """What is known after one more look; None when there is no trouble."""
    if not sees:
        return before and replace(before, seen_at_unix_s=None)
    if now.cause in (Cause.NONE, Cause.STARTING):
        if before is None:
            return None
        since = now_unix_s if before.well_since_unix_s is None else before.well_since_unix_s
        over = now_unix_s - since >= SETTLED_S
        return None if over else replace(before, seen_at_unix_s=None, well_since_unix_s=since)
    began = now.since_unix_s or now_unix_s
    if before is None or before.cause is not now.cause:
        return Spell(now, began, 0, now_unix_s)
    step = 0 if before.seen_at_unix_s is None else now_unix_s - before.seen_at_unix_s
    counts = step if 0 <= step <= MAX_STEP_S else 0
    return Spell(now, min(began, before.began_unix_s), before.seen_s + counts, now_unix_s)


def resumed(kept: Spell, kept_unix_s: int, now: Ailment, now_unix_s: int) -> Spell | None:
    """What an earlier process knew, where the same trouble goes on; None where it may have been over for SETTLED_S in
    between: nobody looked for longer, and the cluster does not say that it has lasted since before. Times are the wall
    clock's. What was not seen does not count."""
    lasted = now_unix_s - kept_unix_s < SETTLED_S or 0 < now.since_unix_s <= kept_unix_s
    return replace(kept, seen_at_unix_s=None) if now.cause is kept.cause and lasted else None


def sees(cause: Cause, *, fresh: bool, block_age_s: float, nodes_out: int) -> bool:
    """Whether a look at this trouble counts: the mirrors are up to date, the last block is new, and no node is out
    that the pods may be waiting for."""
    return fresh and block_age_s <= OLD_BLOCK_S and not (nodes_out and cause in _PLACES)


def grace_s(cause: Cause, settings: GraceSettings) -> int:
    """0 for a cause that closes nothing."""
    found = getattr(settings, f"{cause.value.replace('-', '_')}_s", 0)
    return int(found)


def overdue(spell: Spell, settings: GraceSettings) -> bool:
    """Its grace has been used up, and it is there now."""
    grace = grace_s(spell.cause, settings)
    return 0 < grace <= spell.seen_s and spell.seen_at_unix_s is not None


def crowd(spell: Spell, spells: Collection[Spell], leases: int) -> int:
    """How many of `leases` fell ill together with this one, itself included; 0 when they are too few to make it
    ours."""
    found = sum(abs(other.began_unix_s - spell.began_unix_s) <= TOGETHER_S for other in spells)
    return found if found >= CROWD and found * CROWD_SHARE >= leases else 0


def reason(cause: Cause) -> CloseReason:
    """What the chain is told (chain.md §1.6): the workload's own trouble, or resources that are there no more."""
    return CloseReason.DECOMMISSION if cause in _PLACES else CloseReason.UNSTABLE
