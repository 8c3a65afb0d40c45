"""The hot key's standing is told at the start and every hour, and shown as gauges."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from manifests.coins import Coin
from provider.chain.convert.records import Allowance, Grant
from provider.chain.delegation import NEEDED
from provider.chain.keys import Key
from provider.errors import Unreachable
from provider.keyring import Identity
from provider.market.standing.hotkey import LOOK_AGAIN_S, HotKey
from provider.metrics import Metrics
from provider.tasks import spawn

KEY, COLD = Key.from_hex("11" * 32), "akash1cold"
NOW, DAY = 1_800_000_000, 86_400


class Chain:
    def __init__(self) -> None:
        self.asked = 0
        self.away = False
        self.given = [Grant(url, NOW + 90 * DAY) for url in NEEDED]

    async def grants(self, granter: str, grantee: str) -> list[Grant]:
        self.asked += 1
        if self.away:
            raise Unreachable("no node")
        assert (granter, grantee) == (COLD, KEY.address)
        return self.given

    async def allowance(self, granter: str, grantee: str) -> Allowance | None:
        return Allowance(granter, None, (Coin("uakt", 10**6),), None)

    async def balances(self, address: str) -> dict[str, int]:
        assert address == KEY.address
        return {"uakt": 2_500_000}


def hotkey(chain: Chain, who: Identity, now: int = NOW) -> HotKey:
    return HotKey(who, lambda: chain, lambda: now)


async def test_all_is_well() -> None:
    hot = hotkey(Chain(), Identity(KEY, COLD))
    assert list(hot.gauges()) == []
    assert await hot.look() == ()
    metrics = Metrics()
    metrics.watch(hot.gauges)
    text = metrics.text().decode()
    assert "akp_hot_key_problems 0.0" in text
    assert 'akp_hot_key_balance_tokens{denom="uakt"} 2.5' in text
    assert "akp_hot_key_grants_end_seconds 1.807776e+09" in text


@pytest.mark.looptime
async def test_a_grant_that_ends_is_told_before_it_does_and_a_silent_chain_stops_nothing() -> None:
    chain = Chain()
    hot = hotkey(chain, Identity(KEY, COLD))
    async with asyncio.TaskGroup() as tasks:
        looking = spawn(tasks, "grants", hot.run())
        chain.away = True
        await asyncio.sleep(LOOK_AGAIN_S + 1)
        chain.away = False
        chain.given = [Grant(url, NOW + 5 * DAY) for url in NEEDED]
        await asyncio.sleep(LOOK_AGAIN_S)
        assert chain.asked == 2
        looking.cancel()
    assert {n: v for n, _, v in hot.gauges()}["akp_hot_key_problems"] == len(NEEDED)


@pytest.mark.parametrize(
    ("who", "looks"),
    [
        (Identity(KEY, KEY.address), False),
        (Identity(KEY, KEY.address, "akash1payer"), True),
        (Identity(KEY, COLD), True),
    ],
    ids=["own key", "own key, fees granted", "hot key"],
)
async def test_a_providers_own_key_that_pays_its_fees_is_none(who: Any, looks: bool) -> None:
    chain = Chain()
    hot = hotkey(chain, who)
    await hot.look()
    assert bool(list(hot.gauges())) is looks
    if not looks:
        await hot.run()
        assert chain.asked == 0
