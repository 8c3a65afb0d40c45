"""The account, the timeout, the place in line and the price of a transaction."""

from __future__ import annotations

import asyncio

import pytest

from manifests.coins import Coin
from provider.chain.tx import build
from provider.chain.tx.outbox import Item
from provider.chain.tx.terms import Terms
from provider.errors import Retry
from provider.intents import Moment
from provider.settings import ChainSettings
from tests.provider.chain.tx.fake_chain import KEY, SECOND, FakeChain, bid, decoded

pytestmark = pytest.mark.looptime


def terms(chain: FakeChain, *, fee_granter: str = "") -> Terms:
    return Terms(chain, KEY, ChainSettings(tx_timeout_s=60), fee_granter, salt_ns=5)


@pytest.fixture
def items() -> list[Item]:
    return [Item(bid(1), build.box(bid(1), KEY.address))]


async def test_each_timeout_is_used_once_and_follows_the_last_block(items: list[Item]) -> None:
    chain = FakeChain()
    made = terms(chain)
    made.saw(Moment(100, 1000 * SECOND))
    first, second = [await made.draft(items) for _ in range(2)]
    assert first.timeout_unix_ns == 1060 * SECOND + 5
    assert second.timeout_unix_ns == first.timeout_unix_ns + 1
    made.not_before(2000 * SECOND)
    assert (await made.draft(items)).timeout_unix_ns == 2000 * SECOND + 1
    assert chain.calls["head"] == 0


async def test_without_a_block_for_long_the_chain_is_asked_for_its_time_not_its_height(items: list[Item]) -> None:
    chain = FakeChain()
    made = terms(chain)
    made.saw(Moment(90, 1000 * SECOND))
    await asyncio.sleep(60)
    assert (await made.draft(items)).timeout_unix_ns == chain.time_ns + 60 * SECOND + 5
    assert made.head == Moment(90, chain.time_ns)


async def test_in_order_the_sequence_is_the_chains_or_what_a_node_said_once(items: list[Item]) -> None:
    chain = FakeChain()
    chain.sequence = 12
    made = terms(chain)
    assert (await made.draft(items)).sequence is None
    made.go_in_order()
    assert (await made.draft(items)).sequence == 12
    made.expect(40)
    assert [(await made.draft(items)).sequence for _ in range(2)] == [40, 12]


async def test_order_is_kept_for_an_hour_of_the_chains_time(items: list[Item]) -> None:
    made = terms(FakeChain())
    made.saw(Moment(100, 1000 * SECOND))
    assert not made.ordered
    made.go_in_order()
    for second, ordered in ((1000, True), (4599, True), (4600, False)):
        made.saw(Moment(101, second * SECOND))
        assert made.ordered is ordered
        assert ((await made.draft(items)).sequence is not None) is ordered


async def test_an_hour_that_ends_while_a_transaction_is_drafted_leaves_it_of_one_kind(items: list[Item]) -> None:
    chain = FakeChain()
    made = terms(chain)
    made.saw(Moment(90, chain.time_ns))
    made.go_in_order()
    chain.time_ns += 3600 * SECOND
    await asyncio.sleep(60)  # the chain is asked for its time
    draft = await made.draft(items)
    assert not made.ordered
    assert draft.sequence == 0
    body, _, _ = decoded(await made.signed(draft, 1))
    assert not body.unordered


async def test_gas_fee_and_who_pays(items: list[Item]) -> None:
    made = terms(FakeChain(), fee_granter="akash1granter")
    draft = await made.draft(items)
    assert made.gas_limit(draft, 100_000, items) == 156_000
    assert made.gas_limit(draft, None, items) == (draft.rough_gas + 4_000) * 3 // 2
    assert made.fee(156_000) == Coin("uakt", 3900)
    _, auth, _ = decoded(await made.signed(draft, 156_000))
    assert (auth.fee.granter, auth.fee.gas_limit, auth.signer_infos[0].sequence) == ("akash1granter", 156_000, 0)
    assert made.payer(items, None) == "akash1granter"
    assert made.payer(items, 0) == KEY.address, "its deposit"
    assert terms(FakeChain()).payer(items, None) == KEY.address


async def test_a_node_that_wants_more_is_paid_more_and_one_that_does_not_is_not() -> None:
    chain = FakeChain()
    made = terms(chain)
    assert not await made.pay_more()
    chain.price *= 2
    assert await made.pay_more()
    assert made.fee(100_000) == Coin("uakt", 5000)
    assert not await made.pay_more()


async def test_a_raised_price_is_paid_for_an_hour_of_the_chains_time(items: list[Item]) -> None:
    chain = FakeChain()
    made = terms(chain)
    made.saw(Moment(100, 1000 * SECOND))
    chain.price *= 4
    assert await made.pay_more()
    for second, fee in ((4599, 10_000), (4600, 2500), (9000, 2500)):
        made.saw(Moment(101, second * SECOND))
        assert made.fee(100_000) == Coin("uakt", fee)
    assert await made.pay_more(), "it still wants it"
    assert made.fee(100_000) == Coin("uakt", 10_000)


async def test_a_price_that_is_not_believed_is_not_paid() -> None:
    chain = FakeChain()
    made = terms(chain)
    chain.price *= 1000
    with pytest.raises(Retry):
        await made.pay_more()
    assert made.fee(100_000) == Coin("uakt", 2500)


async def test_an_account_is_asked_for_once_until_it_is_doubted(items: list[Item]) -> None:
    chain = FakeChain()
    made = terms(chain)
    for _ in range(2):
        await made.draft(items)
    assert chain.calls["account"] == 1
    made.distrust_account()
    await made.draft(items)
    assert chain.calls["account"] == 2


async def test_an_account_without_money_is_not_there_yet(items: list[Item]) -> None:
    chain = FakeChain()

    async def nobody(address: str) -> None:
        return None

    chain.account = nobody  # type: ignore[method-assign]
    with pytest.raises(Retry, match="send it some uakt"):
        await terms(chain).draft(items)
