"""The controller: up when full, down when empty, below the winners when we lost to them, within bounds, and not too
often."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bidengine.autoprice import AutoMode, AutoPolicy, Factor, Load, Lost, Step, Target, adjust, subject_of
from manifests.coins import E18
from manifests.gpus import GpuModel
from tests.bidengine.tariffs import dollars

TARGET = Target(full_e18=dollars("0.7"), lowest_e18=dollars("0.8"), highest_e18=dollars("1.5"))
POLICY = AutoPolicy(
    AutoMode.ON, step_e18=dollars("0.02"), tolerance_e18=dollars("0.05"), undercut_e18=dollars("0.01"),
    cool_down_blocks=100, cpu=TARGET, gpu={"nvidia/a100": TARGET, "*": replace(TARGET, full_e18=dollars("0.5"))},
)  # fmt: skip
AT, SINCE = 1000, 900


def stepped(
    load: Load, *lost: Lost, factor: str = "1", since: int = SINCE, policy: AutoPolicy = POLICY, subject: str = "cpu"
) -> tuple[int, tuple[Step, ...]]:
    state, steps = adjust(policy, {subject: Factor(dollars(factor), since)}, {subject: load}, lost, height=AT)
    return state[subject].e18, steps


def lost(winner: str, height: int = 950, subject: str = "cpu", ours: str = "10") -> Lost:
    return Lost(height, subject, dollars(ours), dollars(winner))


@pytest.mark.parametrize(
    ("load", "losses", "more", "wanted"),
    [
        pytest.param(Load(80, 100), [], {}, "1.02", id="fuller than wanted"),
        pytest.param(Load(50, 100), [], {}, "0.98", id="emptier than wanted"),
        pytest.param(Load(75, 100), [], {}, "1", id="as full as wanted, upper edge"),
        pytest.param(Load(65, 100), [], {}, "1", id="as full as wanted, lower edge"),
        pytest.param(Load(0, 0), [], {}, "1", id="nothing to sell"),
        pytest.param(Load(80, 100), [], {"since": 901}, "1", id="still cooling down"),
        pytest.param(Load(80, 100), [], {"factor": "1.49"}, "1.5", id="the ceiling"),
        pytest.param(Load(0, 100), [], {"factor": "0.8"}, "0.8", id="the floor"),
        pytest.param(Load(0, 100), [], {"factor": "2"}, "1.5", id="bounds that have moved are obeyed"),
        pytest.param(Load(0, 100), [], {"factor": "2", "since": 999}, "1.5", id="... at once"),
        pytest.param(Load(50, 100), [lost("9")], {}, "0.98", id="lost by ten percent: one step and no more"),
        pytest.param(Load(50, 100), [lost("9.999")], {}, "0.989901", id="lost by little: just below"),
        pytest.param(Load(50, 100), [lost("12")], {}, "1", id="the winner was dearer, so price was not it"),
        pytest.param(Load(50, 100), [lost("9.99"), lost("9.99"), lost("1")], {}, "0.98901", id="the median counts"),
        pytest.param(Load(50, 100), [lost("9.999", height=900)], {}, "0.98", id="lost at an earlier price"),
        pytest.param(Load(50, 100), [lost("9.999", subject="nvidia/a100")], {}, "0.98", id="lost with something else"),
        pytest.param(Load(50, 100), [lost("1", ours="0")], {}, "0.98", id="a bid of nothing tells nothing"),
        pytest.param(Load(80, 100), [lost("1")], {}, "1.02", id="full is full, whatever was lost"),
    ],
)
def test_a_step(load: Load, losses: list[Lost], more: dict[str, Any], wanted: str) -> None:
    after, steps = stepped(load, *losses, **more)
    assert after == dollars(wanted)
    assert bool(steps) == (wanted != more.get("factor", "1"))


def test_a_step_says_why() -> None:
    _, (up,) = stepped(Load(80, 100))
    assert up == Step("cpu", E18, dollars("1.02"), "80 % leased, 70 % wanted")
    _, (down,) = stepped(Load(10, 100), lost("9"))
    assert down.why == "10 % leased, 70 % wanted, 1 lost to 90 % of our price"
    _, (moved,) = stepped(Load(10, 100), factor="2")
    assert moved.why == "the bounds have moved"


def test_a_subject_seen_for_the_first_time_waits_first() -> None:
    state, steps = adjust(POLICY, {}, {"cpu": Load(9, 10)}, (), height=AT)
    assert (state, steps) == ({"cpu": Factor(E18, AT)}, ())
    _, steps = adjust(POLICY, state, {"cpu": Load(9, 10)}, (), height=AT + 100)
    assert steps[0].after_e18 == dollars("1.02")


def test_cards_have_their_own_targets_or_the_one_for_all_others() -> None:
    loads = {"cpu": Load(7, 10), "nvidia/a100": Load(6, 10), "nvidia/t4": Load(6, 10)}
    state = {subject: Factor(E18, SINCE) for subject in loads}
    after, steps = adjust(POLICY, state, loads, (), height=AT)
    assert {s.subject: s.after_e18 for s in steps} == {"nvidia/a100": dollars("0.98"), "nvidia/t4": dollars("1.02")}
    assert after["cpu"] == state["cpu"]


def test_without_a_target_a_factor_is_let_go_of_and_without_capacity_it_stays() -> None:
    state = {"cpu": Factor(2 * E18, SINCE), "nvidia/a100": Factor(dollars("1.2"), SINCE)}
    after, _ = adjust(replace(POLICY, cpu=None), state, {}, (), height=AT)
    assert after == {"nvidia/a100": Factor(dollars("1.2"), SINCE)}


def test_a_card_is_its_vendor_and_model() -> None:
    assert subject_of(GpuModel("nvidia", "a100", "80Gi", "sxm")) == "nvidia/a100"


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 100), st.integers(1, 20), st.integers(0, 300)), max_size=60))
def test_over_any_history_it_stays_within_bounds_and_waits_between_steps(history: list[tuple[int, int, int]]) -> None:
    state: Any = {}
    height, last = 0, None
    for leased, winner, blocks in history:
        height += blocks
        losses = [Lost(height, "cpu", 10, winner)]
        state, steps = adjust(POLICY, state, {"cpu": Load(leased, 100)}, losses, height=height)
        assert TARGET.lowest_e18 <= state["cpu"].e18 <= TARGET.highest_e18
        for step in steps:
            assert last is None or height >= last + POLICY.cool_down_blocks
            assert abs(step.after_e18 - step.before_e18) * 50 <= step.before_e18, "never more than a step of 2 %"
            assert (step.after_e18 > step.before_e18) == (leased > 75)
            last = height


def test_full_and_empty_in_turn_come_to_rest_near_the_target() -> None:
    """A market that takes a percent of the capacity less for each percent of price."""
    state: Any = {"cpu": Factor(E18, 0)}
    for height in range(100, 10_000, 100):
        leased = max(0, min(100, round(90 - 100 * (state["cpu"].e18 - E18) / E18)))
        state, _ = adjust(POLICY, state, {"cpu": Load(leased, 100)}, (), height=height)
    assert 65 <= leased <= 75
