"""Parameters and software that change under us: what the book holds, what is told and what is counted."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from bidengine.views import MarketParams
from manifests.coins import Coin
from provider.chain.convert.records import Software
from provider.chain.familiar import SPOKEN
from provider.chain.nodes import NotOffered
from provider.errors import Refused, Unreachable
from provider.market.standing.parameters import Parameters
from provider.metrics import Metrics

BEFORE = MarketParams((Coin("uact", 500_000),), 20, 3600, 2_592_000)
MODULES = {m: frozenset({v}) for m, v in SPOKEN.items()}


@dataclass
class World:
    params: MarketParams = BEFORE
    software_: Software | Exception = field(default_factory=lambda: Software("v2.1.0", MODULES))
    looks: int = 0

    async def market_params(self) -> MarketParams:
        return self.params

    async def software(self) -> Software:
        if isinstance(self.software_, Exception):
            raise self.software_
        return self.software_


@dataclass
class Book:
    params: MarketParams = BEFORE


def made(world: World, deposit: Coin | None = None) -> tuple[Parameters, Any, Metrics]:
    book, metrics = Book(), Metrics()

    def changed() -> None:
        world.looks += 1

    return Parameters(book, lambda: world, changed, metrics, deposit=deposit), book, metrics  # type: ignore[arg-type]


async def test_a_change_is_in_the_book_told_with_both_values_and_counted(capsys: pytest.CaptureFixture[str]) -> None:
    world = World()
    parameters, book, metrics = made(world)
    await parameters.look()
    assert (world.looks, capsys.readouterr().out) == (0, "")
    world.params = replace(BEFORE, order_max_bids=30, bid_min_deposits=(Coin("uact", 1), Coin("uakt", 2)))
    for _ in range(2):
        await parameters.look()
    said = capsys.readouterr().out
    assert book.params == world.params
    assert world.looks == 1
    for words in ("name=order_max_bids", "old=20", "new=30", "old=500000uact", "new=1uact,2uakt"):
        assert words in said
    assert metrics.registry.get_sample_value("akp_parameter_changes_total", {"parameter": "order_max_bids"}) == 1


@pytest.mark.parametrize("least", [(Coin("uact", 1), Coin("uakt", 500_001)), (Coin("uact", 1),)])
async def test_a_deposit_that_is_not_taken_is_told_once(
    least: tuple[Coin, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    taken = replace(BEFORE, bid_min_deposits=(Coin("uakt", 500_000),))
    world = World(taken)
    parameters, _, _ = made(world, Coin("uakt", 500_000))
    await parameters.look()
    assert "refuses every bid" not in capsys.readouterr().out
    for params in (replace(taken, bid_min_deposits=least),) * 2:
        world.params = params
        await parameters.look()
    said = capsys.readouterr().out
    assert said.count("refuses every bid") == 1
    assert "bid.deposit is 500000uakt" in said
    for world.params in (taken, replace(taken, bid_min_deposits=least)):
        await parameters.look()
    assert capsys.readouterr().out.count("refuses every bid") == 1


async def test_an_upgrade_is_told_and_so_is_what_it_takes_away(capsys: pytest.CaptureFixture[str]) -> None:
    world = World()
    parameters, _, _ = made(world)
    await parameters.look()
    world.software_ = Software("v3.0.0", {**MODULES, "market": frozenset({"v2"}), "storage": frozenset({"v1"})})
    for _ in range(2):
        await parameters.look()
    said = capsys.readouterr().out
    for words in ("software changed", "old=v2.1.0", "new=v3.0.0", "gone=['market v1beta5']", "modules=['storage']"):
        assert said.count(words) == 1


async def test_at_start_a_version_that_is_missing_is_told_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    parameters, _, _ = made(World(software_=Software("v1.0.0", {**MODULES, "oracle": frozenset({"v1"})})))
    await parameters.look()
    assert "gone=['oracle v2']" in capsys.readouterr().out


async def test_a_node_without_discovery_is_no_trouble(capsys: pytest.CaptureFixture[str]) -> None:
    parameters, _, _ = made(World(software_=NotOffered("unknown service")))
    await parameters.look()
    assert capsys.readouterr().out == ""


@pytest.mark.looptime
async def test_it_looks_for_ever_whatever_nodes_answer() -> None:
    class Moody(World):
        asked = 0

        async def market_params(self) -> MarketParams:
            self.asked += 1
            if self.asked < 3:
                raise (Unreachable("no"), Refused("no"))[self.asked - 1]
            raise ZeroDivisionError

    parameters, _, _ = made(world := Moody())
    with pytest.raises(ZeroDivisionError):
        await parameters.run()
    assert world.asked == 3
