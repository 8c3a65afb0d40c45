"""Income: collected by period, at the dry height, and never twice in a block for one deployment."""

from __future__ import annotations

from typing import Any

import pytest

from bidengine.views import EscrowAccount, EscrowPayment
from manifests.coins import E18, Coin, DecCoin
from manifests.ids import LeaseID
from provider.chain.messages import Msg, WithdrawLease
from provider.errors import TxRefused
from provider.market.book import Book
from provider.market.funds import LOST_BLOCKS, REFRESH_BLOCKS, Funds
from provider.settings import LeaseSettings

US = "akash1us"


class Till:
    """Funds over a chain in memory; `at(height)` is a block going by."""

    def __init__(self, chain: Any, book: Book, period_s: int = 600) -> None:
        self.chain, self.book = chain, book
        self.sent: list[Msg] = []
        self.refuse = False
        self.funds = Funds(book, lambda: chain, self.send, LeaseSettings(withdraw_period_s=period_s), lambda: 6000)

    async def send(self, msg: Msg) -> str:
        if self.refuse:
            raise TxRefused("escrow", 7, "payment closed")
        self.sent.append(msg)
        return "HASH"

    async def at(self, height: int) -> list[Msg]:
        self.book.height = height
        before = len(self.sent)
        self.funds.tick(height)
        while self.funds.queue._waiting:
            key = await self.funds.queue.get()
            await self.funds.handle(key)
            self.funds.queue.done(key)
        return self.sent[before:]

    def settled(self, lease: LeaseID, height: int, funds: int, *, balance: int = 0) -> None:
        deployment = lease.deployment
        self.chain.accounts_[deployment] = EscrowAccount(deployment, "open", height, (DecCoin("uact", funds * E18),))
        self.chain.payments_[lease] = EscrowPayment(
            lease, "open", DecCoin("uact", 5 * E18), balance * E18, 0, Coin("uact", 0)
        )


@pytest.fixture
async def lease(chain: Any) -> LeaseID:
    return chain.add_lease(chain.add_order(1), at=3)


async def test_income_is_collected_once_a_period(chain: Any, lease: LeaseID) -> None:
    till = Till(chain, await Book.load(chain, US, 3, 30))
    till.settled(lease, 3, 1_000_000)
    assert await till.at(4) == []
    assert await till.at(102) == []
    assert await till.at(103) == [WithdrawLease(lease)], "600 s are a hundred blocks of 6 s"
    till.settled(lease, 103, 999_500)
    assert await till.at(104) == []
    assert lease in till.funds.unbooked


async def test_a_deployment_is_settled_at_the_height_its_money_ends(chain: Any, lease: LeaseID) -> None:
    till = Till(chain, await Book.load(chain, US, 3, 30), period_s=10**6)
    till.settled(lease, 3, 100)  # twenty blocks at five
    assert await till.at(23) == []
    assert await till.at(24) == [WithdrawLease(lease)]


async def test_a_deposit_nobody_announced_is_found(chain: Any, lease: LeaseID) -> None:
    till = Till(chain, await Book.load(chain, US, 3, 30), period_s=10**6)
    till.settled(lease, 3, 5 * (REFRESH_BLOCKS + 20))
    await till.at(4)
    till.settled(lease, 3, 10**9)
    assert await till.at(4 + REFRESH_BLOCKS) == []
    assert await till.at(3 + REFRESH_BLOCKS + 25) == [], "the old forecast would have called it dry"


async def test_the_other_lease_of_a_deployment_is_paid_in_a_later_block(chain: Any, lease: LeaseID) -> None:
    other = LeaseID(lease.owner, lease.dseq, 2, 1, US)
    chain.leases_[other] = chain.leases_[lease].__class__(other, "active", DecCoin("uact", 5 * E18), 3)
    till = Till(chain, await Book.load(chain, US, 3, 30))
    till.settled(lease, 3, 1_000_000)
    till.settled(other, 3, 1_000_000)
    assert await till.at(103) == [WithdrawLease(lease)]
    till.settled(lease, 103, 999_000)
    till.settled(other, 103, 999_000, balance=500)
    assert await till.at(104) == []
    assert await till.at(105) == [WithdrawLease(other)]


async def test_a_lease_that_is_over_is_forgotten(chain: Any, lease: LeaseID) -> None:
    book = await Book.load(chain, US, 3, 30)
    till = Till(chain, book)
    till.settled(lease, 3, 1_000_000)
    await till.at(4)
    book.leases.clear()
    assert await till.at(500) == []
    assert not till.funds.forecasts


async def test_a_refusal_is_not_an_end(chain: Any, lease: LeaseID) -> None:
    till = Till(chain, await Book.load(chain, US, 3, 30))
    till.settled(lease, 3, 1_000_000)
    till.refuse = True
    assert await till.at(103) == []
    assert lease not in till.funds.unbooked
    till.refuse = False
    assert await till.at(103 + 100) == [WithdrawLease(lease)]


async def test_an_overdrawn_account_is_left_alone(chain: Any, lease: LeaseID) -> None:
    till = Till(chain, await Book.load(chain, US, 3, 30))
    chain.accounts_[lease.deployment] = EscrowAccount(lease.deployment, "overdrawn", 3, (DecCoin("uact", -5 * E18),))
    assert await till.at(500) == []


async def test_a_lease_that_closes_while_the_chain_is_asked_ends_nothing(chain: Any, lease: LeaseID) -> None:
    till = Till(chain, await Book.load(chain, US, 3, 30))
    till.settled(lease, 3, 100)
    ask = chain.escrow_payments

    async def closes_meanwhile(deployment: Any) -> Any:
        till.book.leases.clear()
        return await ask(deployment)

    chain.escrow_payments = closes_meanwhile
    assert await till.at(103) == [], "nobody to withdraw from, and no KeyError to end the daemon"


async def test_a_withdrawal_counts_as_unbooked_until_its_money_is_seen(chain: Any, lease: LeaseID) -> None:
    till = Till(chain, await Book.load(chain, US, 3, 30))
    till.settled(lease, 3, 1_000_000)
    await till.at(103)
    till.funds.booked([], [], 104)
    assert lease in till.funds.unbooked, "its transaction may come a block later"
    till.funds.booked([lease], [], 105)
    assert lease not in till.funds.unbooked


@pytest.mark.parametrize("how", ["closed", "lost"])
async def test_what_never_arrives_is_not_waited_for_for_ever(chain: Any, lease: LeaseID, how: str) -> None:
    till = Till(chain, await Book.load(chain, US, 3, 30))
    till.settled(lease, 3, 1_000_000)
    await till.at(103)
    till.funds.booked([], [lease] if how == "closed" else [], 104 if how == "closed" else 103 + LOST_BLOCKS)
    assert not till.funds.unbooked
