"""Random histories of a market, by the chain's own rules: whatever happened, the ledger's figures are the chain's."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from manifests.resources import GroupSpec
from provider.ledger.store import Store
from tests.provider.market.history import Bookkeeper, Crowd, Market


@pytest.mark.parametrize("seed", [*range(6), 21, 23, 32])
async def test_the_books_equal_the_chain(seed: int, tmp_path: Path, make_spec: Callable[..., GroupSpec]) -> None:
    dice = random.Random(seed)
    market = Market(make_spec(price=100_000))
    await market.begin()
    crowd = Crowd(market, dice)
    for _ in range(dice.choice((0, 30))):  # what was there before we kept books
        await market.put(*await crowd.some())
    async with Store.open(tmp_path / "ledger.db") as store:
        keeper = Bookkeeper(market, store)
        await keeper.start()
        await keeper.is_equal()
        for step in range(120):
            block = await market.put(*await crowd.some())
            if dice.random() < 0.02:  # away for long: the blocks in between are never read
                for _ in range(dice.randint(1, 12)):
                    await market.put(*await crowd.some())
                await keeper.start(market.height)
            else:
                await keeper.take(block)
                if dice.random() < 0.05:  # killed, and started again
                    await keeper.start()
                if dice.random() < 0.05 and keeper.book is not None:  # the same block once more
                    await keeper.take(block)
            if dice.random() < 0.1:
                market.app.skip(dice.choice((1, 3, 50)), 6 * 10**9)
                await keeper.start(market.height)
            if step % 10 == 9:
                await keeper.is_equal()
        await keeper.is_equal()
