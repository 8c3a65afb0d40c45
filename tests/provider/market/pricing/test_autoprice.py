"""The controller at work: what it reads, what it keeps, and what a restart or another mode makes of it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from bidengine.autoprice import AutoMode, AutoPolicy, Load, Target
from manifests.coins import E18
from provider.errors import Retry
from provider.market.pricing.autoprice import AutoPrice, History, JudgedBid, NoHistory
from provider.metrics import Metrics

TARGET = Target(E18 // 2, E18 // 2, 2 * E18)
ON = AutoPolicy(AutoMode.ON, E18 // 10, E18 // 20, E18 // 100, 100, TARGET, {"*": TARGET})


@dataclass
class Bid:
    outcome: str
    decided_at: int
    gpu_model: str
    price_e18: int | None
    winner_price_e18: int | None


@dataclass
class World:
    """Everything around: a cluster, a height, a history, and the file."""

    file: Path
    loads: dict[str, Load]
    height: int = 1000
    bids: Sequence[Bid] | Exception = ()
    asked_since: int | None = None

    def auto(self, history: History | None = None) -> AutoPrice:
        self.metrics = Metrics()
        return AutoPrice(self.file, lambda: self.loads, lambda: self.height, lambda: history or self, self.metrics)

    async def priced(self, *, since_height: int) -> Sequence[JudgedBid]:
        self.asked_since = since_height
        if isinstance(self.bids, Exception):
            raise self.bids
        return self.bids


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path / "auto-price.json", {"cpu": Load(9, 10)})


async def looked(auto: AutoPrice, policy: AutoPolicy = ON) -> bool:
    auto.look(policy)
    await auto.step()
    return auto.look(policy)


async def test_a_step_is_taken_after_the_cool_down_and_moves_prices(world: World) -> None:
    auto = world.auto()
    assert await looked(auto), "the first look makes a factor of one"
    assert auto.factors_e18 == {"cpu": E18}
    assert not await looked(auto)
    world.height += 100
    assert await looked(auto)
    assert auto.factors_e18 == {"cpu": 11 * E18 // 10}
    assert list(auto.gauges()) == [("akp_auto_price_factor", {"subject": "cpu", "mode": "on"}, 1.1)]
    assert b'akp_auto_price_steps_total{direction="up",mode="on",subject="cpu"} 1.0' in world.metrics.text()


async def test_a_restart_goes_on_where_it_was(world: World) -> None:
    auto = world.auto()
    await looked(auto)
    world.height += 100
    await looked(auto)
    again = world.auto()
    assert again.look(ON), "what was charged before the restart is charged after it"
    assert again.factors_e18 == {"cpu": 11 * E18 // 10}
    world.height += 99
    assert not await looked(again), "and the cool-down goes on too"
    world.height += 1
    assert await looked(again)


async def test_a_dry_run_tells_its_steps_and_moves_nothing(world: World) -> None:
    auto, dry = world.auto(), replace(ON, mode=AutoMode.DRY_RUN)
    with capture_logs() as logs:
        await looked(auto, dry)
        world.height += 100
        assert not await looked(auto, dry)
    assert auto.factors_e18 == {}
    assert [(line["event"], line["before"], line["after"], line["why"]) for line in logs] == [
        ("auto-pricing step, dry run: prices stay", "1", "1.1", "90 % leased, 50 % wanted")
    ]
    assert list(auto.gauges()) == [("akp_auto_price_factor", {"subject": "cpu", "mode": "dry-run"}, 1.1)]
    await looked(auto, ON)
    assert auto.factors_e18 == {"cpu": E18}, "what a dry run dreamt up is never charged"


async def test_switched_off_it_forgets(world: World) -> None:
    auto = world.auto()
    await looked(auto)
    off = replace(ON, mode=AutoMode.OFF)
    assert auto.look(off), "at once"
    await looked(auto, off)
    assert (auto.factors_e18, list(auto.gauges())) == ({}, [])
    assert json.loads(world.file.read_text()) == {"mode": "off", "factors": {}}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        '{"mode": "on"}',
        '{"mode": "never", "factors": {}}',
        '{"mode": "on", "factors": {"cpu": {"factor": "x", "since": 1}}}',
        '{"mode": "on", "factors": {"cpu": {"factor": "-1", "since": 1}}}',
        '{"mode": "on", "factors": {"cpu": {"factor": "99999", "since": 1}}}',
        '{"mode": "on", "factors": {"cpu": 1}}',
    ],
)
async def test_a_broken_file_starts_anew_and_says_so(world: World, text: str) -> None:
    world.file.write_text(text)
    with capture_logs() as logs:
        auto = world.auto()
    assert [line["event"] for line in logs] == ["auto-pricing starts anew, its file cannot be read"]
    await looked(auto)
    assert auto.factors_e18 == {"cpu": E18}


async def test_a_disk_that_is_full_stops_nothing(world: World) -> None:
    (world.file.parent / "gone").write_text("a file where a directory is wanted")
    world.file = world.file.parent / "gone" / "auto-price.json"
    auto = world.auto()
    with capture_logs() as logs:
        await looked(auto)
    assert [line["event"] for line in logs] == ["auto-pricing cannot keep its factors"]
    assert auto.factors_e18 == {"cpu": E18}


LOST = Bid("lost.price", 1050, "", 1000, 990)
CARD = "vendor/nvidia/model/t4/ram/16Gi"


@pytest.mark.parametrize(
    ("bids", "cpu", "t4"),
    [
        pytest.param([], "0.9", "0.9", id="nothing lost"),
        pytest.param([LOST], "0.9801", "0.9", id="one without a GPU"),
        pytest.param([replace(LOST, gpu_model=CARD)], "0.9", "0.9801", id="one with a GPU"),
        pytest.param([replace(LOST, outcome="won")], "0.9", "0.9", id="won"),
        pytest.param([replace(LOST, outcome="lost.not_price")], "0.9", "0.9", id="lost to a dearer one"),
        pytest.param([replace(LOST, winner_price_e18=None)], "0.9", "0.9", id="the winner's price is not known"),
        pytest.param([replace(LOST, gpu_model=f"{CARD},{CARD}")], "0.9", "0.9", id="several kinds of cards"),
        pytest.param(Retry("the disk is busy"), "0.9", "0.9", id="no history to be had"),
    ],
)
async def test_what_was_lost_holds_a_fall_back(world: World, bids: Any, cpu: str, t4: str) -> None:
    world.loads, world.bids = {"cpu": Load(1, 10), "nvidia/t4": Load(1, 10)}, bids
    auto = world.auto()
    await looked(auto)
    assert world.asked_since is None, "while all cool down nothing is read"
    world.height += 100
    await looked(auto)
    assert {s: e18 / E18 for s, e18 in auto.factors_e18.items()} == {"cpu": float(cpu), "nvidia/t4": float(t4)}
    assert world.asked_since == 1000


async def test_only_a_day_of_losses_is_looked_at(world: World) -> None:
    auto = world.auto()
    await looked(auto)
    world.height += 100_000
    await looked(auto)
    assert world.asked_since == 101_000 - 14_400


async def test_without_a_history_what_is_leased_decides(world: World) -> None:
    world.loads = {"cpu": Load(1, 10)}
    auto = world.auto(NoHistory())
    await looked(auto)
    world.height += 100
    assert await looked(auto)
    assert auto.factors_e18 == {"cpu": 9 * E18 // 10}


async def test_the_task_makes_one_round_for_each_look(world: World) -> None:
    auto = world.auto()
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(auto.run(), name="auto-price")
        auto.look(ON)
        while not world.file.exists():  # noqa: ASYNC110 - the file is what it leaves behind
            await asyncio.sleep(0.001)
        running.cancel()
    assert json.loads(world.file.read_text()) == {"mode": "on", "factors": {"cpu": {"factor": "1", "since": 1000}}}
