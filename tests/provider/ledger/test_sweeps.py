"""One sweep at a time, and each step once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from manifests.coins import Coin
from provider.ledger.store import Store
from provider.ledger.sweeps import Sweeps


@pytest.fixture
async def sweeps(tmp_path: Path) -> AsyncIterator[Sweeps]:
    async with Store.open(tmp_path / "ledger.db") as store:
        yield Sweeps(store)


async def propose(sweeps: Sweeps, amount: int = 500, at: int = 1_000) -> None:
    await sweeps.propose(Coin("uakt", amount), "akash1cold", due_unix_s=at + 60, height=7, now_unix_s=at)


async def test_only_one_is_open(sweeps: Sweeps) -> None:
    await propose(sweeps)
    await propose(sweeps, 900)
    row = await sweeps.open()
    assert row is not None
    assert (row.coin, row.state, row.due_unix_s, len(await sweeps.newest())) == (
        Coin("uakt", 500),
        "proposed",
        1_060,
        1,
    )


async def test_of_any_size(sweeps: Sweeps) -> None:
    for at, amount in enumerate((6 * 10**18, 6 * 10**18, 10**30)):
        await propose(sweeps, amount)
        row = await sweeps.open()
        assert row is not None
        assert row.coin.amount == amount
        assert await sweeps.send(row, amount - 1, height=8 + at, now_unix_s=1_000)
        row = await sweeps.open()
        assert row is not None
        await sweeps.end(row, "done", tx=f"TX{at}", now_unix_s=1_100)
    assert await sweeps.since(1_000, "uakt") == 10**30 + 12 * 10**18 - 3


async def test_from_proposed_to_done(sweeps: Sweeps) -> None:
    await propose(sweeps)
    row = await sweeps.open()
    assert row is not None
    assert await sweeps.send(row, 400, height=9, now_unix_s=1_100)
    await sweeps.sent(row, "AB")
    sending = await sweeps.open()
    assert sending is not None
    assert (sending.state, sending.coin.amount, sending.tx, sending.height) == ("sending", 400, "AB", 9)
    assert await sweeps.end(sending, "done")
    assert await sweeps.open() is None
    assert (await sweeps.newest())[0].tx == "AB"
    assert await sweeps.since(1_100, "uakt") == 400
    assert await sweeps.since(1_101, "uakt") == await sweeps.since(0, "uact") == 0


async def test_what_is_cancelled_is_not_sent(sweeps: Sweeps) -> None:
    await propose(sweeps)
    row = await sweeps.open()
    assert row is not None
    assert await sweeps.end(row, "cancelled", "by akp")
    assert not await sweeps.send(row, 500, height=9, now_unix_s=1_100)
    assert await sweeps.since(0, "uakt") == 0


async def test_what_is_sent_is_not_cancelled(sweeps: Sweeps) -> None:
    await propose(sweeps)
    row = await sweeps.open()
    assert row is not None
    await sweeps.send(row, 500, height=9, now_unix_s=1_100)
    assert not await sweeps.end(row, "cancelled", "by akp")
    assert (await sweeps.newest())[0].state == "sending"
