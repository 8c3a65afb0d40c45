"""How long trouble counts, as a table, and over random histories with outages."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bidengine.views import CloseReason
from provider.cluster.health.causes import PROVIDERS, TENANTS, Cause
from provider.cluster.health.workloads import ServiceHealth
from provider.errors import Blame
from provider.market.leases.grace import (
    MAX_STEP_S,
    SETTLED_S,
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
from provider.settings import GraceSettings

DAY_S = 86_400
PULL, CRASH, LOST = Ailment(Cause.IMAGE_PULL), Ailment(Cause.CRASH_LOOP), Ailment(Cause.NODE_LOST)
STARTING = Ailment(Cause.STARTING)
Look = tuple[int, Ailment, bool]
"""seconds after the look before, what was there, whether we could see"""


def after(*looks: Look) -> Spell | None:
    spell, now = None, 1000
    for step, found, can_see in looks:
        now += step
        spell = next_spell(spell, found, now, sees=can_see)
    return spell


@pytest.mark.parametrize(
    ("looks", "seen_s"),
    [
        pytest.param([(0, WELL, True)], None, id="nothing wrong"),
        pytest.param([(0, STARTING, True)], None, id="a start is no trouble"),
        pytest.param([(0, PULL, True)], 0, id="it begins"),
        pytest.param([(0, PULL, True), (6, PULL, True), (6, PULL, True)], 12, id="it lasts"),
        pytest.param([(0, PULL, False)], None, id="what was not seen has not begun"),
        pytest.param(
            [(0, PULL, True), (6, PULL, False), (6, PULL, True), (6, PULL, True)], 6, id="an outage is left out"
        ),
        pytest.param([(0, PULL, True), (3600, PULL, True)], 0, id="nobody watched in between"),
        pytest.param([(0, PULL, True), (6, PULL, True), (6, CRASH, True), (6, CRASH, True)], 6, id="another cause"),
        pytest.param([(0, PULL, True), (6, PULL, True), (6, LOST, True), (6, PULL, True)], 0, id="our own in between"),
        pytest.param(
            [(0, CRASH, True), (6, CRASH, True), (6, WELL, True), (6, CRASH, True), (6, CRASH, True)],
            12,
            id="between two crashes it runs for a moment",
        ),
        pytest.param(
            [(0, PULL, True), (6, PULL, True), (6, STARTING, True), (6, PULL, True)], 6, id="it is tried once more"
        ),
        pytest.param(
            [(0, CRASH, True), (6, CRASH, True), (6, WELL, True), (SETTLED_S, WELL, True)], None, id="it is well again"
        ),
        pytest.param([(0, PULL, True), (-6, PULL, True)], 0, id="a clock that goes back"),
    ],
)
def test_what_counts(looks: list[Look], seen_s: int | None) -> None:
    found = after(*looks)
    assert (found and found.seen_s) == seen_s


def test_it_began_when_the_cluster_says_it_began() -> None:
    early, late = replace(PULL, since_unix_s=500), replace(PULL, since_unix_s=900)
    assert [after((0, a, True), (6, b, True)).began_unix_s for a, b in ((early, late), (late, early))] == [500, 500]  # type: ignore[union-attr]
    assert after((0, PULL, True)).began_unix_s == 1000, "or when it was first seen"  # type: ignore[union-attr]


def service(available: int, total: int, cause: Cause = Cause.NONE) -> ServiceHealth:
    return ServiceHealth(available, total, cause.value, cause)


@pytest.mark.parametrize(
    ("services", "cause"),
    [
        pytest.param([service(1, 1)], Cause.NONE, id="all serve"),
        pytest.param([], Cause.NONE, id="there are none"),
        pytest.param([service(0, 0)], Cause.NONE, id="none are wanted"),
        pytest.param([service(0, 1, Cause.IMAGE_PULL)], Cause.IMAGE_PULL, id="none serve"),
        pytest.param([service(1, 1), service(0, 1, Cause.IMAGE_PULL)], Cause.NONE, id="one of them serves"),
        pytest.param([service(1, 2, Cause.IMAGE_PULL)], Cause.NONE, id="one replica serves"),
        pytest.param(
            [service(0, 1, Cause.IMAGE_PULL), service(0, 1, Cause.UNSCHEDULABLE)], Cause.UNSCHEDULABLE, id="ours too"
        ),
        pytest.param(
            [service(0, 1, Cause.IMAGE_PULL), service(0, 1, Cause.REGISTRY)], Cause.REGISTRY, id="perhaps ours"
        ),
        pytest.param([service(0, 1, Cause.CRASH_LOOP), service(0, 1, Cause.STARTING)], Cause.STARTING, id="one starts"),
    ],
)
def test_what_keeps_a_lease_from_serving(services: list[ServiceHealth], cause: Cause) -> None:
    assert ailment({str(n): s for n, s in enumerate(services)}).cause is cause


def test_a_manifest_that_is_refused_is_trouble_while_nothing_serves() -> None:
    no = Problem("no (422)", Blame.TENANT)
    assert ailment({}, no) == Ailment(Cause.REFUSED, "no (422)")
    assert ailment({"web": service(1, 1)}, no) == WELL, "what it replaces goes on"


MISSING = ServiceHealth(0, 1, "not deployed yet", Cause.STARTING, stands=False)


@pytest.mark.parametrize(
    ("services", "blame", "cause"),
    [
        pytest.param([MISSING], Blame.TENANT, Cause.REFUSED, id="nothing stands"),
        pytest.param([service(0, 1, Cause.NODE_LOST)], Blame.TENANT, Cause.NODE_LOST, id="the old lost its node"),
        pytest.param([service(0, 1, Cause.STARTING)], Blame.TENANT, Cause.STARTING, id="the old is coming back"),
        pytest.param([service(0, 1, Cause.CRASH_LOOP), MISSING], Blame.TENANT, Cause.CRASH_LOOP, id="the old crashes"),
        pytest.param(
            [service(0, 1, Cause.CRASH_LOOP)], Blame.CLUSTER, Cause.ADMISSION, id="a quota keeps the cure out"
        ),
        pytest.param([service(0, 1, Cause.IMAGE_PULL)], Blame.OPERATOR, Cause.ADMISSION, id="settings keep it out"),
        pytest.param([MISSING], Blame.UNSAID, Cause.ADMISSION, id="nobody knows whose it is"),
        pytest.param([service(0, 1, Cause.REGISTRY)], Blame.CLUSTER, Cause.ADMISSION, id="two that close nothing"),
    ],
)
def test_a_refused_manifest_hides_no_other_cause(services: list[ServiceHealth], blame: Blame, cause: Cause) -> None:
    found = ailment({str(n): s for n, s in enumerate(services)}, Problem("no", blame))
    assert found.cause is cause


@pytest.mark.parametrize("cause", Cause)
def test_only_a_tenants_fault_or_an_incurable_one_has_a_grace(cause: Cause) -> None:
    every = GraceSettings(**dict.fromkeys(GraceSettings.model_fields, 7))
    curable = PROVIDERS - {Cause.UNSCHEDULABLE, Cause.STORAGE}
    assert grace_s(cause, every) == (7 if cause in TENANTS | (PROVIDERS - curable) else 0)


def test_every_grace_is_that_of_a_cause() -> None:
    assert {f"{cause.value.replace('-', '_')}_s" for cause in Cause} >= set(GraceSettings.model_fields)


@pytest.mark.parametrize(
    ("cause", "seen_s", "there", "due"),
    [
        (Cause.IMAGE_PULL, DAY_S, True, True),
        (Cause.IMAGE_PULL, DAY_S - 1, True, False),
        (Cause.IMAGE_PULL, DAY_S, False, False),
        (Cause.CRASH_LOOP, 365 * DAY_S, True, False),
        (Cause.NODE_LOST, 365 * DAY_S, True, False),
        (Cause.UNSCHEDULABLE, 3 * DAY_S, True, True),
    ],
)
def test_when_it_is_too_long_by_default(cause: Cause, seen_s: int, there: bool, due: bool) -> None:
    assert overdue(Spell(Ailment(cause), 0, seen_s, 5 if there else None), GraceSettings()) is due


@pytest.mark.parametrize(
    ("cause", "sight", "can_see"),
    [
        pytest.param(Cause.IMAGE_PULL, {}, True, id="all is well with us"),
        pytest.param(Cause.IMAGE_PULL, {"fresh": False}, False, id="the API server is not heard of"),
        pytest.param(Cause.IMAGE_PULL, {"block_age_s": 121}, False, id="the chain is not heard of, or caught up with"),
        pytest.param(Cause.IMAGE_PULL, {"nodes_out": 3}, True, id="nodes have nothing to do with it"),
        pytest.param(Cause.UNSCHEDULABLE, {"nodes_out": 1}, False, id="room may come back with a node"),
        pytest.param(Cause.STORAGE, {"nodes_out": 1}, False, id="a volume may come back with a node"),
    ],
)
def test_when_a_look_counts(cause: Cause, sight: dict[str, Any], can_see: bool) -> None:
    assert sees(cause, **{"fresh": True, "block_age_s": 6, "nodes_out": 0, **sight}) is can_see


@pytest.mark.parametrize(
    ("began", "leases", "found"),
    [
        pytest.param([0, 10, 20], 3, 3, id="all at once"),
        pytest.param([0, 10, 20], 12, 3, id="a quarter at once"),
        pytest.param([0, 10, 20], 13, 0, id="a few of many"),
        pytest.param([0, 10], 2, 0, id="two are no crowd"),
        pytest.param([0, 10_000, 20_000], 3, 0, id="one after the other"),
    ],
)
def test_what_falls_ill_together_is_ours(began: list[int], leases: int, found: int) -> None:
    spells = [Spell(PULL, at) for at in began]
    assert crowd(spells[0], spells, leases) == found


def test_what_the_chain_is_told() -> None:
    assert reason(Cause.IMAGE_PULL) is CloseReason.UNSTABLE
    assert reason(Cause.UNSCHEDULABLE) is CloseReason.DECOMMISSION


HISTORY = st.lists(
    st.tuples(
        st.integers(1, 2 * MAX_STEP_S),
        st.sampled_from([PULL, CRASH, LOST, STARTING, WELL, Ailment(Cause.UNSCHEDULABLE), Ailment(Cause.REGISTRY)]),
        st.booleans(),
    ),
    max_size=60,
)


@given(HISTORY, st.integers(1, 300))
def test_no_outage_ever_closes_a_lease(history: list[Look], grace: int) -> None:
    """Whatever happens: when it is due, its own cause is there, we see it, and have seen as much of it as the grace
    asks, without another cause or an outage being counted."""
    settings = GraceSettings(**dict.fromkeys(GraceSettings.model_fields, grace))
    spell, now = None, 0
    for n, (step, found, can_see) in enumerate(history):
        now += step
        spell = next_spell(spell, found, now, sees=can_see)
        if spell is None or not overdue(spell, settings):
            continue
        assert can_see
        assert found.cause in TENANTS | {Cause.UNSCHEDULABLE}
        pairs = pairwise(history[: n + 1])
        watched = sum(
            later[0] for earlier, later in pairs if earlier[1:] == later[1:] == (found, True) and later[0] <= MAX_STEP_S
        )
        assert watched >= grace


@given(HISTORY)
def test_while_we_are_blind_nothing_is_due(history: list[Look]) -> None:
    every = GraceSettings(**dict.fromkeys(GraceSettings.model_fields, 1))
    blind = [(step, found, False) for step, found, _ in history]
    found = after(*history, *blind, (1, PULL, False))
    assert found is None or not overdue(found, every)


@pytest.mark.parametrize(
    ("now", "gap_s", "goes_on"),
    [
        (PULL, SETTLED_S - 1, True),
        (PULL, SETTLED_S, False),
        (replace(PULL, since_unix_s=10_000), DAY_S, True),
        (replace(PULL, since_unix_s=10_001), DAY_S, False),
        (replace(CRASH, since_unix_s=9_000), 60, False),
        (WELL, 60, False),
    ],
    ids=["soon", "after a time in which it may have been well", "the cluster says that it lasted", "another pod's",
         "another cause", "it is well"],
)  # fmt: skip
def test_what_an_earlier_process_saw_counts_where_it_cannot_have_been_over(
    now: Ailment, gap_s: int, goes_on: bool
) -> None:
    kept = Spell(PULL, 9_000, 500, 9_990)
    found = resumed(kept, 10_000, now, 10_000 + gap_s)
    assert found == (replace(kept, seen_at_unix_s=None) if goes_on else None)


def test_the_time_without_a_process_does_not_count() -> None:
    kept = resumed(Spell(PULL, 9_000, 500, 9_990), 10_000, PULL, 10_500)
    assert kept is not None
    first = next_spell(kept, PULL, 10_500, sees=True)
    assert first is not None
    assert first.seen_s == 500
    second = next_spell(first, PULL, 10_506, sees=True)
    assert second is not None
    assert second.seen_s == 506
