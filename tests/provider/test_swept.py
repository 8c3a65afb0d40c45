"""A daemon sweeps over a real market: the money is where it should be, and the books say so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from provider.chain.keys import Key
from provider.ledger.books import Books
from provider.ledger.store import Store
from provider.ledger.sweeps import Sweeps
from provider.market.money import sweep
from provider.sandbox.town import living
from provider.settings import SweepSettings

COLD = Key.from_hex("7" * 64)


async def test_it_is_swept_once_and_booked(
    in_town: Callable[..., Any], until: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweep, "LOOK_S", 0.2)
    async with in_town() as town:
        net, owner = town.net, town.net.provider.address
        given = SweepSettings(addresses=(COLD.address,), keep="5000000uakt", most_per_day=7_000_000, delay_s=3)
        async with living(replace(net, settings=net.settings.model_copy(update={"sweep": given}))):

            async def done() -> bool:
                async with Store.open(net.ledger, readonly=True) as store:
                    return [row.state for row in await Sweeps(store).newest()] == ["done"]

            await until("the sweep is done", done)
            assert await net.chain.latest.balances(COLD.address) == {"uakt": 7_000_000}, "the cap of a day, once"
        async with Store.open(net.ledger, readonly=True) as store:
            (row,), rows = await Sweeps(store).newest(), [r async for r in Books(store).journal.rows()]
        (swept,) = (r for r in rows if r.kind == "sweep")
        assert (swept.amount, swept.other, swept.tx) == (-7_000_000, COLD.address, row.tx)
        assert swept.usd_e18 is not None
        assert any(r.kind == "fee" and r.tx == row.tx and r.account == owner for r in rows)
