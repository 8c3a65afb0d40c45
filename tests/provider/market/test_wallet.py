"""What can still be spent: the balance of a height less what has left since."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace as Some
from typing import Any

import pytest

from manifests.coins import Coin
from provider.errors import Refused, Retry
from provider.market.book import Book
from provider.market.wallet import REFRESH_BLOCKS, Wallet
from provider.settings import BidSettings
from provider.tasks import spawn


class Purse:
    """A wallet over a chain in memory, with so many deposits on their way."""

    def __init__(self, chain: Any, book: Book, **settings: Any) -> None:
        self.chain, self.book, self.on_the_way = chain, book, 0
        self.asked: list[int] = []
        self.trouble: Exception | None = None
        promises: Any = Some(deposits_after=lambda height: self.on_the_way)
        self.wallet = Wallet(book, promises, self.at, BidSettings(**settings))

    def at(self, height: int) -> Any:
        return Some(balances=lambda address: self.balances(height, address))

    async def balances(self, height: int, address: str) -> dict[str, int]:
        self.asked.append(height)
        if self.trouble is not None:
            raise self.trouble
        found: dict[str, int] = await self.chain.balances(address)
        return found

    def blocks(self, count: int) -> bool:
        self.book.height += count
        return self.wallet.tick(self.book.height)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        async with asyncio.TaskGroup() as tasks:
            task = spawn(tasks, "wallet", self.wallet.run())
            await turn()
            yield
            task.cancel()


async def turn() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


@pytest.fixture
async def purse(chain: Any) -> Purse:
    chain.balances_ = {"uakt": 1_000_000, "uact": 7}
    return Purse(chain, await Book.load(chain, "akash1us", 7, 70), fee_reserve="100000uakt", min_balance="50000uakt")


async def test_until_it_is_known_it_stops_nobody(purse: Purse) -> None:
    assert purse.wallet.seen() is None
    assert not purse.blocks(1)
    assert list(purse.wallet.gauges()) == []


async def test_what_is_on_its_way_is_spent_and_what_is_kept_is_not_for_deposits(purse: Purse) -> None:
    async with purse.running():
        seen = purse.wallet.seen()
        assert seen is not None
        assert (seen.account, seen.deposit) == ("akash1us", Coin("uakt", 500_000))
        assert seen.kept == (Coin("uakt", 100_000), Coin("uakt", 50_000))
        assert seen.balance == {"uakt": 1_000_000, "uact": 7}
        assert seen.lacking() == ()
        purse.on_the_way = 1
        seen = purse.wallet.seen()
        assert seen is not None
        assert seen.balance["uakt"] == 500_000
        assert seen.lacking() == (Coin("uakt", 150_000),)


async def test_it_is_read_again_after_some_blocks_at_the_books_height(purse: Purse) -> None:
    async with purse.running():
        assert purse.asked == [7]
        for _ in range(REFRESH_BLOCKS - 1):
            purse.blocks(1)
            await turn()
        assert purse.asked == [7]
        purse.blocks(1)
        await turn()
        assert purse.asked == [7, 7 + REFRESH_BLOCKS]


async def test_money_that_arrives_is_news(purse: Purse) -> None:
    purse.chain.balances_ = {"uakt": 0}
    async with purse.running():
        assert not purse.blocks(1), "low is no news worth another look at orders"
        purse.chain.balances_ = {"uakt": 10**7}
        assert not purse.blocks(REFRESH_BLOCKS)
        await turn()
        assert purse.blocks(1)
        assert not purse.blocks(1)


@pytest.mark.parametrize("trouble", [Retry("no node answers"), Refused("the state of that height is gone")])
async def test_what_cannot_be_read_leaves_what_is_known(purse: Purse, trouble: Exception) -> None:
    async with purse.running():
        purse.trouble = trouble
        purse.blocks(REFRESH_BLOCKS)
        await turn()
        seen = purse.wallet.seen()
        assert seen is not None
        assert seen.balance["uakt"] == 1_000_000
        purse.trouble, purse.chain.balances_ = None, {"uakt": 5}
        purse.blocks(1)
        await turn()
        seen = purse.wallet.seen()
        assert seen is not None
        assert seen.balance == {"uakt": 5}, "asked again at the next block"
        assert list(purse.wallet.gauges()) == [("akp_wallet_balance_tokens", {"denom": "uakt"}, 5e-6)]
