"""Killed at every step a message takes, whatever the chain does meanwhile: in the end each thing wanted was done once,
and nothing is open in the outbox's file."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from provider.errors import Unreachable
from provider.tasks import spawn
from tests.provider.chain.tx.fake_chain import FakeChain, bid, withdraw
from tests.provider.chain.tx.mortal import POINTS, Mortal, effects, states, wanted_effects

pytestmark = pytest.mark.looptime
WANTED = [bid(1), bid(2), *(withdraw(d) for d in range(11, 16))]
MEANWHILE = {
    "the chain stands still": 0,
    "a block comes": 1,
    "it is away until all is void": 8,
}


async def lived(process: Mortal, blocks: int) -> None:
    """So many blocks of its life, or until it dies."""
    async with asyncio.TaskGroup() as tasks:
        life = spawn(tasks, "life", process.live())
        for _ in range(blocks):
            await asyncio.sleep(6)
            if life.done():
                break
            process.chain.mine()
        await asyncio.sleep(3)
        life.cancel()


@pytest.mark.parametrize("ordered", [False, True], ids=["unordered", "ordered"])
@pytest.mark.parametrize("meanwhile", MEANWHILE)
@pytest.mark.parametrize("point", POINTS)
async def test_killed(point: str, meanwhile: str, ordered: bool, tmp_path: Path) -> None:
    chain, path = FakeChain(), tmp_path / "ledger.db"
    chain.unordered_enabled = not ordered
    first = Mortal(chain, path, WANTED, dies_at=point)
    await lived(first, blocks=3)
    for _ in range(MEANWHILE[meanwhile]):
        chain.mine()
    await lived(Mortal(chain, path, WANTED), blocks=20)
    assert effects(chain) == wanted_effects(WANTED)
    ended = await states(path)
    assert ended["done"] == len(WANTED)
    assert not ended["waiting"] + ended["signed"]


@pytest.mark.parametrize("index", [True, False], ids=["looked up by hash", "the node keeps no index"])
@pytest.mark.parametrize("point", POINTS)
async def test_killed_and_away_for_so_long_that_the_blocks_are_not_read(
    point: str, index: bool, tmp_path: Path
) -> None:
    chain, path = FakeChain(), tmp_path / "ledger.db"
    await lived(Mortal(chain, path, WANTED, dies_at=point), blocks=3)
    for _ in range(2):
        chain.mine()
    if not index:
        chain.troubles["find"] = [Unreachable("down")] * 100
    await lived(Mortal(chain, path, WANTED, at_tip=True), blocks=20)
    assert effects(chain) == wanted_effects(WANTED)
    ended = await states(path)
    assert not ended["waiting"] + ended["signed"]
    assert ended["done"] == len(WANTED) or not index


async def test_killed_again_and_again(tmp_path: Path) -> None:
    chain, path = FakeChain(), tmp_path / "ledger.db"
    for point in (*POINTS, *reversed(POINTS)):
        await lived(Mortal(chain, path, WANTED, dies_at=point), blocks=1)
    await lived(Mortal(chain, path, WANTED), blocks=20)
    assert effects(chain) == wanted_effects(WANTED)


async def test_what_was_signed_and_never_left_leaves_as_the_same_bytes(tmp_path: Path) -> None:
    chain, path = FakeChain(), tmp_path / "ledger.db"
    await lived(Mortal(chain, path, WANTED[:1], dies_at="when the bytes are stored"), blocks=1)
    assert chain.calls["broadcast"] == 0
    simulated = chain.calls["simulate"]
    await lived(Mortal(chain, path, WANTED[:1]), blocks=2)
    assert effects(chain) == wanted_effects(WANTED[:1])
    assert chain.calls["simulate"] == simulated, "nothing was signed anew"


async def test_other_terms_under_a_key_that_is_under_way_are_not_signed(tmp_path: Path) -> None:
    """The first process has bid; the second would bid another price before it has seen that."""
    chain, path = FakeChain(), tmp_path / "ledger.db"
    await lived(Mortal(chain, path, WANTED[:1], dies_at="when it has left"), blocks=0)
    assert len(chain.mempool) == 1
    other = replace(bid(1), price=replace(bid(1).price, amount_e18=7))
    await lived(Mortal(chain, path, [other]), blocks=2)
    assert chain.batches == [1]
    assert effects(chain) == wanted_effects(WANTED[:1])
