"""Random interleavings of sends, blocks, losses, silences, refusals and kills: each thing wanted happens once on chain,
and every intent ends.

A schedule is a seed; a failing one is run again with `SEEDS = [n]`.
"""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

import pytest

from provider.errors import Unreachable
from provider.tasks import spawn
from tests.provider.chain.tx.fake_chain import FakeChain, No, bid, withdraw
from tests.provider.chain.tx.mortal import POINTS, Mortal, effects, states, wanted_effects

pytestmark = pytest.mark.looptime
SEEDS = range(60)
STEPS = 40


class Schedule:
    def __init__(self, seed: int, path: Path) -> None:
        self.random, self.path, self.chain = random.Random(seed), path, FakeChain()
        self.chain.unordered_enabled = self.random.random() < 0.7
        self.wanted = [bid(d) for d in range(1, 5)] + [withdraw(d) for d in range(11, 17)]
        self.wanted += self.random.sample(self.wanted, 3)  # asked for by two at once
        self.life: asyncio.Task[None] | None = None

    async def run(self) -> None:
        async with asyncio.TaskGroup() as self.tasks:
            await self._run()

    async def _run(self) -> None:
        actions = [
            (self.mine, 10), (self.lose, 3), (self.silence, 3), (self.refuse, 2), (self.kill, 1), (self.start, 3),
        ]  # fmt: skip
        for _ in range(STEPS):
            action = self.random.choices([a for a, _ in actions], [w for _, w in actions])[0]
            action()
            await asyncio.sleep(self.random.choice([0.01, 0.1, 1.0, 6.0]))
        self.chain.troubles.clear()
        self.kill()
        if self.life is not None:
            await asyncio.wait([self.life])
        self.start(dies=False)
        for _ in range(30):
            await asyncio.sleep(6)
            self.mine()
        await asyncio.sleep(3)
        assert self.life is not None
        assert not self.life.done(), "the last life ended by itself"
        self.kill()

    def mine(self) -> None:
        self.chain.mine(self.random.choice([1, 6, 6, 6, 20]))

    def lose(self) -> None:
        if self.chain.mempool and self.chain.unordered_enabled:
            self.chain.lose(self.random.choice(list(self.chain.mempool)))

    def silence(self) -> None:
        where = self.random.choice(["simulate", "broadcast", "after broadcast", "find"])
        self.chain.troubles[where] = [Unreachable(where)] * self.random.choice([1, 1, 3, 12])

    def refuse(self) -> None:
        where, no = self.random.choice(REFUSALS)
        self.chain.troubles[where] = [no]

    def kill(self) -> None:
        if self.life is not None:
            self.life.cancel()

    def start(self, *, dies: bool = True) -> None:
        if self.life is not None and not self.life.done():
            return
        point = self.random.choice(POINTS) if dies and self.random.random() < 0.7 else ""
        at_tip = self.random.random() < 0.2
        process = Mortal(self.chain, self.path, self.wanted, dies_at=point, at_tip=at_tip)
        self.life = spawn(self.tasks, "life", process.live())


REFUSALS = [
    ("broadcast", No("sdk", 20, "mempool is full")),
    ("broadcast", No("sdk", 18, "unordered tx ttl exceeds 10m0s: invalid request")),
    ("broadcast", No("sdk", 4, "signature verification failed; please verify account number (0) and chain-id (x)")),
    ("broadcast", No("sdk", 42, "block time: x, timeout timestamp: y: tx timeout")),
    ("simulate", No("sdk", 32, "account sequence mismatch, expected 0, got 1: incorrect account sequence")),
    ("mine", No("undefined", 111222, "recovered: nil pointer\nstack:")),
    ("mine", No("sdk", 11, "out of gas in location: x: out of gas")),
    (
        "mine",
        No("sdk", 5, "failed to execute message; message index: 0: 1uakt is smaller than 5uakt: insufficient funds"),
    ),
]


@pytest.mark.parametrize("seed", SEEDS)
async def test_each_thing_wanted_happens_once_and_every_intent_ends(seed: int, tmp_path: Path) -> None:
    schedule = Schedule(seed, tmp_path / "ledger.db")
    await schedule.run()
    assert effects(schedule.chain) == wanted_effects(dict.fromkeys(schedule.wanted))
    ended = await states(schedule.path)
    assert not ended["waiting"] + ended["signed"]
    assert sum(ended.values()) >= 10
