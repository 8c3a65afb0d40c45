"""Income: collected when it is worth it, by period, before the end and at it; never twice in a block for one
deployment; and not from accounts that pay no more."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from structlog.testing import capture_logs

from bidengine.tariff.currency import CoinPrice
from bidengine.views import Deposit, EscrowAccount, EscrowPayment, Lease, Reclamation
from bidengine.withdrawal import DRY_MARGIN_BLOCKS
from manifests.coins import E18, Coin, DecCoin
from manifests.ids import LeaseID, OrderID
from provider.chain.messages import CloseBid, Msg, StartReclaim, WithdrawLease
from provider.chain.tx.priority import Priority
from provider.errors import AkpError, Pruned, Refused, Retry, TxRefused
from provider.market.book import Book
from provider.market.leases.closing import Closing
from provider.market.money.funds import LOST_BLOCKS, MOST_PUT_OFF_BLOCKS, SEEN_BLOCKS, Funds, fee_of_one
from provider.metrics import HELP
from provider.settings import ChainSettings, LeaseSettings

US = "akash1us"
FEE = Coin("uakt", 4)
PRICES = {"akt": CoinPrice(5 * 10**17, 1)}


class Till:
    """Funds over a chain in memory; `at(height)` is a block going by, and what it makes us send."""

    def __init__(self, chain: Any, book: Book, period_s: int = 600, **lease: Any) -> None:
        self.chain, self.book = chain, book
        self.sent: list[Msg] = []
        self.urgent: list[Priority | None] = []
        self.no: AkpError | None = None
        settings = LeaseSettings(withdraw_period_s=period_s, **{"withdraw_fee_multiple": 0, **lease})
        self.closing = Closing(book, self.send)
        self.says_the_other_node = True
        self.funds = Funds(
            book, lambda _: chain, self.confirmed, self.send, self.closing, settings, FEE, lambda: 6000, lambda: PRICES
        )  # fmt: skip

    async def send(self, *msgs: Msg, priority: Priority | None = None) -> str:
        if self.no is not None:
            raise self.no
        self.sent += msgs
        self.urgent.append(priority)
        return "HASH"

    async def confirmed(self, deployment: Any) -> bool:
        return self.says_the_other_node

    async def at(self, height: int) -> list[Msg]:
        self.book.height = height
        before = len(self.sent)
        known = {lease for theirs in self.funds._live.values() for some in theirs.values() for lease in some}
        self.funds.booked([], known - self.book.leases.keys(), height)
        self.funds.opened(self.book.leases.keys() - known)
        self.funds.tick(height)
        while self.funds.queue._waiting:
            key = await self.funds.queue.get()
            await self.funds.handle(key)
            self.funds.queue.done(key)
        await self.funds.flush()
        return self.sent[before:]

    def settled(self, lease: LeaseID, height: int, funds: int, *, balance: int = 0, denom: str = "uact") -> None:
        deployment, coin = lease.deployment, DecCoin(denom, funds * E18)
        self.chain.accounts_[deployment] = EscrowAccount(
            deployment, "open", height, (coin,), (Deposit(lease.owner, 3, "balance", coin),)
        )
        self.chain.payments_[lease] = EscrowPayment(
            lease, "open", DecCoin(denom, 5 * E18), balance * E18, 0, Coin(denom, 0)
        )


@pytest.fixture
async def lease(chain: Any) -> LeaseID:
    return chain.add_lease(chain.add_order(1), at=3)


async def till_of(chain: Any, **how: Any) -> Till:
    return Till(chain, await Book.load(chain, US, 3, 30), **how)


# When.


async def test_income_is_collected_once_a_period(chain: Any, lease: LeaseID) -> None:
    till = await till_of(chain)
    till.settled(lease, 3, 1_000_000)
    assert await till.at(4) == []
    assert await till.at(102) == []
    assert await till.at(103) == [WithdrawLease(lease)], "600 s are a hundred blocks of 6 s"
    till.settled(lease, 104, 999_500)
    till.funds.booked([lease], [], 104)
    assert await till.at(104) == []
    assert await till.at(203) == []
    assert await till.at(204) == [WithdrawLease(lease)]
    assert till.urgent == [None, None]


async def test_as_soon_as_many_fees_are_waiting(chain: Any, lease: LeaseID) -> None:
    """A hundred fees of 4uakt are 200uact, which forty blocks bring."""
    till = await till_of(chain, withdraw_fee_multiple=100)
    till.settled(lease, 3, 1_000_000)
    assert await till.at(42) == []
    assert await till.at(43) == [WithdrawLease(lease)]


async def test_before_the_money_ends_and_when_it_does(chain: Any, lease: LeaseID) -> None:
    till = await till_of(chain, period_s=10**6)
    till.settled(lease, 3, 100)  # twenty blocks at five: 24 is the first unpaid
    early = 24 - DRY_MARGIN_BLOCKS
    assert await till.at(early - 1) == []
    assert await till.at(early) == [WithdrawLease(lease)]
    till.settled(lease, early + 1, 100 - 5 * (early - 2))
    till.funds.booked([lease], [], early + 1)
    assert await till.at(early + 1) == []
    assert await till.at(23) == []
    assert await till.at(24) == [WithdrawLease(lease)], "which closes the deployment on chain"
    assert till.urgent == [Priority.DRY, Priority.DRY]


async def test_a_deposit_nobody_announced_is_found(chain: Any, lease: LeaseID) -> None:
    till = await till_of(chain, period_s=10**6)
    till.settled(lease, 3, 5 * 120)
    await till.at(4)
    till.settled(lease, 3, 10**9)
    for height in range(5, 150):
        assert await till.at(height) == [], "the old forecast would have called it dry at 124"


async def test_the_other_lease_of_a_deployment_is_paid_in_a_later_block_and_then_no_more(
    chain: Any, lease: LeaseID
) -> None:
    other = LeaseID(lease.owner, lease.dseq, 2, 1, US)
    chain.leases_[other] = Lease(other, "active", DecCoin("uact", 5 * E18), 3)
    till = await till_of(chain)
    till.settled(lease, 3, 1_000_000)
    till.settled(other, 3, 1_000_000)
    assert await till.at(103) == [WithdrawLease(lease)]
    till.settled(lease, 104, 999_000)
    till.settled(other, 104, 999_000, balance=505)
    assert await till.at(104) == [], "its block has not been booked"
    till.funds.booked([lease], [], 104)
    assert await till.at(105) == [WithdrawLease(other)]
    till.settled(other, 106, 998_000)
    till.settled(lease, 106, 998_000, balance=10)
    till.funds.booked([other], [], 106)
    for height in range(106, 200):
        assert await till.at(height) == [], "one lease's withdrawal settles the other: no reason to pay that at once"


async def test_before_another_lease_may_join_the_deployment(chain: Any, lease: LeaseID) -> None:
    """chain.md §5.6: it would drop what has accrued."""
    till = await till_of(chain)
    till.settled(lease, 3, 1_000_000)
    assert await till.at(20) == []
    joining, foreign = OrderID(lease.owner, lease.dseq, 2, 1), chain.add_order(2)
    chain.orders_[joining] = replace(chain.orders_[lease.order], id=joining, state="open")
    till.book.orders |= {joining: chain.orders_[joining], foreign: chain.orders_[foreign]}
    till.book.height = 21
    till.funds.guard([foreign])
    assert await till.at(21) == []
    till.funds.guard([joining])
    assert await till.at(21) == [WithdrawLease(lease)]


@pytest.mark.parametrize("denom", ["uact", "uakt", "ibc/1234"])
async def test_every_denomination(denom: str, chain: Any, lease: LeaseID) -> None:
    """product.md D11"""
    till = await till_of(chain)
    till.settled(lease, 3, 1_000, denom=denom)
    assert await till.at(4) == []
    (forecast,) = till.funds.forecast()
    assert (forecast.dry_at, forecast.unpaid) == (204, Coin(denom, 5))
    assert await till.at(103) == [WithdrawLease(lease)]


async def test_an_account_without_any_coin_is_dry_and_harms_nobody(chain: Any, lease: LeaseID) -> None:
    """product.md D11"""
    till = await till_of(chain)
    till.settled(lease, 3, 1_000)
    chain.accounts_[lease.deployment] = EscrowAccount(lease.deployment, "open", 3, ())
    till.no = TxRefused("undefined", 111222, "recovered: unknown denom")
    assert await till.at(4) == []
    assert await till.at(5) == []
    assert till.funds.forecast()[0].blocks_left == 0


# Together.


async def test_what_is_due_at_once_goes_out_together(chain: Any) -> None:
    leases = [chain.add_lease(chain.add_order(dseq), at=3) for dseq in range(1, 301)]
    till = await till_of(chain)
    for one in leases:
        till.settled(one, 3, 1_000_000)
    await till.at(4)
    assert len(await till.at(103)) == 300


async def test_a_quiet_block_costs_no_question(chain: Any) -> None:
    """Three hundred leases of one tenant: two questions in a hundred blocks, none in between."""
    for dseq in range(1, 301):
        chain.add_lease(chain.add_order(dseq), at=3)
    till = await till_of(chain, period_s=10**6)
    for one in till.book.leases:
        till.settled(one, 3, 10**9)
    await till.at(4)
    chain.asked.clear()
    asked = []
    for height in range(5, 205):
        await till.at(height)
        asked.append(chain.asked.count("escrows"))
        chain.asked.clear()
    assert sorted(asked)[-3:] == [0, 1, 1], "two rounds in two hundred blocks"


async def test_a_quiet_block_walks_over_no_leases(chain: Any) -> None:
    class Counted(dict[LeaseID, Lease]):
        walked = 0

        def __iter__(self) -> Any:
            Counted.walked += 1
            return super().__iter__()

        __contains__ = None  # type: ignore[assignment]
        keys = values = items = __iter__  # type: ignore[assignment]

    for dseq in range(1, 1001):
        chain.add_lease(chain.add_order(dseq), at=3)
    till = await till_of(chain, period_s=10**6)
    for one in till.book.leases:
        till.settled(one, 3, 10**9)
    await till.at(4)
    till.book.leases = Counted(till.book.leases)
    turns = 0
    for height in range(5, 105):
        till.funds.tick(height)
        turns += len(till.funds.queue)
        till.funds.queue._waiting.clear()
        if turns:
            break
    assert turns == 1, "one tenant, whose turn it is within a hundred blocks"
    assert Counted.walked == 0


async def test_the_rounds_of_many_tenants_are_spread(chain: Any) -> None:
    leases = [LeaseID(f"akash1t{n}", 1, 1, 1, US) for n in range(300)]
    till = await till_of(chain, period_s=10**6)
    for one in leases:
        till.book.leases[one] = Lease(one, "active", DecCoin("uact", 5 * E18), 3)
        till.settled(one, 3, 10**9)
    await till.at(4)
    chain.asked.clear()
    asked = []
    for height in range(5, 105):
        await till.at(height)
        asked.append(chain.asked.count("escrows"))
        chain.asked.clear()
    assert sum(asked) == 300
    assert max(asked) < 15


async def test_the_tasks_wait_for_company_but_not_when_it_is_urgent(chain: Any, until: Any) -> None:
    """With readers and sender running as in the daemon."""
    leases = [chain.add_lease(chain.add_order(dseq), at=3) for dseq in range(1, 21)]
    till = await till_of(chain)
    for one in leases:
        till.settled(one, 3, 1_000_000)
    till.settled(leases[0], 3, 500)  # ends as well
    till.book.height = 103
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(till.funds.run(), name="funds")
        till.funds.tick(103)

        async def all_sent() -> bool:
            return len(till.sent) == 20

        await until("all are sent", all_sent)
        running.cancel()
    assert set(till.sent) == {WithdrawLease(one) for one in leases}
    assert till.urgent.count(Priority.DRY) == 1


async def test_one_that_has_to_wait_keeps_nobody(chain: Any, until: Any) -> None:
    """Something else settles its escrow, for as long as that is in the air."""
    waits, other = (chain.add_lease(chain.add_order(dseq), at=3) for dseq in (1, 2))
    till = await till_of(chain)
    sent: list[Msg] = []

    async def send(*msgs: Msg, priority: Priority | None = None) -> str:
        sent.extend(msgs)
        if msgs == (WithdrawLease(waits),):
            await asyncio.Event().wait()
        return "HASH"

    till.funds._send = send
    till.settled(waits, 3, 1_000_000)
    till.settled(other, 10, 1_000_000)
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(till.funds.run(), name="funds")
        for height, lease in ((103, waits), (110, other)):
            till.book.height = height
            till.funds.tick(height)

            async def is_sent(one: LeaseID = lease) -> bool:
                return WithdrawLease(one) in sent

            await until(f"{lease} is sent", is_sent, 10)
        running.cancel()


async def test_a_height_that_nodes_keep_no_more_is_read_again_at_a_newer_one(chain: Any, until: Any) -> None:
    lease = chain.add_lease(chain.add_order(1))
    till = await till_of(chain)
    till.settled(lease, 3, 1_000_000)
    till.book.height = 103
    ask, heights = chain.open_escrows, []

    async def pruned(*args: Any) -> Any:
        heights.append(till.book.height)
        if len(heights) == 1:
            till.book.height = 104
            raise Pruned("failed to load state at height 103")
        return await ask(*args)

    chain.open_escrows = pruned
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(till.funds.run(), name="funds")
        till.funds.tick(103)

        async def is_sent() -> bool:
            return WithdrawLease(lease) in till.sent

        await until("it is sent", is_sent)
        running.cancel()
    assert heights[:2] == [103, 104]


# When it does not go well.


async def test_a_withdrawal_under_way_is_not_sent_again(chain: Any, lease: LeaseID) -> None:
    till = await till_of(chain)
    till.settled(lease, 3, 1_000_000)
    assert len(await till.at(103)) == 1
    for height in range(104, 103 + LOST_BLOCKS):
        assert await till.at(height) == []
    assert len(await till.at(103 + LOST_BLOCKS)) == 1


async def test_one_that_landed_and_paid_nothing_is_known_by_the_account(chain: Any, lease: LeaseID) -> None:
    till = await till_of(chain)
    till.settled(lease, 3, 1_000_000)
    assert len(await till.at(103)) == 1
    till.settled(lease, 104, 1_000_000)
    assert await till.at(103 + SEEN_BLOCKS) == []
    assert not till.funds._sent
    assert len(await till.at(204)) == 1


async def test_one_that_came_to_nothing_is_sent_again(chain: Any, lease: LeaseID) -> None:
    till = await till_of(chain)
    till.settled(lease, 3, 1_000_000)
    await till.at(103)
    till.funds.failed(WithdrawLease(lease))
    assert await till.at(104) == [WithdrawLease(lease)]


async def test_a_refusal_stands_for_a_while(chain: Any, lease: LeaseID) -> None:
    till = await till_of(chain)
    till.settled(lease, 3, 1_000_000)
    till.no = TxRefused("escrow", 7, "payment closed")
    assert await till.at(103) == []
    till.no = None
    assert await till.at(104) == []
    assert await till.at(103 + LOST_BLOCKS) == [WithdrawLease(lease)]


@pytest.mark.parametrize(
    ("refused_at", "no", "again_at"),
    [
        (103, Refused("key.remote_url: it refuses to sign this: HTTP 404"), 113),
        (103, TxRefused("escrow", 7, "payment closed"), 103 + LOST_BLOCKS),
    ],
    ids=["not the chain's", "the chain's"],
)
async def test_a_refusal_stands_as_long_as_who_said_it_is_worth(
    refused_at: int, no: Refused, again_at: int, chain: Any, lease: LeaseID
) -> None:
    till = await till_of(chain)
    till.settled(lease, 3, 1_000_000)
    assert await till.at(102) == []
    till.no = no
    assert await till.at(refused_at) == []
    till.no = None
    for height in range(refused_at + 1, again_at):
        assert await till.at(height) == []
    assert await till.at(again_at) == [WithdrawLease(lease)]


@pytest.mark.parametrize(
    ("no", "again_at"),
    [(Refused("HTTP 404"), 25 + 10), (TxRefused("undefined", 1, "?"), 25 + SEEN_BLOCKS), (Retry("no node"), 26)],
)
async def test_a_dry_lease_runs_on_unpaid_for_a_minute_after_a_refusal(
    no: AkpError, again_at: int, chain: Any, lease: LeaseID
) -> None:
    till = await till_of(chain, period_s=10**6)
    till.settled(lease, 14, 50)  # dry at 25, and just settled
    till.no = no
    assert await till.at(25) == []
    till.no = None
    sent = {height: found for height in range(26, 40) if (found := await till.at(height))}
    assert sent == {again_at: [WithdrawLease(lease)]}
    assert till.urgent == [Priority.DRY]


async def test_an_earlier_refusal_does_not_keep_a_lease_that_runs_dry(chain: Any, lease: LeaseID) -> None:
    till = await till_of(chain)
    till.settled(lease, 3, 5 * 110)  # worth it at 103, dry at 114
    till.no = TxRefused("undefined", 1, "?")
    assert await till.at(103) == []
    till.no = None
    assert [h for h in range(104, 130) if await till.at(h)] == [114]


async def test_trouble_that_passes_is_sat_out(chain: Any, lease: LeaseID) -> None:
    till = await till_of(chain)
    till.settled(lease, 3, 1_000_000)
    till.no = Retry("no node answers", after_s=3600)
    assert await till.at(103) == []
    assert not till.funds.queue.idle, "a timer runs"
    till.no = None
    assert await till.at(104) == [WithdrawLease(lease)]


@pytest.mark.parametrize("state", ["overdrawn", "closed"])
async def test_an_account_that_is_over_is_left_alone(state: str, chain: Any, lease: LeaseID) -> None:
    till = await till_of(chain)
    chain.accounts_[lease.deployment] = EscrowAccount(lease.deployment, state, 3, (DecCoin("uact", -5 * E18),))
    assert await till.at(500) == []
    assert till.funds.forecast() == []


async def test_a_lease_that_is_over_is_forgotten(chain: Any, lease: LeaseID) -> None:
    till = await till_of(chain)
    till.settled(lease, 3, 1_000_000)
    await till.at(4)
    assert list(till.funds.escrows) == [lease.deployment]
    till.book.leases.clear()
    assert await till.at(500) == []
    assert not list(till.funds.escrows)


async def test_a_lease_that_closes_while_the_chain_is_asked_ends_nothing(chain: Any, lease: LeaseID) -> None:
    till = await till_of(chain)
    till.settled(lease, 3, 100)
    ask = chain.open_escrows

    async def closes_meanwhile(owner: str, dseq: int | None = None) -> Any:
        till.book.leases.clear()
        till.funds.booked([], [lease], 103)
        return await ask(owner, dseq)

    chain.open_escrows = closes_meanwhile
    assert await till.at(103) == [], "nobody to withdraw from, and no KeyError to end the daemon"


async def test_a_payment_left_open_by_the_chain_is_collected_once(chain: Any, lease: LeaseID) -> None:
    """chain.md §5.6: another settlement in the block in which the lease was closed."""
    till = await till_of(chain)
    till.settled(lease, 3, 1_000_000)
    await till.at(4)
    till.book.leases.clear()
    till.funds.booked([], [lease], 50)
    assert await till.at(50) == [], "a second settlement in that block would fail"
    with capture_logs() as told:
        assert await till.at(51) == [WithdrawLease(lease)]
    assert [line["log_level"] for line in told if "left open" in line["event"]] == ["warning"]
    assert await till.at(52) == []
    till.settled(lease, 52, 999_000)
    till.funds.booked([lease], [], 52)
    for height in range(52, 400):
        assert await till.at(height) == [], "what it is paid from now on nobody has worked for"


@pytest.mark.parametrize(
    "no", [TxRefused("undefined", 111222, "recovered: couldn't find payment"), Retry("not included in time")]
)
async def test_and_again_when_that_came_to_nothing(chain: Any, lease: LeaseID, no: AkpError) -> None:
    till = await till_of(chain)
    till.settled(lease, 3, 1_000_000)
    till.book.leases.clear()
    till.funds.booked([], [lease], 50)
    assert await till.at(51) == [WithdrawLease(lease)]
    till.funds.failed(WithdrawLease(lease))
    assert [height for height in range(52, 100) if await till.at(height)] == [52 + SEEN_BLOCKS]
    till.no = no
    till.funds.failed(WithdrawLease(lease))
    assert [height for height in range(100, 125) if await till.at(height)] == []
    till.no = None
    assert len([height for height in range(125, 125 + LOST_BLOCKS) if await till.at(height)]) == 1


async def test_what_the_chain_refuses_again_and_again_is_tried_ever_more_rarely(chain: Any, lease: LeaseID) -> None:
    till, tried = await till_of(chain), []
    till.settled(lease, 3, 1_000_000_000)
    till.book.leases.clear()
    till.funds.booked([], [lease], 50)

    async def refused(*_: Any, **__: Any) -> str:
        tried.append(till.book.height)
        raise TxRefused("escrow", 8, "payment not found")

    till.funds._send = refused
    with capture_logs() as told:
        for height in range(51, 45_000):
            await till.at(height)
    assert [line["log_level"] for line in told].count("warning") == 1
    waits = [later - one - 1 for one, later in pairwise(tried)]
    assert waits[:5] == [SEEN_BLOCKS * n for n in (1, 2, 4, 8, 16)]
    assert waits[-2:] == [MOST_PUT_OFF_BLOCKS] * 2
    chain.payments_[lease] = replace(chain.payments_[lease], state="closed")
    tried.clear()
    await till.at(90_000)
    await till.at(180_000)
    assert (tried, till.funds._ended) == ([], {}), "the end of its deployment has ended it"


async def test_nor_does_a_new_lease_that_has_dropped_what_was_there(chain: Any, lease: LeaseID) -> None:
    """Found by schedule 3369: in the block after, another lease settled the account, and the chain lost what this one
    had earned until then (chain.md §5.6)."""
    till = await till_of(chain)
    till.book.leases.clear()
    till.settled(lease, 51, 1_000_000)
    till.funds.booked([], [lease], 50)
    assert await till.at(51) == [], "nothing is there to be paid"
    assert [height for height in range(52, 80) if await till.at(height)] == [52 + SEEN_BLOCKS]


@pytest.mark.parametrize("funds", [1_000_000, 0], ids=["it earns nothing", "the account is empty"])
async def test_where_nothing_will_ever_be_paid_it_is_left_alone(chain: Any, lease: LeaseID, funds: int) -> None:
    till = await till_of(chain)
    till.book.leases.clear()
    till.settled(lease, 50, funds)
    if funds:
        free = replace(chain.payments_[lease], rate=DecCoin("uact", 0))
        chain.payments_[lease] = free
    till.funds.booked([], [lease], 50)
    for height in range(51, 100):
        assert await till.at(height) == []
    assert chain.asked.count("escrows") == 1


async def test_a_refusal_for_one_that_is_over_says_nothing_of_its_neighbours(chain: Any, lease: LeaseID) -> None:
    """Found by schedule 3369: it was closed while its withdrawal waited for the closing's block."""
    other = LeaseID(lease.owner, lease.dseq, 2, 1, US)
    chain.leases_[other] = Lease(other, "active", DecCoin("uact", 5 * E18), 3)
    till = await till_of(chain)
    till.settled(lease, 3, 1_000_000)
    till.settled(other, 3, 1_000_000)
    send = till.funds._send

    async def over_meanwhile(*_: Any, **__: Any) -> str:
        till.funds._send = send
        del till.book.leases[lease], chain.payments_[lease]
        till.funds.booked([], [lease], 104)
        raise TxRefused("escrow", 7, "payment closed")

    till.funds._send = over_meanwhile
    assert [height for height in range(103, 150) if await till.at(height)] == [104]
    assert till.sent == [WithdrawLease(other)]


async def test_a_payment_that_ended_with_its_lease_is_looked_at_once(chain: Any, lease: LeaseID) -> None:
    till = await till_of(chain)
    till.settled(lease, 3, 1_000_000)
    till.book.leases.clear()
    chain.payments_[lease] = replace(chain.payments_[lease], state="closed")
    till.funds.booked([], [lease], 50)
    for height in range(50, 80):
        assert await till.at(height) == []
    assert chain.asked.count("escrows") == 1


async def test_a_neighbour_that_is_paid_all_the_time_does_not_keep_it_waiting(chain: Any, lease: LeaseID) -> None:
    """Found by schedule 33: the neighbour's period was as long as the wait for the next look."""
    other = LeaseID(lease.owner, lease.dseq, 2, 1, US)
    till = await till_of(chain, period_s=6 * SEEN_BLOCKS)
    till.book.leases[other] = till.book.leases.pop(lease)
    till.settled(lease, 3, 1_000_000)
    till.settled(other, 3, 1_000_000)
    till.funds.booked([], [lease], 12)
    assert await till.at(13) == [WithdrawLease(other)]
    till.settled(lease, 14, 1_000_000, balance=55)
    till.settled(other, 14, 1_000_000)
    till.funds.booked([other], [], 14)
    assert await till.at(14) == [WithdrawLease(lease)]


async def test_the_last_money_of_a_live_neighbour_goes_first(chain: Any, lease: LeaseID) -> None:
    """One withdrawal settles both; what is left open is collected by the next."""
    other = LeaseID(lease.owner, lease.dseq, 2, 1, US)
    till = await till_of(chain)
    till.book.leases[other] = till.book.leases.pop(lease)
    till.settled(other, 3, 10 * 60)
    till.settled(lease, 3, 10 * 60)  # ten a block for both: 64 is the first unpaid
    till.funds.booked([], [lease], 63)
    assert await till.at(64) == [WithdrawLease(other)]
    assert till.urgent == [Priority.DRY]


# An account that looks open and pays no more (chain-probes.md §6).


async def test_a_wedged_account_is_told_of_and_its_lease_closed_at_the_second_look(chain: Any, lease: LeaseID) -> None:
    till = await till_of(chain)
    till.settled(lease, 3, -1)
    with capture_logs() as told:
        assert await till.at(4) == []
    assert [line["log_level"] for line in told] == ["error"]
    assert gauge(till, "akp_accounts_wedged") == 1
    assert await till.at(5) == [CloseBid(lease, 10002)], "no other of the provider's reasons fits (chain.md §1.6)"
    assert await till.at(6) == []
    till.book.leases.clear()
    await till.at(7)
    assert gauge(till, "akp_accounts_wedged") == 0


async def test_a_wedged_lease_that_promised_notice_gets_it(chain: Any, lease: LeaseID) -> None:
    till = await till_of(chain)
    till.settled(lease, 3, -1)
    till.book.leases[lease] = replace(till.book.leases[lease], reclamation=Reclamation(3600, 0, 0))
    await till.at(4)
    assert await till.at(5) == [StartReclaim(lease, 10002)]


async def test_what_a_second_node_does_not_confirm_closes_nothing(chain: Any, lease: LeaseID) -> None:
    till = await till_of(chain)
    till.settled(lease, 3, -1)
    till.says_the_other_node = False
    await till.at(4)
    assert await till.at(5) == []
    till.says_the_other_node = True
    assert await till.at(5 + SEEN_BLOCKS) == [CloseBid(lease, 10002)]


async def test_one_that_was_read_wrong_is_left_alone(chain: Any, lease: LeaseID) -> None:
    till = await till_of(chain)
    till.settled(lease, 3, -1)
    await till.at(4)
    till.settled(lease, 3, 1000)
    assert await till.at(5) == []
    assert gauge(till, "akp_accounts_wedged") == 0


# What is told.


def gauge(till: Till, name: str, **labels: str) -> float:
    samples = list(till.funds.gauges())
    assert {sample for sample, _, _ in samples} <= HELP.keys()
    return next(value for sample, known, value in samples if sample == name and known == labels)


async def test_gauges(chain: Any, lease: LeaseID) -> None:
    other = chain.add_lease(chain.add_order(2), at=3)
    till = await till_of(chain, period_s=10**6)
    till.settled(lease, 3, 5 * 14_000)
    till.settled(other, 3, 5 * 20_000)
    await till.at(13)
    assert gauge(till, "akp_income_unpaid_utokens", denom="uact") == 100
    assert gauge(till, "akp_leases_dry_soon") == 1, "a day is 14,400 blocks"
    assert gauge(till, "akp_leases_dry_soon_utokens_per_day", denom="uact") == 72_000


def test_the_fee_of_a_withdrawal() -> None:
    """chain-probes.md §5: 91,000 gas."""
    assert fee_of_one(ChainSettings()) == Coin("uakt", 3563)
