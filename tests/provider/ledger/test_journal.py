"""The journal adds up, is written once, and is never changed."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bidengine.usage import Settlement
from manifests.coins import E18, Coin
from manifests.ids import LeaseID
from provider.ledger.books import Books, Ended, Head, Paid, Settled
from provider.ledger.chained import broken
from provider.ledger.journal import Kind, Posting, Rest
from provider.ledger.store import Store

LEASE = LeaseID("akash1o", 7, 1, 1, "akash1us")
US = "akash1us"


@pytest.fixture
async def books(tmp_path: Path) -> AsyncIterator[Books]:
    async with Store.open(tmp_path / "ledger.db") as store:
        yield Books(store)


def post(kind: Kind, height: int, amount: int, denom: str = "uakt", account: str = US, **more: object) -> Posting:
    return Posting(kind, height, f"{kind}/{height}/{denom}", Coin(denom, amount), account, **more)  # type: ignore[arg-type]


async def test_balances_are_the_sums_of_accounts_that_were_opened(books: Books) -> None:
    await books.advance(Head(10, 0), [post(Kind.OPENING, 10, 1_000), post(Kind.FEE, 10, -5, account="akash1granter")])
    await books.advance(Head(12, 0), [post(Kind.FEE, 12, -30), Paid(LEASE, 12, Coin("uact", 7), "withdraw")])
    assert await books.journal.balances() == {US: {"uakt": 970, "uact": 7}}
    assert await books.journal.balances(11) == {US: {"uakt": 1_000}}
    assert await books.journal.opened_at(US) == 10
    assert await books.journal.opened_at("akash1granter") is None


async def test_income_of_before_is_of_the_lease_and_of_no_balance(books: Books) -> None:
    await books.advance(
        Head(10, 0), [Paid(LEASE, 10, Coin("uact", 40), "found", before=True), post(Kind.OPENING, 10, 1)]
    )
    await books.advance(Head(11, 0), [Paid(LEASE, 11, Coin("uact", 47), "withdraw")])
    assert await books.journal.paid(LEASE) == {"uact": 47}
    assert (await books.journal.balances())[US]["uact"] == 7


async def test_a_settlement_is_told_even_when_it_brought_nothing(books: Books) -> None:
    await books.advance(
        Head(10, 0), [Settled(LEASE, 10, Coin("uact", 5)), Paid(LEASE, 10, Coin("uact", 5), "withdraw")]
    )
    for _ in range(2):
        await books.advance(Head(11, 0), [Settled(LEASE, 11, Coin("uact", 5))])
    assert await books.journal.settlements(LEASE) == (
        Settlement(LEASE, 10, 5, (Coin("uact", 5),)),
        Settlement(LEASE, 11, 0, ()),
    )


def settled(height: int, total: int, state: str = "open") -> Settled:
    return Settled(LEASE, height, Coin("uact", total), state)


@pytest.mark.parametrize(
    ("rows", "unclosed", "uncollected"),
    [
        ([settled(20, 9, "closed")], False, False),
        ([settled(20, 9)], True, True),
        ([], True, True),
        ([settled(20, 9, "overdrawn")], True, False),
        ([settled(20, 9), Paid(LEASE, 20, Coin("uact", 9), "withdraw")], True, True),
        ([settled(20, 9), settled(30, 14)], True, True),
        ([settled(20, 9), settled(30, 14), Paid(LEASE, 30, Coin("uact", 14), "withdraw")], True, False),
        ([settled(20, 9), Paid(LEASE, 30, Coin("uact", 9), "found")], True, True),
        ([settled(20, 9), settled(30, 14, "overdrawn")], True, False),
        ([settled(20, 9), settled(30, 14, "closed")], False, False),
    ],
    ids=["closed with it", "left open", "nothing is known", "a debt", "paid by the block that ended it",
         "settled by somebody", "withdrawn since", "found to be paid for earlier", "it became a debt", "closed since"],
)  # fmt: skip
async def test_what_has_still_to_be_collected_of_a_lease_that_is_over(
    rows: list[Settled | Paid], unclosed: bool, uncollected: bool, books: Books
) -> None:
    await books.advance(Head(20, 0), [Ended(LEASE, 20, 1)])
    await books.advance(Head(31, 0), rows)
    assert await books.journal.unclosed() == [LEASE] * unclosed
    assert await books.journal.uncollected() == [LEASE] * uncollected


async def test_deposits_are_out_until_they_are_back(books: Books) -> None:
    await books.advance(Head(10, 0), [post(Kind.DEPOSIT, 10, -500, lease=LEASE)])
    assert await books.journal.deposits() == {(LEASE, US, "uakt"): 500}
    assert await books.journal.deposits([LEASE]) == {(LEASE, US, "uakt"): 500}
    assert await books.journal.deposits([LeaseID("akash1o", 8, 1, 1, US)]) == await books.journal.deposits([]) == {}
    await books.advance(Head(20, 0), [post(Kind.REFUND, 20, 500, lease=LEASE)])
    assert await books.journal.deposits() == {}


IBC = "ibc/2E5D"


@pytest.mark.parametrize(
    "amounts", [(2**63,), (5 * 10**18, 5 * 10**18), (10**30,), (10**30, -(10**30) + 7), (-(2**63) - 1, -(10**19), 3)]
)
async def test_coins_of_any_size_are_booked_to_the_unit(amounts: tuple[int, ...], books: Books) -> None:
    await books.advance(Head(10, 10**9), [post(Kind.OPENING, 10, amounts[0], IBC)])
    for height, amount in enumerate(amounts[1:], 11):
        await books.advance(Head(height, 10**9), [post(Kind.TRANSFER, height, amount, IBC)])
    assert await books.journal.balances() == {US: {IBC: sum(amounts)}}
    assert await books.journal.balances_before(2) == {US: {IBC: sum(amounts)}}
    assert [row.amount async for row in books.journal.rows()] == list(amounts)
    assert broken(await books.store.read("SELECT * FROM journal ORDER BY seq")) == ""


async def test_totals_deposits_and_sweeps_of_any_size(books: Books) -> None:
    lease, big = LEASE, 10**30
    await books.advance(Head(10, 10**9), [Settled(lease, 10, Coin(IBC, big)), Paid(lease, 10, Coin(IBC, big), "x")])
    await books.advance(
        Head(11, 10**9), [Settled(lease, 11, Coin(IBC, big + 7)), Paid(lease, 11, Coin(IBC, big + 7), "x")]
    )
    await books.advance(Head(12, 10**9), [Paid(lease, 12, Coin(IBC, big), "x")])  # less than there is: nothing new
    assert await books.journal.paid(lease) == {IBC: big + 7}
    assert await books.journal.paid_of([lease]) == {lease: {IBC: big + 7}}
    assert await books.journal.credited(lease) == big + 7
    assert [s.paid for s in await books.settlements(lease)] == [(Coin(IBC, big),), (Coin(IBC, 7),)]
    await books.advance(Head(13, 10**9), [
        post(Kind.DEPOSIT, 13, -big, IBC, lease=lease), post(Kind.REFUND, 14, big - 1, IBC, lease=lease),
        post(Kind.SWEEP, 15, -big, IBC, other="akash1cold", tx="TX"),
    ])  # fmt: skip
    assert await books.journal.deposits() == {(lease, US, IBC): 1}
    assert await books.journal.locked_before(2) == {IBC: 1}
    assert await books.journal.swept("akash1cold", Coin(IBC, big), 14) == "TX"
    assert await books.journal.swept("akash1cold", Coin(IBC, big + 1), 14) is None


@pytest.mark.parametrize(
    ("received", "of", "wanted"),
    [
        (47, None, []),
        (50, None, [("transfer", 3, "")]),
        (50, LEASE, [("income", 3, str(LEASE))]),
        (40, LEASE, [("transfer", -7, "")]),
        (10**30, LEASE, [("income", 10**30 - 47, str(LEASE))]),
        (10**30, None, [("transfer", 10**30 - 47, "")]),
        (47 - 10**30, LEASE, [("transfer", -(10**30), "")]),
    ],
)
async def test_what_the_totals_do_not_hold(
    received: int, of: LeaseID | None, wanted: list[tuple[str, int, str]], books: Books
) -> None:
    told = ((LEASE, Coin("uact", 47)),)
    for _ in range(2):
        await books.advance(Head(11, 0), [
            Paid(LEASE, 11, Coin("uact", 47), "withdraw"),
            Rest(11, Coin("uact", received), US, "akash1escrow", told, of, "TX"),
        ])  # fmt: skip
    rows = [row async for row in books.journal.rows()]
    assert [(r.kind, r.amount, r.lease) for r in rows] == [("income", 47, str(LEASE)), *wanted]
    assert all((r.account, r.height) == (US, 11) for r in rows)


async def test_the_same_key_is_written_once_whatever_else_differs(books: Books) -> None:
    await books.advance(Head(10, 0), [post(Kind.FEE, 10, -5)])
    await books.advance(Head(10, 9), [post(Kind.FEE, 10, -99)])
    assert [row.amount async for row in books.journal.rows()] == [-5]


async def test_rows_carry_the_time_and_the_price_of_their_block(books: Books) -> None:
    usd = {"uakt": 125 * 10**16, "uact": E18}
    await books.advance(Head(10, 7 * 10**9), [post(Kind.FEE, 10, -5), post(Kind.FEE, 10, -6, "uother")], usd)
    await books.correct(Head(11, 8 * 10**9), [post(Kind.FEE, 11, -7)])
    assert [(r.time_unix_s, r.usd_e18) async for r in books.journal.rows()] == [(7, 125 * 10**16), (7, None), (8, None)]
    assert await books.head() == Head(10, 7 * 10**9), "who corrects does not move the cursor"
    assert [r.height async for r in books.journal.rows(since_unix_s=8)] == [11]
    assert [r.height async for r in books.journal.rows(until_unix_s=8, most=1)] == [10, 10], "page by page"


@pytest.mark.parametrize("sql", ["UPDATE journal SET amount = 0", "DELETE FROM journal"])
async def test_no_row_is_changed_or_taken_away(books: Books, sql: str) -> None:
    await books.advance(Head(10, 0), [post(Kind.FEE, 10, -5)])
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        await books.store.write([(sql, ())])
    assert [row.amount async for row in books.journal.rows()] == [-5]


async def test_rows_are_chained_as_they_are_written(books: Books) -> None:
    for height in range(10, 15):
        await books.advance(
            Head(height, 0), [post(Kind.FEE, height, -height), Paid(LEASE, height, Coin("uact", height), "é")]
        )
    rows = await books.store.read("SELECT * FROM journal ORDER BY seq")
    assert len(rows) == 10
    assert broken(rows) == ""
