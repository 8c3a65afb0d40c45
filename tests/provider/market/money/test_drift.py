"""Ledger and chain at one height: what differs is named with its cure, and the cure makes them equal."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bidengine.commit import Commit
from bidengine.room import Room
from bidengine.views import BidDeposit, EscrowAccount, EscrowPayment
from manifests.coins import E18, Coin, DecCoin
from manifests.ids import LeaseID
from provider.ledger.books import Books, Ended, Head, Opened, Paid, Settled
from provider.ledger.journal import Kind, Posting
from provider.ledger.store import Store
from provider.market.money.accounts import span_of
from provider.market.money.drift import Compare, Drift, entries

US, GRANTER = "akash1us", "akash1granter"


@pytest.fixture
async def books(tmp_path: Path) -> AsyncIterator[Books]:
    async with Store.open(tmp_path / "ledger.db") as store:
        yield Books(store)


async def compare(chain: Any, books: Books, height: int = 7, since: int | None = None, usd: Any = None) -> list[Drift]:
    """What differs; then it is cured, and nothing may differ any more."""

    def made() -> Compare:
        live = {key: lease for key, lease in chain.leases_.items() if lease.live}
        span = lambda lease, order: span_of(lease, order, Room(Commit()))  # noqa: E731
        return Compare(chain, height, US, frozenset({US}), books, live, span, since)

    found = [one async for one in made().all()]
    for _ in range(2):  # two who find the same book it once
        await books.advance(Head(height, height), entries(found), usd)
    curable = [one async for one in made().all() if one.entries]
    assert curable == []
    return found


def said(found: list[Drift]) -> list[tuple[str, str, str]]:
    return [(one.what, one.chain, one.ledger) for one in found]


def paid(chain: Any, lease: LeaseID, total: int, state: str = "open") -> None:
    chain.payments_[lease] = EscrowPayment(lease, state, DecCoin("uact", 5 * E18), 0, 0, Coin("uact", total))


async def test_a_thousand_leases_cost_few_questions(chain: Any, books: Books) -> None:
    """All of one tenant; of the chain, and two of the ledger."""
    for dseq in range(1, 1001):
        paid(chain, chain.add_lease(chain.add_order(dseq)), dseq)
    await compare(chain, books)
    chain.asked.clear()
    reads = count_reads(books)
    assert await compare(chain, books, 8) == []
    assert chain.asked == ["open payments"] * 2, "compared twice"
    assert len(reads) < 30
    assert (await books.journal.paid_of(chain.leases_))[chain.add_order(700).bid_of(US)] == {"uact": 700}


@pytest.mark.parametrize("state", ["overdrawn", "open"], ids=["debts", "left open and collected"])
async def test_leases_that_are_over_cost_nothing_where_every_block_was_followed(
    state: str, chain: Any, books: Books
) -> None:
    """They grow more for ever, and what becomes of them is told by blocks; where some were skipped, or who is asked to
    compare everything, looks."""
    leases = [chain.add_lease(chain.add_order(dseq)) for dseq in range(1, 51)]
    for lease in leases:
        paid(chain, lease, 91, state)
    await compare(chain, books)
    total = Coin("uact", 91)
    over = [[Ended(lease, 9, 20000), Settled(lease, 9, total, state)] for lease in leases]
    await books.advance(Head(9, 9), [entry for entries in over for entry in entries])
    await books.advance(Head(10, 10), [Paid(lease, 10, Coin("uact", 92), "withdraw") for lease in leases])
    for lease in leases:
        paid(chain, lease, 92, state)
    chain.leases_.clear()
    chain.balances_ = {"uact": len(leases)}
    chain.asked.clear()
    assert await compare(chain, books, 10) == []
    assert "payments" not in chain.asked
    assert "open payments" not in chain.asked
    paid(chain, leases[7], 99, "closed")
    assert await compare(chain, books, 10) == []
    (found,) = [one for one in await compare(chain, books, 10, since=9) if one.what == "income"]
    assert (found.name, found.chain, found.ledger) == (str(leases[7]), "99uact", "92uact")


def count_reads(books: Books) -> list[str]:
    asked: list[str] = []
    read = books.store.read

    async def counted(sql: str, *values: Any) -> Any:
        asked.append(sql)
        return await read(sql, *values)

    books.store.read = counted  # type: ignore[method-assign]
    return asked


async def test_a_new_ledger_begins_with_what_is_there(chain: Any, books: Books) -> None:
    lease = chain.add_lease(chain.add_order(1))
    paid(chain, lease, 40)
    bid = chain.add_bid(chain.add_order(2))
    chain.deposits_.append(BidDeposit(bid, US, Coin("uakt", 500)))
    chain.balances_ = {"uakt": 1_000, "uact": 60}
    assert said(await compare(chain, books)) == [
        ("lease", "live", "unknown"),
        ("income", "40uact", "0uact"),
        ("deposit", "500uakt", "0uakt"),
        ("balance", "60uact", "not opened"),
        ("balance", "1000uakt", "not opened"),
    ]
    assert await books.journal.balances() == {US: {"uact": 60, "uakt": 1_000}}
    assert await books.journal.paid(lease) == {"uact": 40}
    assert await books.journal.deposits() == {(bid, US, "uakt"): 500}


async def opened(chain: Any, books: Books, usd: Any = None) -> LeaseID:
    lease: LeaseID = chain.add_lease(chain.add_order(1))
    paid(chain, lease, 40)
    chain.balances_ = {"uakt": 1_000}
    await compare(chain, books, usd=usd)
    return lease


async def test_income_while_nobody_wrote_explains_the_balance(chain: Any, books: Books) -> None:
    lease = await opened(chain, books)
    paid(chain, lease, 45)
    chain.balances_ = {"uakt": 990, "uact": 5}
    assert said(await compare(chain, books, 9)) == [
        ("income", "45uact", "40uact"),
        ("balance", "990uakt", "1000uakt"),
    ]
    kinds = [(row.kind, row.amount) async for row in books.journal.rows() if row.height == 9 and row.account]
    assert kinds == [("income", 5), ("correction", -10)]


async def test_deposits_paid_and_returned_unseen(chain: Any, books: Books) -> None:
    await opened(chain, books)
    bid = chain.add_bid(chain.add_order(2))
    chain.deposits_ = [BidDeposit(bid, US, Coin("uakt", 500)), BidDeposit(bid, GRANTER, Coin("uakt", 70))]
    chain.balances_ = {"uakt": 500}
    assert said(await compare(chain, books, 9)) == [("deposit", "70uakt", "0uakt"), ("deposit", "500uakt", "0uakt")]
    chain.bids_[bid] = replace(chain.bids_[bid], state="closed")
    chain.balances_ = {"uakt": 1_000}
    assert said(await compare(chain, books, 11)) == [("deposit", "0uakt", "70uakt"), ("deposit", "0uakt", "500uakt")]


async def test_what_was_found_has_no_price_but_where_that_never_changes(chain: Any, books: Books) -> None:
    """It happened before; only what an account begins with is worth what coins are worth now."""
    usd = {"uakt": 2 * E18, "uact": E18}
    lease = await opened(chain, books, usd)
    assert [row.usd_e18 async for row in books.journal.rows() if row.kind == "opening"] == [2 * E18]
    in_akt = chain.add_lease(chain.add_order(3))
    chain.balances_ = {"uakt": 1_007, "uact": 5}
    paid(chain, lease, 45)
    chain.payments_[in_akt] = EscrowPayment(in_akt, "open", DecCoin("uakt", E18), 0, 0, Coin("uakt", 70))
    bid = chain.add_bid(chain.add_order(2))
    chain.deposits_ = [BidDeposit(bid, US, Coin("uakt", 60))]
    await compare(chain, books, 9, usd=usd)
    chain.deposits_ = []
    await compare(chain, books, 11, usd=usd)
    rows = [row async for row in books.journal.rows() if row.height > 7 and row.amount]
    assert {(row.kind, row.denom, row.usd_e18) for row in rows} == {
        ("settled", "uact", E18), ("income", "uact", E18), ("settled", "uakt", None), ("income", "uakt", None),
        ("deposit", "uakt", None), ("refund", "uakt", None), ("correction", "uakt", None),
    }  # fmt: skip


async def test_a_lease_that_ended_unseen(chain: Any, books: Books) -> None:
    lease = await opened(chain, books)
    chain.leases_[lease] = replace(chain.leases_[lease], state="closed", closed_on=9, reason=1)
    paid(chain, lease, 40, "closed")
    assert said(await compare(chain, books, 9)) == [("lease", "ended at 9", "live")]
    assert await books.open_leases() == set()


async def test_leases_that_began_and_ended_unseen_are_found_when_asked_for(chain: Any, books: Books) -> None:
    """One ended before the books began, so that its income is in the opening; the other's is new."""
    await opened(chain, books)
    for dseq, start, end in ((5, 3, 6), (6, 8, 9)):
        lease = chain.add_lease(chain.add_order(dseq), state="closed", at=start)
        chain.leases_[lease] = replace(chain.leases_[lease], closed_on=end, reason=1)
        paid(chain, lease, 11, "closed")
    chain.balances_["uact"] = 11
    found = await compare(chain, books, 10, since=0)
    assert [one.what for one in found] == ["lease", "lease", "income", "income"]
    assert (await books.journal.balances())[US] == {"uakt": 1_000, "uact": 11}
    assert sum(row.paid for row in await books.leases()) == 40 + 11 + 11


async def test_a_debt_paid_unseen_long_after_the_end(chain: Any, books: Books) -> None:
    lease = await opened(chain, books)
    await books.advance(Head(20, 20), [Ended(lease, 20, 20_000)])  # 17 blocks at 5, 40 paid
    chain.leases_[lease] = replace(chain.leases_[lease], state="insufficient_funds", closed_on=20)
    paid(chain, lease, 85, "closed")
    chain.balances_["uact"] = 45
    assert said(await compare(chain, books, 90)) == [("income", "85uact", "40uact")]


async def test_a_payment_left_open_is_told_until_it_was_collected(chain: Any, books: Books) -> None:
    """chain.md §5.6; only the end of the deployment ends it, and nobody can hurry that."""
    lease = await opened(chain, books)
    account = EscrowAccount(lease.deployment, "open", 9, (DecCoin("uact", 900 * E18),))
    chain.accounts_[lease.deployment] = account
    chain.leases_[lease] = replace(chain.leases_[lease], state="closed", closed_on=9, reason=1)
    assert said(await compare(chain, books, 9)) == [
        ("lease", "ended at 9", "live"),
        ("payment", "open", "its lease is over"),
    ]
    (drift,) = await compare(chain, books, 10)
    assert (drift.what, drift.entries) == ("payment", ())
    assert "withdraws" in drift.cure
    chain.accounts_[lease.deployment] = replace(account, state="closed")
    assert await compare(chain, books, 10) == [], "it will never be paid"
    chain.accounts_[lease.deployment] = account
    paid(chain, lease, 45)
    chain.balances_["uact"] = 5
    await books.advance(
        Head(11, 11), [Settled(lease, 11, Coin("uact", 45)), Paid(lease, 11, Coin("uact", 45), "withdraw")]
    )
    assert await compare(chain, books, 12) == []


async def test_more_than_the_chain_ever_paid_is_taken_back(chain: Any, books: Books) -> None:
    lease = await opened(chain, books)
    await books.advance(Head(8, 8), [Paid(lease, 8, Coin("uact", 50), "withdraw")])
    assert said(await compare(chain, books, 9)) == [("income", "40uact", "50uact")]
    assert await books.journal.paid(lease) == {"uact": 40}


async def test_a_balance_nobody_can_explain_is_corrected_each_time(chain: Any, books: Books) -> None:
    await opened(chain, books)
    for amount in (990, 1_000, 990):
        chain.balances_ = {"uakt": amount}
        (drift,) = await compare(chain, books, 9)
        assert (drift.what, drift.chain) == ("balance", f"{amount}uakt")


async def test_what_cannot_be_cured_is_told_all_the_same(chain: Any, books: Books) -> None:
    ghost = await opened(chain, books)
    order = chain.orders_[ghost.order]
    await books.advance(Head(8, 8), [Opened(span_of(chain.leases_[ghost], order, Room(Commit())))])
    del chain.leases_[ghost], chain.payments_[ghost]
    (drift,) = await compare(chain, books, 9)
    assert (drift.what, drift.chain, drift.entries) == ("lease", "unknown", ())
    assert "the chain the ledger was written for" in drift.cure


async def test_an_account_with_nothing_is_opened_too(chain: Any, books: Books) -> None:
    assert said(await compare(chain, books)) == [("balance", "0uakt", "not opened")]
    await books.advance(Head(8, 8), [Posting(Kind.TRANSFER, 8, "t", Coin("uakt", 5), US)])
    chain.balances_ = {"uakt": 5}
    assert await compare(chain, books, 9) == []
