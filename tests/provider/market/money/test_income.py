"""What settlements brought, by the chain's totals."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bidengine.views import EscrowPayment
from manifests.coins import E18, Coin, DecCoin
from manifests.ids import DeploymentID, LeaseID
from provider.errors import Retry
from provider.ledger.books import Books, Head, Paid, Settled
from provider.ledger.journal import Posting
from provider.ledger.store import Store
from provider.market.money.income import Income
from provider.market.money.moves import Moves, Receipt

US, RIVAL = "akash1us", "akash1rival"
LEASE = LeaseID("akash1t", 12, 1, 1, US)


@pytest.fixture
async def income(tmp_path: Path) -> Any:
    async with Store.open(tmp_path / "ledger.db") as store:
        yield Income(Books(store).journal, US)


def pay(chain: Any, lease: LeaseID, total: int, balance: int = 0) -> None:
    chain.payments_[lease] = EscrowPayment(lease, "open", DecCoin("uact", E18), balance * E18, 0, Coin("uact", total))


def live(*leases: LeaseID) -> dict[str, set[LeaseID]]:
    return {owner: {one for one in leases if one.owner == owner} for owner in {one.owner for one in leases}}


def settled(*dseqs: int, tx: str = "TX") -> Moves:
    return Moves(settled={DeploymentID("akash1t", dseq): tx for dseq in dseqs})


async def test_a_settlement_by_somebody_else_credits_without_paying(chain: Any, income: Income) -> None:
    pay(chain, LEASE, 0, balance=219)
    found = await income.of(settled(12), chain, 9, live(LEASE))
    assert found == [Settled(LEASE, 9, Coin("uact", 219))]


async def test_who_settles_12_settles_123_of_that_tenant_too(chain: Any, income: Income) -> None:
    long, other = (LeaseID(owner, 123, 1, 1, US) for owner in ("akash1t", "akash1u"))
    for lease in (LEASE, long, other):
        pay(chain, lease, 5)
    found = await income.of(settled(12), chain, 9, live(LEASE, long, other))
    assert {entry.lease for entry in found if isinstance(entry, Paid)} == {LEASE, long}


async def test_a_lease_may_be_settled_in_the_block_it_begins_in(chain: Any, income: Income) -> None:
    lease = LeaseID("akash1t", 15, 1, 1, US)
    pay(chain, lease, 0, 0)
    assert await income.of(settled(1), chain, 9, live(), (), {lease}) == []
    pay(chain, lease, 0, 7)
    assert await income.of(settled(1), chain, 9, live(), (), {lease}) == [Settled(lease, 9, Coin("uact", 7))]


async def test_other_peoples_leases_are_theirs(chain: Any, income: Income) -> None:
    pay(chain, LeaseID("akash1t", 12, 1, 1, RIVAL), 50)
    pay(chain, LEASE, 0, balance=5)
    assert await income.of(settled(12), chain, 9, live(LEASE)) == [Settled(LEASE, 9, Coin("uact", 5))]
    assert await income.of(settled(13), chain, 9, live(LEASE)) == []


async def test_a_debt_paid_long_after_the_end_is_found_by_who_paid(chain: Any, income: Income) -> None:
    pay(chain, LEASE, 1_080_006)
    moved = Moves(receipts=[Receipt("TX", Coin("uact", 1_080_006), frozenset({LEASE.deployment}))])
    assert await income.of(moved, chain, 9, {}) == [
        Settled(LEASE, 9, Coin("uact", 1_080_006)),
        Paid(LEASE, 9, Coin("uact", 1_080_006), "withdraw", "TX"),
    ]


async def test_another_coin_stands_in_for_the_leases_own(chain: Any, income: Income) -> None:
    """The AKT fallback (chain-probes.md §6): 600,000 uact by the total, 32,400,360 uakt beside it."""
    pay(chain, LEASE, 600_000)
    named = frozenset({LEASE.deployment})
    receipts = [Receipt("TX", Coin("uakt", 32_400_360), named), Receipt("TX", Coin("uact", 600_000), named)]
    moved = Moves(receipts=receipts, settled={LEASE.deployment: "TX"})
    _, paid, more = await income.of(moved, chain, 9, live(LEASE))
    assert paid == Paid(LEASE, 9, Coin("uact", 600_000), "withdraw", "TX")
    assert isinstance(more, Posting)
    assert (more.kind, more.coin, more.lease, more.account) == ("income", Coin("uakt", 32_400_360), LEASE, US)


@pytest.mark.parametrize("ours", [True, False], ids=["to a deployment with a lease of ours", "to another"])
async def test_our_own_deposit_that_comes_back_is_no_income(chain: Any, income: Income, ours: bool) -> None:
    if ours:
        pay(chain, LEASE, 0)
    moved = Moves(receipts=[Receipt("TX", Coin("uact", 70), frozenset({LEASE.deployment}))])
    (found,) = await income.of(moved, chain, 9, {})
    assert isinstance(found, Posting)
    assert (found.kind, found.coin, found.lease) == ("transfer", Coin("uact", 70), None)


async def test_what_is_booked_already_is_no_news_to_a_new_process(chain: Any, tmp_path: Path) -> None:
    pay(chain, LEASE, 50)
    async with Store.open(tmp_path / "ledger.db") as store:
        books = Books(store)
        await books.advance(Head(8, 8), await Income(books.journal, US).of(settled(12), chain, 8, live(LEASE)))
        assert await Income(books.journal, US).of(settled(12), chain, 9, live(LEASE)) == [
            Settled(LEASE, 9, Coin("uact", 50))
        ]


async def test_after_a_question_that_failed_everything_is_news_again(chain: Any, income: Income) -> None:
    later = LeaseID("akash1t", 13, 1, 1, US)
    pay(chain, LEASE, 50)
    answers = chain.escrow_payments

    async def silent(deployment: DeploymentID) -> Any:
        if deployment == later.deployment:
            raise Retry("no node answers")
        return await answers(deployment)

    chain.escrow_payments = silent
    with pytest.raises(Retry):
        await income.of(settled(12, 13), chain, 9, live(LEASE, later))
    chain.escrow_payments = answers
    found = await income.of(settled(12, 13), chain, 9, live(LEASE, later))
    assert Paid(LEASE, 9, Coin("uact", 50), "withdraw", "TX") in found
