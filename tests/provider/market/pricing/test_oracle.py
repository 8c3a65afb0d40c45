"""The last good price is kept and grows old by the chain's clock; trouble is told once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from structlog.testing import capture_logs

from bidengine.tariff.currency import CoinPrice
from bidengine.views import OraclePrice
from provider.errors import Refused, Unreachable
from provider.market.pricing.oracle import Oracle

S = 10**9
Answer = OraclePrice | None | Exception


class Asked:
    """Answers what it is told to, and counts."""

    def __init__(self) -> None:
        self.answers: dict[str, Answer] = {}
        self.asked: list[str] = []

    async def oracle_price(self, denom: str = "akt") -> OraclePrice | None:
        self.asked.append(denom)
        answer = self.answers.get(denom)
        if isinstance(answer, Exception):
            raise answer
        return answer


def good(usd_e18: int = 5, at_s: int = 100, *, healthy: bool = True) -> OraclePrice:
    return OraclePrice("akt", usd_e18, at_s * S, healthy, "" if healthy else "insufficient price sources: 0 < 1")


@pytest.fixture
def asked() -> Asked:
    return Asked()


@pytest.fixture
def clock() -> list[int]:
    return [100 * S]


@pytest.fixture
def oracle(asked: Asked, clock: list[int]) -> Oracle:
    return Oracle(lambda: asked, lambda: clock[0])


async def test_the_last_good_price_grows_old(oracle: Oracle, asked: Asked, clock: list[int]) -> None:
    assert oracle.prices == {}
    asked.answers["akt"] = good()
    await oracle.ask()
    assert oracle.prices == {"akt": CoinPrice(5, 0)}
    clock[0] += 61 * S
    for trouble in (None, good(9, healthy=False), good(0), Unreachable("down"), Refused("no oracle here")):
        asked.answers["akt"] = trouble
        await oracle.ask()
        assert oracle.prices == {"akt": CoinPrice(5, 61)}
    asked.answers["akt"] = good(6, at_s=161)
    await oracle.ask()
    assert oracle.prices == {"akt": CoinPrice(6, 0)}


async def test_a_price_from_a_block_not_yet_taken_in_is_not_older_than_nothing(
    oracle: Oracle, asked: Asked, clock: list[int]
) -> None:
    asked.answers["akt"] = good(at_s=106)
    await oracle.ask()
    assert oracle.prices["akt"].age_s == 0


async def test_one_coins_trouble_is_not_the_others(oracle: Oracle, asked: Asked) -> None:
    asked.answers = {"akt": Unreachable("down"), "btc": good(7)}
    oracle.look(["btc", "btc"])
    await oracle.ask()
    assert asked.asked == ["akt", "btc"]
    assert set(oracle.prices) == {"btc"}


@pytest.mark.parametrize(
    ("trouble", "told"),
    [
        (None, "the oracle has no price"),
        (good(healthy=False), "insufficient price sources: 0 < 1"),
        (OraclePrice("akt", 1, 0, False), "the oracle is unhealthy"),
        (good(0), "the oracle's price is zero"),
        (Unreachable("nobody answers"), "nobody answers"),
    ],
)
async def test_trouble_is_told_once_and_its_end_too(oracle: Oracle, asked: Asked, trouble: Answer, told: str) -> None:
    with capture_logs() as logs:
        for answer in (good(), trouble, trouble, good(), good()):
            asked.answers["akt"] = answer
            await oracle.ask()
    assert [(line["event"], line.get("why"), line.get("last_good_age_s")) for line in logs] == [
        ("no fresh price", told, 0),
        ("price is fresh again", None, None),
    ]


async def test_it_asks_at_the_start_and_once_for_each_look(oracle: Oracle, asked: Asked) -> None:
    async def until(met: Callable[[], bool]) -> None:
        while not met():  # noqa: ASYNC110 - nothing happens but what this test does
            await asyncio.sleep(0)

    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(oracle.run(), name="oracle")
        await until(lambda: asked.asked == ["akt"])
        oracle.look([])
        await until(lambda: asked.asked == ["akt", "akt"])
        oracle.look(["btc"])
        oracle.look(["btc"])
        await until(lambda: asked.asked == ["akt", "akt", "akt", "btc"])
        for _ in range(5):
            await asyncio.sleep(0)
        assert len(asked.asked) == 4
        running.cancel()


async def test_what_operators_see(oracle: Oracle, asked: Asked, clock: list[int]) -> None:
    asked.answers["akt"] = good(5 * 10**17)
    await oracle.ask()
    clock[0] += 7 * S
    assert list(oracle.gauges()) == [
        ("akp_price_usd", {"denom": "akt"}, 0.5),
        ("akp_oracle_age_seconds", {"denom": "akt"}, 7),
    ]


async def test_where_nobody_looks_it_asks_seldom(
    oracle: Oracle, asked: Asked, until: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("provider.market.pricing.oracle.SELDOM_S", 0.001)
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(oracle.run(), name="oracle")

        async def asked_often() -> bool:
            return len(asked.asked) >= 3

        await until("asked a few times", asked_often)
        running.cancel()
