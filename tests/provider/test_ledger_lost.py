"""The ledger's file is lost while a lease runs: history is gone, the lease is not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from provider.ledger.books import Books
from provider.ledger.store import Store
from provider.ledger.verify import verify


def lose(work: Path) -> None:
    for file in work.glob("ledger.db*"):
        file.unlink()


async def test_a_running_lease_outlives_the_ledger(with_daemon: Callable[..., Any], tmp_path: Path) -> None:
    async with with_daemon() as (town, daemon):

        async def lost(entry: dict[str, Any]) -> None:
            if entry["step"] == "usage":
                await daemon.kill()
                lose(tmp_path)
                await daemon.start()
                await daemon.ready()

        await town.life(on_step=lost).run()
        await daemon.ready()
        await town.settled_well()
        chain, owner = town.net.chain, town.net.provider.address
        async with Store.open(town.net.ledger, readonly=True) as store:
            await store.read("BEGIN")
            head = await Books(store).head()
            assert head is not None
            balances = await Books(store).journal.balances()
        assert {d: n for d, n in balances[owner].items() if n} == await chain.at(head.height).balances(owner)
        assert (await verify(town.net.ledger)).faults == ()
