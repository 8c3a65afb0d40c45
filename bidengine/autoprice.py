"""Prices that follow demand: a bounded controller over factors, one for the cpu and one for each card model.

    fuller than wanted                  up by a step
    emptier, and we lost on price       down to just below the winners, at most a step; not at all if they are dearer
    emptier otherwise                   down by a step
    as full as wanted                   stays

Between two steps of a factor there are `cool_down_blocks`, and a factor never leaves its target's bounds: a bound
that was moved is obeyed at once. State goes in, new state and reasons come out; who keeps it is another's business.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction
from statistics import median

from manifests.coins import E18, shown
from manifests.gpus import GpuModel

CPU = "cpu"


class AutoMode(StrEnum):
    OFF = "off"
    DRY_RUN = "dry-run"
    """steps are taken and told, prices stay as the file says"""
    ON = "on"


@dataclass(frozen=True, slots=True)
class Target:
    """How full a thing should be (a share), and how far its factor may go."""

    full_e18: int
    lowest_e18: int
    highest_e18: int


@dataclass(frozen=True, slots=True)
class AutoPolicy:
    """`gpu` has targets by vendor/model, or `*` for any other."""

    mode: AutoMode = AutoMode.OFF
    step_e18: int = 2 * E18 // 100
    tolerance_e18: int = 5 * E18 // 100
    """as full as wanted is this much around the target"""
    undercut_e18: int = E18 // 100
    cool_down_blocks: int = 600
    cpu: Target | None = None
    gpu: Mapping[str, Target] = field(default_factory=dict)

    def target(self, subject: str) -> Target | None:
        return self.cpu if subject == CPU else self.gpu.get(subject, self.gpu.get("*"))


@dataclass(frozen=True, slots=True)
class Load:
    """How much of a thing is leased, of all that could be."""

    leased: int
    total: int


@dataclass(frozen=True, slots=True)
class Lost:
    """A bid of ours that a cheaper one beat, both per block in one denomination."""

    height: int
    subject: str
    ours_e18: int
    winner_e18: int


@dataclass(frozen=True, slots=True)
class Factor:
    """What a price is multiplied by, and the height since when."""

    e18: int = E18
    since: int = 0


State = Mapping[str, Factor]


@dataclass(frozen=True, slots=True)
class Step:
    subject: str
    before_e18: int
    after_e18: int
    why: str


def subject_of(card: GpuModel) -> str:
    return f"{card.vendor}/{card.model}"


def adjust(
    policy: AutoPolicy, state: State, loads: Mapping[str, Load], lost: Sequence[Lost], *, height: int
) -> tuple[State, tuple[Step, ...]]:
    """The state from this block on. Subjects without a target are let go of, those without capacity stay."""
    kept = {s: factor for s, factor in state.items() if policy.target(s) is not None}
    steps = []
    for subject in sorted({*kept, *loads}):
        target = policy.target(subject)
        if target is None:
            continue
        factor = kept.setdefault(subject, Factor(since=height))  # a new one waits before its first step
        after, why = _aim(policy, target, factor, loads.get(subject, Load(0, 0)), _of(lost, subject, factor), height)
        after = min(max(after, target.lowest_e18), target.highest_e18)
        if after != factor.e18:
            kept[subject] = Factor(after, height)
            steps.append(Step(subject, factor.e18, after, why))
    return kept, tuple(steps)


def _of(lost: Sequence[Lost], subject: str, factor: Factor) -> list[Lost]:
    """What was lost at the present price; older losses were answered by the last step."""
    return [one for one in lost if one.subject == subject and one.height > factor.since and one.ours_e18 > 0]


def _aim(
    policy: AutoPolicy, target: Target, factor: Factor, load: Load, lost: list[Lost], height: int
) -> tuple[int, str]:
    if not target.lowest_e18 <= factor.e18 <= target.highest_e18:
        return factor.e18, "the bounds have moved"
    if load.total <= 0 or height < factor.since + policy.cool_down_blocks:
        return factor.e18, ""
    full, step = load.leased * E18 // load.total, factor.e18 * policy.step_e18 // E18
    told = f"{shown(full * 100 // E18 * E18)} % leased, {shown(target.full_e18 * 100)} % wanted"
    if full > target.full_e18 + policy.tolerance_e18:
        return factor.e18 + step, told
    if full >= target.full_e18 - policy.tolerance_e18:
        return factor.e18, ""
    if not lost:
        return factor.e18 - step, told
    ratio = median(Fraction(one.winner_e18, one.ours_e18) for one in lost)
    below = int(factor.e18 * ratio * Fraction(E18 - policy.undercut_e18, E18))
    told += f", {len(lost)} lost to {float(100 * ratio):.4g} % of our price"
    return min(factor.e18, max(below, factor.e18 - step)), told
