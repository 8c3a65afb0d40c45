"""What can still be spent: the balance of a height less what has left since."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace as Some
from typing import Any

import pytest
import structlog.testing

from bidengine.views import FeeAccount
from manifests.coins import Coin
from provider.chain.convert.records import DepositGrant
from provider.errors import Refused, Retry
from provider.market.bids.wallet import REFRESH_BLOCKS, Wallet
from provider.market.book import Book
from provider.settings import BidSettings
from provider.tasks import spawn


class Purse:
    """A wallet over a chain in memory, with so many deposits on their way."""

    def __init__(self, chain: Any, book: Book, **settings: Any) -> None:
        self.chain, self.book, self.on_the_way = chain, book, 0
        self.asked: list[int] = []
        self.trouble: Exception | None = None
        promises: Any = Some(deposits_after=lambda height: self.on_the_way)
        pays_fees = settings.pop("pays_fees", "")
        self.grants: list[DepositGrant] = []
        self.others: dict[str, dict[str, int]] = {}
        self.wallet = Wallet(book, promises, self.at, BidSettings(**settings), pays_fees)

    def at(self, height: int) -> Any:
        return Some(balances=lambda address: self.balances(height, address), deposit_grants=self.deposit_grants)

    async def deposit_grants(self, grantee: str) -> list[DepositGrant]:
        assert grantee == "akash1us"
        return self.grants

    async def balances(self, height: int, address: str) -> dict[str, int]:
        self.asked.append(height)
        if self.trouble is not None:
            raise self.trouble
        if address in self.others:
            return self.others[address]
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


async def test_what_others_grant_for_bids_counts_as_far_as_they_have_it(chain: Any) -> None:
    chain.balances_ = {"uakt": 1_000_000}
    book = await Book.load(chain, "akash1us", 7, 70)
    purse = Purse(chain, book, deposit_sources=("grant", "balance"), fee_reserve="250000uakt")
    purse.others = {"akash1rich": {"uakt": 10**9}, "akash1poor": {"uakt": 300_000}}
    purse.grants = [
        DepositGrant("akash1rich", (Coin("uakt", 600_000), Coin("uact", 9)), for_bids=True),
        DepositGrant("akash1poor", (Coin("uakt", 900_000),), for_bids=True),
        DepositGrant("akash1rich", (Coin("uakt", 10**8),), for_bids=False),
        DepositGrant("akash1rich", (), for_bids=True),
    ]
    await purse.wallet.read()
    seen = purse.wallet.seen()
    assert seen is not None
    assert (seen.granted, seen.balance, seen.sources) == (900_000, {"uakt": 1_000_000}, ("grant", "balance"))
    assert ("akp_wallet_granted_tokens", {"denom": "uakt"}, 0.9) in list(purse.wallet.gauges())
    purse.on_the_way = 3  # 1,500,000: the grants first, then what is ours
    seen = purse.wallet.seen()
    assert seen is not None
    assert (seen.granted, seen.balance) == (0, {"uakt": 400_000})
    assert seen.lacking() == (Coin("uakt", 350_000),)


async def test_the_reserve_for_fees_is_looked_for_in_the_account_that_pays_them(chain: Any) -> None:
    chain.balances_ = {"uakt": 600_000}
    book = await Book.load(chain, "akash1us", 7, 70)
    purse = Purse(chain, book, pays_fees="akash1hot", fee_reserve="100000uakt", min_balance="50000uakt")
    purse.others = {"akash1hot": {"uakt": 99_999}}
    with structlog.testing.capture_logs() as logs:
        await purse.wallet.read()
        assert not purse.blocks(1)
    assert [line["lacks"] for line in logs] == [{"akash1hot": "1uakt"}]
    seen = purse.wallet.seen()
    assert seen is not None
    assert seen.kept == (Coin("uakt", 50_000),)
    assert seen.lacking() == ()
    assert seen.fees == FeeAccount("akash1hot", {"uakt": 99_999}, (Coin("uakt", 100_000),))
    assert ("akp_fee_payer_balance_tokens", {"denom": "uakt"}, 0.099999) in list(purse.wallet.gauges())
    purse.others["akash1hot"]["uakt"] = 100_000
    await purse.wallet.read()
    assert purse.blocks(1), "news: bids can be paid again"


async def test_the_providers_own_account_may_be_named_as_payer(chain: Any) -> None:
    book = await Book.load(chain, "akash1us", 7, 70)
    purse = Purse(chain, book, pays_fees="akash1us", fee_reserve="100000uakt")
    await purse.wallet.read()
    seen = purse.wallet.seen()
    assert seen is not None
    assert (seen.fees, seen.kept) == (None, (Coin("uakt", 100_000),))
