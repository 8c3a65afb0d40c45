"""What blocks mean for the ledger, and how it is brought up to date after an absence."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bidengine.commit import Commit
from bidengine.node import Inventory, Node
from bidengine.placement import Placement, Slot
from bidengine.room import Room
from bidengine.views import EscrowPayment, OraclePrice
from manifests.coins import E18, Coin, DecCoin
from manifests.gpus import GpuModel
from manifests.ids import LeaseID
from provider.chain.events import Block, LeaseClosed, PriceStaled, PriceTold, TxResult
from provider.chain.money import ESCROW, Movement, Purpose
from provider.chain.touches import Touch
from provider.errors import Retry
from provider.ledger.books import Books, Ended, Head, Opened, Paid, Settled
from provider.ledger.journal import Kind, Posting, Rest
from provider.ledger.report import summed
from provider.ledger.store import Store
from provider.market.book import Book, Touched
from provider.market.money.accounts import PRICE_BLOCKS, Accounts, span_of

US = "akash1us"


@pytest.fixture
async def books(tmp_path: Path) -> AsyncIterator[Books]:
    async with Store.open(tmp_path / "ledger.db") as store:
        yield Books(store)


def paid(chain: Any, lease: LeaseID, total: int) -> None:
    chain.payments_[lease] = EscrowPayment(lease, "open", DecCoin("uact", 5 * E18), 0, 0, Coin("uact", total))


async def accounts(chain: Any, books: Books, height: int = 7) -> Accounts:
    room = Room(Commit())
    room.see(Inventory((Node("n1", 1000, 4 << 30, 64 << 30),), node_ports=10))
    return Accounts(await Book.load(chain, US, height, height), room, books, lambda _: chain)


async def test_a_lease_opens_a_span_of_what_was_ordered(chain: Any, books: Books) -> None:
    lease = chain.add_lease(chain.add_order(1), at=7)
    (entry,) = await (await accounts(chain, books)).entries(block(7), Touched(opened={lease}))
    assert isinstance(entry, Opened)
    span = entry.span
    assert (span.from_height, span.to_height, span.rate) == (7, None, DecCoin("uact", 5 * E18))
    assert (span.cpu_milli, span.memory_bytes, span.storage) == (100, 64 << 20, (("ephemeral", 128 << 20),))


async def test_the_card_chosen_is_written_down(chain: Any, books: Books) -> None:
    lease = chain.add_lease(chain.add_order(1))
    made = await accounts(chain, books)
    order = made.book.orders[lease.order]
    card = GpuModel("nvidia", "a100", "80Gi", "sxm")
    made.room.see(Inventory((Node("n1", 1000, 4 << 30, 64 << 30, gpus={card: 1}),), node_ports=10))
    found = made.room.fit(order.spec)
    assert isinstance(found, Placement)
    placed = Placement((Slot(1, "n1", found.slots[0].ask, card),))
    made.room.hold(order.id, order.spec, placed, height=1)
    assert span_of(chain.leases_[lease], order, made.room).gpu_model == card.key()


def block(height: int, *txs: TxResult, of_block: tuple[Any, ...] = ()) -> Block:
    return Block(height, height * 10**9, txs, of_block)


def withdrawal(lease: LeaseID, amount: int, hash_: str = "W") -> TxResult:
    """As the chain tells it: no event but the bank's."""
    coin = Coin("uact", amount)
    return TxResult(
        hash_, 0, "", "", 1, (), (Movement(US, coin, other=ESCROW),), (Touch(lease.deployment, settles=True),)
    )


async def test_a_lease_that_ends_is_closed_and_its_money_booked(chain: Any, books: Books) -> None:
    lease = chain.add_order(1).bid_of(US)
    paid(chain, lease, 91)
    closed = TxResult("C", 0, "", "", 1, (LeaseClosed(lease, 1),), (Movement(US, Coin("uact", 91), other=ESCROW),))
    found = await (await accounts(chain, books, 20)).entries(block(20, closed), Touched(closed={lease: 1}))
    assert found == [
        Ended(lease, 20, 1),
        Settled(lease, 20, Coin("uact", 91)),
        Paid(lease, 20, Coin("uact", 91), "closed", "C"),
        Rest(20, Coin("uact", 91), US, ESCROW, ((lease, Coin("uact", 91)),), None, "C"),
    ]


@pytest.mark.parametrize("restarted", [False, True])
async def test_a_payment_left_open_by_the_end_of_its_lease_is_followed(
    restarted: bool, chain: Any, books: Books
) -> None:
    """chain.md §5.6: closed right after a settlement of its block, it goes on draining the tenant."""
    lease = chain.add_lease(chain.add_order(1), at=7)
    made = await accounts(chain, books, 20)
    paid(chain, lease, 0)
    closed = TxResult("C", 0, "", "", 1, (LeaseClosed(lease, 1),))
    chain.leases_.clear()
    del made.book.leases[lease]
    found = await made.entries(block(20, closed), Touched(closed={lease: 1}))
    assert found == [Ended(lease, 20, 1), Settled(lease, 20, Coin("uact", 0))]
    await books.advance(Head(20, 20), found)
    if restarted:
        made = await accounts(chain, books, 20)
        await made.reconcile(await books.head())
    chain.payments_[lease] = replace(chain.payments_[lease], balance_e18=50 * E18)
    somebodys = TxResult("W", 0, "", "", 1, (), touches=(Touch(lease.deployment, settles=True),))
    assert await made.entries(block(30, somebodys), Touched()) == [Settled(lease, 30, Coin("uact", 50))]
    chain.payments_[lease] = replace(chain.payments_[lease], state="closed")
    assert await made.entries(block(31, somebodys), Touched()) == [Settled(lease, 31, Coin("uact", 50), "closed")]
    assert await made.entries(block(32, somebodys), Touched()) == []


async def test_whoever_withdraws_is_seen_and_the_total_booked_once(chain: Any, books: Books) -> None:
    lease = chain.add_lease(chain.add_order(1))
    made = await accounts(chain, books)
    assert await made.entries(block(7), Touched()) == [], "nothing has arrived"
    paid(chain, lease, 50)
    found = await made.entries(block(8, withdrawal(lease, 50)), Touched())
    assert found[:2] == [Settled(lease, 8, Coin("uact", 50)), Paid(lease, 8, Coin("uact", 50), "withdraw", "W")]
    await books.advance(Head(8, 8), found)
    paid(chain, lease, 60)
    both = await made.entries(block(9, withdrawal(lease, 10)), Touched(closed={lease: 1}))
    assert [type(e) for e in both] == [Ended, Settled, Paid, Rest], "withdrawn and closed in one block: asked once"


async def test_money_seen_in_a_try_that_failed_is_news_again(chain: Any, books: Books) -> None:
    first, second = (chain.add_lease(chain.add_order(n)) for n in (1, 2))
    made = await accounts(chain, books)
    paid(chain, first, 50)
    answers = chain.escrow_payments

    async def silent_for_the_second(deployment: Any) -> Any:
        if deployment == second.deployment:
            raise Retry("no node answers")
        return await answers(deployment)

    both = block(7, withdrawal(first, 50), withdrawal(second, 0, "V"))
    chain.escrow_payments = silent_for_the_second
    with pytest.raises(Retry):
        await made.entries(both, Touched())
    chain.escrow_payments = answers
    assert Paid(first, 7, Coin("uact", 50), "withdraw", "W") in await made.entries(both, Touched())


async def test_what_coins_are_worth_is_what_the_blocks_tell(chain: Any, books: Books) -> None:
    made = await accounts(chain, books)
    chain.price_ = OraclePrice("akt", 125 * 10**16, 7, healthy=True)
    await made.reconcile(None)
    assert made.usd == {"uact": E18, "uakt": 125 * 10**16}
    await made.entries(block(8, of_block=(PriceTold("akt", 2 * E18),)), Touched())
    assert made.usd["uakt"] == 2 * E18


def fee(hash_: str) -> TxResult:
    return TxResult(hash_, 0, "", "", 1, (), (Movement(US, Coin("uakt", -100), Purpose.FEE),))


@pytest.mark.parametrize(
    ("silence", "price"),
    [
        pytest.param([block(9, fee("B"), of_block=(PriceTold("akt", 3 * E18),))], 3 * E18, id="told in its block"),
        pytest.param([block(9, fee("B"), of_block=(PriceStaled("akt"),))], None, id="stale in its block"),
        pytest.param([block(9, of_block=(PriceStaled("akt"),)), block(10, fee("B"))], None, id="stale before"),
        pytest.param(
            [block(9, of_block=(PriceStaled("akt"),)), block(10, fee("B"), of_block=(PriceTold("akt", 4 * E18),))],
            4 * E18,
            id="fed again",
        ),
        pytest.param([block(9, of_block=(PriceStaled("btc"),)), block(10, fee("B"))], 2 * E18, id="another's"),
        pytest.param([block(8 + PRICE_BLOCKS, fee("B"))], 2 * E18, id="silent for a moment"),
        pytest.param([block(9 + PRICE_BLOCKS, fee("B"))], None, id="silent"),
        pytest.param([block(100_000, fee("B")), block(100_001)], None, id="silent for a week"),
    ],
)
async def test_a_row_without_a_price_of_its_time_has_no_dollars(
    chain: Any, books: Books, silence: list[Block], price: int | None
) -> None:
    made = await accounts(chain, books)
    await made.reconcile(None)
    for one in [block(8, fee("A"), of_block=(PriceTold("akt", 2 * E18),)), *silence]:
        await books.advance(Head(one.height, one.time_unix_ns), await made.entries(one, Touched()), made.usd)
    rows = [row async for row in books.journal.rows() if row.kind == Kind.FEE]
    assert [row.usd_e18 for row in rows] == [2 * E18, price]
    assert made.usd["uact"] == E18, "at any time"
    sums = summed(rows, "total", {})["total"]
    assert sums.unpriced == ({"uakt": 100} if price is None else {})


async def test_the_price_at_a_start_grows_old_too(chain: Any, books: Books) -> None:
    made = await accounts(chain, books)
    chain.price_ = OraclePrice("akt", 125 * 10**16, 7, healthy=True)
    await made.reconcile(None)
    await made.entries(block(8 + PRICE_BLOCKS), Touched())
    assert made.usd == {"uact": E18}
    other = await accounts(chain, books)
    chain.price_ = OraclePrice("akt", 125 * 10**16, 7, healthy=False)
    await other.reconcile(None)
    assert other.usd == {"uact": E18}


async def test_fees_deposits_and_the_rest_are_booked_as_the_bank_tells_them(chain: Any, books: Books) -> None:
    made = await accounts(chain, books)
    chain.balances_ = {"uakt": 1_000_000}
    await books.advance(Head(7, 7), await made.reconcile(None))
    bid = chain.add_order(1).bid_of(US)
    tx = TxResult(
        "T", 5, "sdk", "", 1, (),
        (
            Movement(US, Coin("uakt", -3_950), Purpose.FEE, "akash1fees"),
            Movement(US, Coin("uakt", -500_000), Purpose.DEPOSIT, ESCROW, bid.order, US),
            Movement(US, Coin("uakt", 7), other="akash1friend"),
            Movement("akash1friend", Coin("uakt", -7), other=US),
        ),
    )  # fmt: skip
    found = await made.entries(block(8, tx), Touched())
    assert [(p.kind, str(p.coin), p.lease) for p in found if isinstance(p, Posting)] == [
        ("fee", "-3950uakt", None), ("deposit", "-500000uakt", bid), ("transfer", "7uakt", None),
    ]  # fmt: skip
    await books.advance(Head(8, 8), found)
    assert await books.journal.balances() == {US: {"uakt": 496_057}}


async def test_a_lease_won_and_lost_in_one_block_opens_nothing(chain: Any, books: Books) -> None:
    lease = chain.add_order(1).bid_of(US)
    found = await (await accounts(chain, books)).entries(block(7), Touched(opened={lease}, closed={lease: 1}))
    assert [type(e) for e in found] == [Ended]


async def test_after_an_absence_the_ledger_is_brought_up_to_date(chain: Any, books: Books) -> None:
    ended = chain.add_lease(chain.add_order(1), at=3)
    made = await accounts(chain, books)
    await books.advance(Head(7, 7), await made.entries(block(7), Touched(opened={ended})))

    chain.leases_[ended] = replace(chain.leases_[ended], state="closed", closed_on=50, reason=10001)
    paid(chain, ended, 235)
    new = chain.add_lease(chain.add_order(2), at=60)
    paid(chain, new, 10)
    later = await accounts(chain, books, 70)
    found = await later.reconcile(Head(7, 7))
    await books.advance(Head(70, 70), found)

    assert {row.lease: (row.from_height, row.to_height, row.reason, row.paid) for row in await books.leases()} == {
        ended: (3, 50, 10001, 235),
        new: (60, None, None, 10),
    }
    assert await later.reconcile(Head(70, 70)) == [], "the second time there is nothing new"


async def test_an_unknown_lease_in_the_ledger_is_left_as_it_is(chain: Any, books: Books) -> None:
    made = await accounts(chain, books)
    ghost = chain.add_lease(chain.add_order(1))
    await books.advance(Head(7, 7), [Opened(span_of(chain.leases_[ghost], chain.orders_[ghost.order], made.room))])
    del chain.leases_[ghost]
    await books.advance(Head(7, 7), await made.reconcile(Head(7, 7)))
    assert await books.open_leases() == {ghost}


async def test_a_lease_that_began_and_ended_while_nobody_read_is_booked(chain: Any, books: Books) -> None:
    missed = chain.add_lease(chain.add_order(1), state="closed", at=20)
    chain.leases_[missed] = replace(chain.leases_[missed], closed_on=30, reason=1)
    paid(chain, missed, 50)
    old = chain.add_lease(chain.add_order(2), state="closed", at=3)
    chain.leases_[old] = replace(chain.leases_[old], closed_on=5, reason=1)
    found = await (await accounts(chain, books, 70)).reconcile(Head(7, 7))
    await books.advance(Head(70, 70), found)
    assert {row.lease: (row.from_height, row.to_height, row.paid) for row in await books.leases()} == {
        missed: (20, 30, 50)
    }
