"""What settlements brought, by the chain's totals."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bidengine.views import EscrowPayment
from manifests.coins import E18, Coin, DecCoin
from manifests.ids import DeploymentID, LeaseID
from provider.chain.money import ESCROW
from provider.errors import Retry
from provider.ledger.books import FOUND, Books, Entry, Head, Paid, Settled
from provider.ledger.journal import Kind, Posting, Rest
from provider.ledger.store import Store
from provider.market.money.income import Income
from provider.market.money.moves import Moves, Receipt

US, RIVAL = "akash1us", "akash1rival"
LEASE = LeaseID("akash1t", 12, 1, 1, US)


@pytest.fixture
async def books(tmp_path: Path) -> AsyncIterator[Books]:
    async with Store.open(tmp_path / "ledger.db") as store:
        yield Books(store)


@pytest.fixture
def income(books: Books) -> Income:
    return Income(books.journal, US)


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
    total = Coin("uact", 1_080_006)
    assert await income.of(moved, chain, 9, {}) == [
        Settled(LEASE, 9, total),
        Paid(LEASE, 9, total, "withdraw", "TX"),
        Rest(9, total, US, ESCROW, ((LEASE, total),), None, "TX"),
    ]


async def written(books: Books, entries: list[Entry]) -> list[tuple[str, str, str]]:
    """Rows that moved a balance."""
    await books.advance(Head(9, 9), entries)
    rows = [row async for row in books.journal.rows() if row.account]
    return [(row.kind, str(Coin(row.denom, row.amount)), row.lease) for row in rows]


async def test_another_coin_stands_in_for_the_leases_own(chain: Any, books: Books) -> None:
    """The AKT fallback (chain-probes.md §6): 600,000 uact by the total, 32,400,360 uakt beside it."""
    pay(chain, LEASE, 600_000)
    named = frozenset({LEASE.deployment})
    receipts = [Receipt("TX", Coin("uakt", 32_400_360), named), Receipt("TX", Coin("uact", 600_000), named)]
    moved = Moves(receipts=receipts, settled={LEASE.deployment: "TX"})
    assert await written(books, await Income(books.journal, US).of(moved, chain, 9, live(LEASE))) == [
        ("income", "600000uact", str(LEASE)), ("income", "32400360uakt", str(LEASE)),
    ]  # fmt: skip


@pytest.mark.parametrize("ours", [True, False], ids=["to a deployment with a lease of ours", "to another"])
async def test_our_own_deposit_that_comes_back_is_no_income(chain: Any, books: Books, ours: bool) -> None:
    if ours:
        pay(chain, LEASE, 0)
    moved = Moves(receipts=[Receipt("TX", Coin("uact", 70), frozenset({LEASE.deployment}))])
    assert await written(books, await Income(books.journal, US).of(moved, chain, 9, {})) == [("transfer", "70uact", "")]


async def test_what_is_booked_already_is_no_news_to_a_new_process(chain: Any, books: Books) -> None:
    pay(chain, LEASE, 50)
    await books.advance(Head(8, 8), await Income(books.journal, US).of(settled(12), chain, 8, live(LEASE)))
    assert await Income(books.journal, US).of(settled(12), chain, 9, live(LEASE)) == [
        Settled(LEASE, 9, Coin("uact", 50))
    ]


@pytest.mark.parametrize("between", [False, True], ids=["alone", "reconciled between asking and writing"])
async def test_income_that_was_missed_is_told_once_whoever_finds_it(chain: Any, books: Books, between: bool) -> None:
    """91 had come unseen, 9 come in this block. What was missed is in no receipt: alone, it is taken out of the balance
    again until somebody compares."""
    await books.advance(Head(8, 8), [Posting(Kind.OPENING, 8, "opening", Coin("uact", 0), US)])
    pay(chain, LEASE, 100)
    moved = Moves(receipts=[Receipt("TX", Coin("uact", 9), frozenset({LEASE.deployment}))])
    entries = await Income(books.journal, US).of(moved, chain, 9, live(LEASE))
    if between:
        cure = [Settled(LEASE, 8, Coin("uact", 91), found=True), Paid(LEASE, 8, Coin("uact", 91), FOUND)]
        await books.correct(Head(8, 8), cure)
    await books.advance(Head(9, 9), entries)
    assert await books.journal.paid(LEASE) == {"uact": 100}
    assert await books.journal.balances() == {US: {"uact": 100 if between else 9}}
    before = [row async for row in books.journal.rows()]
    await books.advance(Head(9, 9), entries)
    assert [row async for row in books.journal.rows()] == before, "and the same block once more is no news"


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
