"""What the books say: spans, money and the cursor move together, and writing twice changes nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bidengine.usage import Settlement, Span, usage
from manifests.coins import E18, Coin, DecCoin
from manifests.ids import LeaseID
from provider.ledger.books import Books, Ended, Head, LeaseRow, Opened, Paid, Settled
from provider.ledger.decisions import Decided
from provider.ledger.store import Store

LEASE = LeaseID("akash1o", 7, 1, 1, "akash1p")
SPAN = Span(
    LEASE,
    10,
    None,
    DecCoin("uact", 12 * E18 + 345_678 * 10**12),
    500,
    1 << 30,
    1,
    "vendor/nvidia/model/a100",
    (("beta2", 1 << 33),),
)


@pytest.fixture
async def books(tmp_path: Path) -> AsyncIterator[Books]:
    async with Store.open(tmp_path / "ledger.db") as store:
        yield Books(store)


def settled(height: int, total: int) -> Settled:
    return Settled(LEASE, height, Coin("uact", total))


async def test_a_new_ledger_has_no_height(books: Books) -> None:
    assert await books.head() is None
    assert await books.leases() == []


async def test_a_span_comes_back_as_it_was_written(books: Books) -> None:
    await books.advance(Head(10, 100), [Opened(SPAN)])
    assert await books.head() == Head(10, 100)
    assert await books.spans(LEASE) == (SPAN,)
    assert await books.open_leases() == {LEASE}


async def test_the_whole_life_of_a_lease_in_the_books(books: Books) -> None:
    await books.advance(Head(10, 100), [Opened(SPAN)])
    await books.advance(Head(110, 1100), [settled(110, 1234), Paid(LEASE, 110, Coin("uact", 1234), "withdraw")])
    over = [Ended(LEASE, 120, 1), settled(120, 1357), Paid(LEASE, 120, Coin("uact", 1357), "closed")]
    await books.advance(Head(120, 1200), over)
    assert await books.open_leases() == set()
    assert await books.settlements(LEASE) == (
        Settlement(LEASE, 110, 1234, (Coin("uact", 1234),)),
        Settlement(LEASE, 120, 123, (Coin("uact", 123),)),
    )
    assert await books.leases() == [LeaseRow(LEASE, 10, 120, SPAN.rate, 1, 1357)]
    found = usage(await books.spans(LEASE), await books.settlements(LEASE), 10, 120)
    assert found.blocks == 110
    assert found.earned == {"uact": 1357}, "trunc(12.345678·100) + trunc(12.345678·10), as the chain settles"
    assert found.paid == {"uact": 1357}
    assert found.forecast == {}


async def test_everything_may_be_written_twice(books: Books) -> None:
    entries = [Opened(SPAN), Paid(LEASE, 110, Coin("uact", 1234), "withdraw"), Ended(LEASE, 120, 1)]
    await books.advance(Head(120, 1200), entries)
    before = (await books.spans(LEASE), await books.settlements(LEASE), await books.leases())
    await books.advance(Head(120, 1200), entries)
    assert (await books.spans(LEASE), await books.settlements(LEASE), await books.leases()) == before


async def test_two_totals_in_one_height_add_up(books: Books) -> None:
    await books.advance(Head(11, 1), [Opened(SPAN), Paid(LEASE, 11, Coin("uact", 5), "withdraw")])
    await books.advance(Head(11, 1), [Paid(LEASE, 11, Coin("uact", 8), "found")])
    assert await books.settlements(LEASE) == (Settlement(LEASE, 11, None, (Coin("uact", 8),)),)


async def test_a_smaller_total_books_nothing(books: Books) -> None:
    await books.advance(Head(11, 1), [Paid(LEASE, 11, Coin("uact", 5), "withdraw")])
    await books.advance(Head(12, 1), [Paid(LEASE, 12, Coin("uact", 4), "found")])
    assert [s.height for s in await books.settlements(LEASE)] == [11]


async def test_what_a_block_settles_is_written_with_it(books: Books) -> None:
    await books.advance(Head(10, 100), [Opened(SPAN), Decided(LEASE.order, 10, "won", price=SPAN.rate)])
    row = await books.decisions.row(LEASE.order)
    assert row is not None
    assert (row.outcome, row.price_e18) == ("won", SPAN.rate.amount_e18)
