"""The signer against a small chain with the rules that matter to it (fake_chain.py)."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from manifests.coins import Coin, DecCoin
from manifests.ids import LeaseID
from provider.chain import messages as ask
from provider.chain import wire
from provider.chain.convert.records import Account
from provider.chain.events import Block
from provider.chain.nodes import Doubted
from provider.chain.tx import build, gas, sign
from provider.chain.tx.answers import Failed
from provider.chain.tx.broadcast import Answer
from provider.chain.tx.journal import Forgetful
from provider.chain.tx.priority import Priority
from provider.chain.tx.signer import FORGET_EVERY_BLOCKS, Signer
from provider.errors import Fatal, Refused, Retry, TxRefused, Unreachable
from provider.intents import Moment
from provider.metrics import Metrics
from provider.settings import ChainSettings
from provider.tasks import spawn
from tests.provider.chain.tx.fake_chain import (
    DEPOSIT,
    KEY,
    SECOND,
    FakeChain,
    No,
    all_of,
    bid,
    decoded,
    nanoseconds,
    until,
    withdraw,
)

pytestmark = pytest.mark.looptime


@asynccontextmanager
async def running(chain: FakeChain, **settings: Any) -> AsyncIterator[Signer]:
    signer = Signer(chain, KEY, ChainSettings(**{"bids_per_tx": 40, **settings}), salt_ns=5)
    async with asyncio.TaskGroup() as group:
        task = spawn(group, "signer", signer.run())
        yield signer
        task.cancel()


async def test_a_message_is_sent_and_a_block_brings_it_to_rest() -> None:
    chain = FakeChain()
    async with running(chain) as signer:
        tx_hash = await signer.send(bid(1))
        assert list(chain.mempool) == [tx_hash]
        assert signer.pending == 1
        assert signer.look(chain.mine()) == ()
        assert signer.pending == 0
        assert chain.bids == {1}


async def test_five_hundred_bids_take_few_transactions_and_fewer_simulations_than_that_many() -> None:
    chain = FakeChain()
    async with running(chain) as signer:
        hashes_ = await all_of(*(signer.send(bid(n)) for n in range(1, 501)))
        assert len(set(hashes_)) == 13
        assert chain.batches == [40] * 12 + [20]
        assert chain.calls == {"simulate": 13, "broadcast": 13, "account": 1, "head": 1}
        assert signer.look(chain.mine()) == ()
        assert chain.bids == set(range(1, 501))


async def test_the_gas_limit_fee_and_timeout_of_a_transaction() -> None:
    chain = FakeChain()
    async with running(chain, tx_timeout_s=60) as signer:
        await signer.send(bid(1), bid(2))
        body, auth, _ = decoded(next(iter(chain.mempool.values())))
        assert auth.fee.gas_limit == (240_000 - 3870 + 4000) * 3 // 2
        assert [(c.denom, c.amount) for c in auth.fee.amount] == [("uakt", "9005")]
        assert (body.unordered, auth.signer_infos[0].sequence) == (True, 0)
        assert nanoseconds(body) == chain.time_ns + 60 * SECOND + 5


async def test_what_ended_long_ago_is_forgotten_now_and_then() -> None:
    class Told(Forgetful):
        at: tuple[int, ...] = ()

        def forget(self, now: Moment) -> None:
            self.at += (now.height,)

    chain, journal = FakeChain(), Told()
    signer = Signer(chain, KEY, ChainSettings(), journal=journal)
    for _ in range(3 * FORGET_EVERY_BLOCKS):
        signer.look(chain.mine())
    assert len(journal.at) == 3


async def test_a_bad_message_is_refused_alone_and_the_others_go_out() -> None:
    chain = FakeChain()
    chain.closed = {3, 7}
    async with running(chain) as signer:
        answers = await all_of(*(signer.send(bid(n)) for n in range(1, 11)))
        refused = [n for n, a in enumerate(answers, 1) if isinstance(a, TxRefused)]
        assert refused == [3, 7]
        assert (answers[2].codespace, answers[2].code) == ("market", 24)
        signer.look(chain.mine())
        assert chain.bids == {1, 2, 4, 5, 6, 8, 9, 10}
        assert chain.calls["simulate"] == 3
        assert signer.pending == 0


async def test_of_several_messages_in_one_send_the_good_ones_go_out_and_the_bad_one_is_raised() -> None:
    chain = FakeChain()
    chain.closed = {2}
    async with running(chain) as signer:
        with pytest.raises(TxRefused, match="order closed"):
            await signer.send(bid(1), bid(2), bid(3))
        signer.look(chain.mine())
        assert chain.bids == {1, 3}


async def test_a_refusal_that_names_no_message_is_found_by_halving() -> None:
    chain = FakeChain()
    good = [ask.CloseBid(LeaseID("akash1t", n, 1, 1, KEY.address), 10000) for n in range(1, 8)]
    bad = ask.CloseBid(LeaseID("akash1t", 9, 1, 1, KEY.address), 5)
    async with running(chain) as signer:
        answers = await all_of(*(signer.send(m) for m in [*good[:3], bad, *good[3:]]))
        assert [type(a) for a in answers].index(TxRefused) == 3
        assert sum(isinstance(a, str) for a in answers) == 7
        assert answers[3].code == 33


async def test_when_money_runs_out_the_bids_after_are_not_tried_one_by_one() -> None:
    chain = FakeChain()
    chain.money = 5 * DEPOSIT
    async with running(chain) as signer:
        answers = await all_of(*(signer.send(bid(n)) for n in range(1, 21)))
        assert [isinstance(a, str) for a in answers] == [True] * 5 + [False] * 15
        assert all(isinstance(a, Retry) and "lacks money" in str(a) and a.after_s for a in answers[5:])
        assert chain.calls["simulate"] == 2


async def test_two_withdrawals_of_one_deployment_go_one_block_after_the_other() -> None:
    chain = FakeChain()
    async with running(chain) as signer, asyncio.TaskGroup() as group:
        sent = [spawn(group, "send", signer.send(withdraw(d, g))) for d, g in ((1, 1), (1, 2), (1, 3), (2, 1))]
        await until(lambda: len(chain.mempool) == 1)
        for _ in range(8):
            await asyncio.sleep(1)
            assert signer.look(chain.mine()) == ()
        await asyncio.wait(sent)
        heights = [h for h, d in chain.paid if d == 1]
        assert heights == [101, 103, 105], "each after the block after the last: simulations see the last block"
        assert [h for h, d in chain.paid if d == 2] == [101]
        assert signer.pending == 0


async def test_a_withdrawal_simulated_right_after_a_strangers_waits_for_the_next_block() -> None:
    chain = FakeChain()
    chain.settled = {1: chain.height}  # somebody else's message settled it in the last block
    async with running(chain) as signer, asyncio.TaskGroup() as group:
        signer.look(Block(chain.height, chain.time_ns, (), ()))
        sent = [spawn(group, "send", signer.send(withdraw(d))) for d in (1, 2)]
        await asyncio.sleep(1)
        assert [s.done() for s in sent] == [False, True]
        signer.look(chain.mine())
        await asyncio.wait(sent)
        signer.look(chain.mine())
        assert chain.paid == [(101, 2), (102, 1)]


async def test_a_message_that_fails_in_a_block_is_reported_and_the_others_are_sent_again() -> None:
    chain = FakeChain()
    async with running(chain) as signer:
        await all_of(*(signer.send(bid(n)) for n in range(1, 6)))
        chain.closed = {2}  # between simulation and block
        (failed,) = signer.look(chain.mine())
        assert isinstance(failed, Failed)
        assert failed.msg == bid(2)
        assert isinstance(failed.error, TxRefused)
        assert (failed.error.codespace, failed.error.code) == ("market", 24)
        await until(lambda: len(chain.mempool) == 2)
        assert chain.batches == [5, 2, 2], "in halves"
        assert signer.look(chain.mine()) == ()
        assert chain.bids == {1, 3, 4, 5}
        assert signer.pending == 0


@pytest.mark.parametrize(
    ("orders", "hostile", "everywhere", "blocks", "txs", "messages"),
    [
        (40, 20, False, 5, 9, 111),
        (40, 20, True, 6, 33, 179),
        (40, 40, False, 6, 10, 112),
        (40, 40, True, 6, 40, 186),
        (40, 1, True, 2, 3, 79),
        (2, 1, True, 2, 2, 3),
    ],
)
async def test_who_closes_orders_ahead_of_our_bids_keeps_no_other_bid_out_and_costs_little(
    orders: int, hostile: int, everywhere: bool, blocks: int, txs: int, messages: int
) -> None:
    """Spread among the others, one before each block or one of each transaction. Each message sent costs its share of
    a fee: sent whole each time, twenty among forty would cost 630 of them and take 21 blocks."""
    chain, failed, seen = FakeChain(), set[int](), 0
    theirs = {n * orders // hostile for n in range(1, hostile + 1)}
    async with running(chain) as signer:
        await all_of(*(signer.send(bid(n)) for n in range(1, orders + 1)))
        while signer.pending:
            waiting = [{wire.unpack(box).id.dseq for box in decoded(tx)[0].messages} for tx in chain.mempool.values()]
            doomed = [min(found) for asked in waiting if (found := asked & theirs - chain.closed)]
            chain.closed |= set(doomed if everywhere else doomed[:1])
            failed |= {f.msg.id.dseq for f in signer.look(chain.mine()) if isinstance(f.msg, ask.CreateBid)}
            seen += 1
            await asyncio.sleep(5)
    assert (chain.bids, failed) == (set(range(1, orders + 1)) - chain.closed, chain.closed)
    assert seen <= blocks
    assert len(chain.batches) <= txs
    assert sum(chain.batches) <= messages


async def test_who_asks_meanwhile_travels_in_whole_transactions() -> None:
    chain = FakeChain()
    async with running(chain) as signer:
        await all_of(*(signer.send(bid(n)) for n in range(1, 11)))
        chain.closed = {1}
        signer.look(chain.mine())
        await all_of(*(signer.send(bid(n)) for n in range(11, 31)))
        assert sorted(chain.batches) == [4, 5, 10, 20]
        signer.look(chain.mine())
        assert chain.bids == set(range(2, 31))


async def test_one_sent_again_that_is_refused_then_is_reported_by_the_next_look() -> None:
    chain = FakeChain()
    async with running(chain) as signer:
        await all_of(signer.send(bid(1)), signer.send(bid(2)))
        chain.closed = {1}
        assert [f.msg for f in signer.look(chain.mine())] == [bid(1)]
        chain.closed = {1, 2}
        await asyncio.sleep(1)
        assert [f.msg for f in signer.look(chain.mine())] == [bid(2)]
        assert signer.pending == 0


async def test_one_that_is_not_included_in_time_is_reported_and_may_be_sent_again() -> None:
    chain = FakeChain()
    async with running(chain, tx_timeout_s=60) as signer:
        await signer.send(bid(1))
        chain.mempool.clear()
        chain.nonces.clear()
        chain.troubles["broadcast"] = [Unreachable("gone")] * 50
        reports = [signer.look(chain.mine(6)) for _ in range(11)]
        assert reports[:10] == [()] * 10, "60 seconds are not over before block time says so"
        ((failed,),) = reports[10:]
        assert failed.msg == bid(1)
        assert isinstance(failed.error, Retry)
        assert signer.pending == 0


async def test_a_mempool_that_forgets_is_told_again() -> None:
    chain = FakeChain()
    async with running(chain) as signer:
        signer.look(chain.mine())
        tx_hash = await signer.send(bid(1))
        chain.mempool.clear()
        chain.nonces.clear()
        for _ in range(2):
            signer.look(chain.mine())
            await asyncio.sleep(1)
        assert list(chain.mempool) == [tx_hash]
        assert signer.look(chain.mine()) == ()
        assert chain.bids == {1}


async def test_out_of_gas_is_tried_once_more_with_twice_the_gas() -> None:
    chain = FakeChain()
    async with running(chain, gas_adjustment=1.1) as signer:
        await signer.send(bid(1))
        limit = decoded(next(iter(chain.mempool.values())))[1].fee.gas_limit
        chain.troubles["mine"] = [No("sdk", 11, "out of gas in location: x: out of gas")]
        assert signer.look(chain.mine()) == ()
        await until(lambda: len(chain.mempool) == 1)
        assert decoded(next(iter(chain.mempool.values())))[1].fee.gas_limit == pytest.approx(2 * limit, abs=2)
        chain.troubles["mine"] = [No("sdk", 11, "out of gas in location: x: out of gas")]
        (failed,) = signer.look(chain.mine())
        assert isinstance(failed.error, TxRefused)
        assert failed.error.code == 11


@pytest.mark.parametrize("where", ["simulate", "broadcast"])
async def test_a_no_without_a_known_reason_is_trouble_of_a_node_and_passes(where: str) -> None:
    chain = FakeChain()
    async with running(chain) as signer:
        chain.troubles[where] = [No("undefined", 1, "something about the node [file.go:1] with gas used: '0'")]
        with pytest.raises(Retry, match="something about the node") as trouble:
            await signer.send(bid(1))
        assert not isinstance(trouble.value, TxRefused)
        await signer.send(bid(1))
        assert signer.look(chain.mine()) == ()
        assert chain.bids == {1}


async def test_but_one_that_names_a_message_is_about_it() -> None:
    chain = FakeChain()
    async with running(chain) as signer:
        chain.troubles["simulate"] = [No("undefined", 1, "failed to execute message; message index: 0: news")]
        with pytest.raises(TxRefused, match="news"):
            await signer.send(bid(1))


async def test_a_panic_in_a_block_that_names_nobody_sends_each_on_its_own() -> None:
    chain = FakeChain()
    async with running(chain) as signer:
        await all_of(*(signer.send(bid(n)) for n in range(1, 4)))
        chain.troubles["mine"] = [No("undefined", 111222, "recovered: nil pointer\nstack:")]
        assert signer.look(chain.mine()) == ()
        await until(lambda: len(chain.mempool) == 3)
        chain.troubles["mine"] = [No("undefined", 111222, "recovered: nil pointer\nstack:")]
        assert len(signer.look(chain.mine())) == 1
        assert len(chain.bids) == 2
        assert signer.pending == 0


async def test_a_broadcast_that_may_have_arrived_is_settled_by_the_same_bytes() -> None:
    chain = FakeChain()
    chain.troubles["after broadcast"] = [Unreachable("deadline")]
    async with running(chain) as signer:
        tx_hash = await signer.send(bid(1))
        assert list(chain.mempool) == [tx_hash]
        assert chain.calls["broadcast"] == 2
        assert chain.batches == [1], "taken once"


async def test_or_by_the_block_that_includes_it() -> None:
    chain = FakeChain()
    chain.troubles["after broadcast"] = [Unreachable("deadline")]
    async with running(chain) as signer, asyncio.TaskGroup() as group:
        sent = spawn(group, "send", signer.send(bid(1)))
        await until(lambda: len(chain.mempool) == 1)
        block = chain.mine()
        signer.look(block)
        assert await sent == block.txs[0].hash
        assert signer.pending == 0


async def test_a_node_that_stays_silent_ends_in_retry_not_in_silence() -> None:
    chain = FakeChain()
    chain.troubles["broadcast"] = [Unreachable("down")] * 1000
    async with running(chain, tx_timeout_s=20) as signer:
        with pytest.raises(Unreachable, match="no node has taken"):
            await signer.send(bid(1))


async def test_nobody_to_simulate_is_retry_at_once() -> None:
    chain = FakeChain()
    chain.troubles["simulate"] = [Unreachable("down")]
    async with running(chain) as signer:
        with pytest.raises(Unreachable, match="down"):
            await signer.send(bid(1))
        assert signer.pending == 0
        await signer.send(bid(1))


async def test_without_simulation_the_measured_costs_are_used() -> None:
    chain = FakeChain()
    chain.offers_simulation = False
    async with running(chain) as signer:
        await signer.send(bid(1))
        assert signer.look(chain.mine()) == ()
        assert chain.bids == {1}


async def test_a_node_that_wants_more_gets_it() -> None:
    chain = FakeChain()
    chain.price = 30 * 10**15
    async with running(chain) as signer:
        await signer.send(bid(1))
        await signer.send(bid(2))
        assert chain.calls["broadcast"] == 3


URGENT = ask.CloseBid(bid(9).id, 10000)


@pytest.mark.parametrize("urgent", [False, True], ids=["a bid", "closing one"])
async def test_no_node_makes_us_pay_more_than_can_be_right(urgent: bool) -> None:
    """Also what the budget does not hold back is held back by that."""
    chain, msg = FakeChain(), URGENT if urgent else bid(1)
    async with running(chain) as signer:
        for lie in ({"price": 250 * 10**18}, {"gas_per_message": 10**10}):
            usual = {name: getattr(chain, name) for name in lie}
            vars(chain).update(lie)
            with pytest.raises(Retry) as trouble:
                await signer.send(msg)
            assert not isinstance(trouble.value, TxRefused)
            vars(chain).update(usual)
        assert not chain.mempool
        await signer.send(msg)
        ((_, auth, _),) = [decoded(tx) for tx in chain.mempool.values()]
        assert int(auth.fee.amount[0].amount) == 4505


async def test_one_sent_again_waits_for_a_node_that_is_believed() -> None:
    chain = FakeChain()
    async with running(chain) as signer:
        await all_of(signer.send(bid(1)), signer.send(bid(2)))
        chain.closed, chain.price = {1}, 250 * 10**18
        assert [f.msg for f in signer.look(chain.mine())] == [bid(1)]
        for _ in range(3):
            await asyncio.sleep(5)
            assert signer.look(chain.mine()) == ()
        assert not chain.bids
        chain.price = 25 * 10**15
        await until(lambda: bool(chain.mempool))
        signer.look(chain.mine())
        assert chain.bids == {2}


@pytest.mark.parametrize("agree", [True, False], ids=["two nodes say so", "they differ"])
@pytest.mark.parametrize("end", [withdraw(9), ask.CloseBid(bid(9).id, 10000)], ids=["withdrawal", "closing"])
async def test_a_message_that_ends_a_large_deployment_holds_up_no_other(end: ask.Msg, agree: bool) -> None:
    """Four hundred bids are closed by it."""
    chain = FakeChain()
    chain.gas_of_end, chain.nodes_agree = {9: 27_600_000}, agree
    others = [withdraw(n) for n in range(1, 13) if n != 9]
    async with running(chain) as signer:
        *answers, of_end = await all_of(*(signer.send(m, priority=Priority.DRY) for m in [*others, end]))
        assert set(answers) <= set(chain.mempool)
        assert (of_end in chain.mempool) if agree else isinstance(of_end, Doubted)
        assert signer.look(chain.mine()) == ()
        assert {dseq for _, dseq in chain.paid} >= {m.id.dseq for m in others}
        assert signer.pending == 0


async def test_a_large_end_sent_again_holds_up_no_other_either() -> None:
    chain = FakeChain()
    async with running(chain) as signer:
        await all_of(*(signer.send(withdraw(n)) for n in (8, 9)))
        chain.gas_of_end, chain.nodes_agree = {9: 27_600_000}, False
        chain.troubles["mine"] = [No("sdk", 111222, "recovered: a panic")]
        assert signer.look(chain.mine()) == ()
        await signer.send(withdraw(7))
        await until(lambda: len(chain.mempool) == 2)
        signer.look(chain.mine())
        assert {dseq for _, dseq in chain.paid} == {7, 8}
        chain.nodes_agree = True
        await until(lambda: len(chain.mempool) == 1)
        assert signer.look(chain.mine()) == ()
        assert {dseq for _, dseq in chain.paid} == {7, 8, 9}


async def test_no_agreement_makes_a_message_dearer_than_any_can_be() -> None:
    chain = FakeChain()
    chain.gas_of_end = {9: gas.MOST}
    async with running(chain) as signer:
        with pytest.raises(Doubted):
            await signer.send(withdraw(9))
        assert not chain.mempool


async def test_the_price_is_raised_to_what_the_one_that_refuses_tells() -> None:
    """Another one, which takes nothing, tells a lower one."""
    chain = Told()
    chain.price = 30 * 10**15
    async with running(chain) as signer:
        await signer.send(bid(1))
        ((_, auth, _),) = [decoded(tx) for tx in chain.mempool.values()]
        assert int(auth.fee.amount[0].amount) == -(-auth.fee.gas_limit * 30 // 1000)


class Told(FakeChain):
    async def minimum_gas_price(self) -> int:
        return 25 * 10**15

    async def broadcast(self, tx: bytes) -> Answer:
        answer = await super().broadcast(tx)
        return answer if answer.accepted else replace(answer, wanted_e18=self.price)


async def test_a_price_once_raised_is_lowered_again() -> None:
    chain = FakeChain()
    async with running(chain) as signer:
        for price, seconds in ((100, 6), (25, 3600), (25, 6)):
            chain.price = price * 10**15
            await signer.send(bid(chain.height))
            signer.look(chain.mine())
            signer.look(chain.mine(seconds))
        fees = [int(decoded(tx)[1].fee.amount[0].amount) for tx in chain.taken]
        assert fees == [18020, 18020, 4505]


async def test_a_node_that_refuses_the_fee_it_says_it_wants_is_trouble_and_not_the_end_of_a_message() -> None:
    chain = FakeChain()
    chain.troubles["broadcast"] = [No("sdk", 13, "insufficient fees: insufficient fee")]
    async with running(chain) as signer:
        with pytest.raises(Retry, match="no higher gas price"):
            await signer.send(bid(1))
        await signer.send(bid(1))
        assert signer.pending == 1


@pytest.mark.parametrize(
    "text",
    [
        "signature verification failed; please verify account number (0) and chain-id (sandbox): unauthorized",
        "unordered tx ttl exceeds 10m0s: invalid request",
    ],
)
async def test_a_node_that_has_just_started_is_given_a_block(text: str) -> None:
    chain = FakeChain()
    chain.troubles["broadcast"] = [No("sdk", 4 if "signature" in text else 18, text)]
    async with running(chain) as signer, asyncio.TaskGroup() as group:
        sent = spawn(group, "send", signer.send(bid(1)))
        await asyncio.sleep(1)
        assert not sent.done()
        signer.look(chain.mine())
        await sent
        signer.look(chain.mine())
        assert chain.bids == {1}


async def test_a_signature_that_does_not_fit_after_another_block_is_fatal() -> None:
    chain = FakeChain()
    signer = Signer(chain, KEY, ChainSettings())
    chain.id = "sandbox"
    task_error: list[BaseException] = []

    async def run() -> None:
        try:
            await signer.run()
        except Fatal as error:
            task_error.append(error)

    real = chain.broadcast

    async def broadcast(tx: bytes) -> Answer:
        chain.id = "other-7"  # the chain checks against another id than it told
        try:
            return await real(tx)
        finally:
            chain.id = "sandbox"

    chain.broadcast = broadcast  # type: ignore[method-assign]
    async with asyncio.TaskGroup() as group:
        spawn(group, "signer", run())
        sent = spawn(group, "send", all_of(signer.send(bid(1))))
        for _ in range(3):
            await asyncio.sleep(1)
            signer.look(chain.mine())
        (answer,) = await sent
    assert isinstance(answer, Fatal)
    assert task_error == [answer]
    assert KEY.address in str(answer)


async def test_a_chain_without_unordered_transactions_gets_ordered_ones() -> None:
    chain = FakeChain()
    chain.unordered_enabled, chain.sequence = False, 12
    async with running(chain, bids_per_tx=2) as signer, asyncio.TaskGroup() as group:
        sent = [spawn(group, "send", signer.send(bid(n))) for n in range(1, 7)]
        for sequence in (12, 13, 14):
            await until(lambda: len(chain.mempool) == 1)
            await asyncio.sleep(5)
            ((body, auth, _),) = [decoded(tx) for tx in chain.mempool.values()]
            assert auth.signer_infos[0].sequence == sequence
            assert not body.unordered
            assert signer.look(chain.mine()) == ()
        await asyncio.wait(sent)
        assert signer.ordered
        assert chain.bids == set(range(1, 7))


@pytest.mark.parametrize("old_node_gone", [False, True], ids=["and is refused", "and is left"])
async def test_after_an_hour_in_order_it_is_tried_without_anew(old_node_gone: bool) -> None:
    chain = FakeChain()
    chain.unordered_enabled = False
    async with running(chain, bids_per_tx=1) as signer:
        await signer.send(bid(1))
        signer.look(chain.mine())
        chain.unordered_enabled = old_node_gone
        signer.look(chain.mine(seconds=3600))
        assert not signer.ordered
        sent = asyncio.gather(*(signer.send(bid(n)) for n in (2, 3, 4)))
        await asyncio.sleep(5)
        assert signer.ordered is not old_node_gone
        assert [decoded(tx)[0].unordered for tx in chain.mempool.values()] == [True] * 3 if old_node_gone else [False]
        while not sent.done():
            signer.look(chain.mine())
            await asyncio.sleep(5)
        signer.look(chain.mine())
        assert chain.bids == {1, 2, 3, 4}


@pytest.mark.parametrize("where", ["simulate", "broadcast"])
async def test_in_order_a_sequence_that_somebody_else_has_used_is_replaced(where: str) -> None:
    chain = FakeChain()
    chain.unordered_enabled, chain.sequence = False, 12
    async with running(chain) as signer:
        await signer.send(bid(1))
        signer.look(chain.mine())
        real = getattr(chain, where)

        async def meanwhile(*what: Any) -> Any:
            if chain.sequence == 13:
                chain.sequence = 40  # between our question and this one
            return await real(*what)

        setattr(chain, where, meanwhile)
        await signer.send(bid(2))
        assert signer.look(chain.mine()) == ()
        assert chain.bids == {1, 2}


async def test_in_order_one_that_is_lost_keeps_the_next_waiting_until_it_is_void() -> None:
    chain = FakeChain()
    chain.unordered_enabled = False
    async with running(chain, tx_timeout_s=20) as signer, asyncio.TaskGroup() as group:
        await signer.send(bid(1))
        chain.mempool.clear()
        chain.sequence, chain.troubles["broadcast"] = 0, [Unreachable("gone")] * 3
        sent = spawn(group, "send", signer.send(bid(2)))
        reports = [signer.look(chain.mine(6)) for _ in range(3)]
        await asyncio.sleep(1)
        assert reports == [()] * 3
        assert not sent.done()
        chain.troubles.clear()
        assert [f.msg for f in signer.look(chain.mine(6))] == [bid(1)]
        await sent
        signer.look(chain.mine())
        assert chain.bids == {2}


async def test_who_asks_for_what_is_under_way_joins_it() -> None:
    chain = FakeChain()
    async with running(chain) as signer:
        hashes_ = await all_of(signer.send(withdraw(1)), signer.send(withdraw(1)), signer.send(withdraw(1)))
        assert hashes_ == [next(iter(chain.mempool))] * 3
        assert await signer.send(withdraw(1)) == hashes_[0], "while it is in the air"
        assert signer.pending == 1
        signer.look(chain.mine())
        signer.look(chain.mine())
        assert len(chain.paid) == 1
        await signer.send(withdraw(1))
        signer.look(chain.mine())
        assert len(chain.paid) == 2, "after it is done it may be asked for again"


async def test_a_bid_on_other_terms_does_not_join_and_is_not_sent() -> None:
    chain = FakeChain()
    other = replace(bid(1), price=DecCoin("uact", 2 * 10**18))
    async with running(chain) as signer:
        answers = await all_of(signer.send(bid(1)), signer.send(other))
        assert isinstance(answers[0], str)
        assert isinstance(answers[1], Retry)
        assert "under way on other terms" in str(answers[1])
        signer.look(chain.mine())
        assert chain.bids == {1}


async def test_who_joins_makes_it_as_urgent_as_he_is_and_who_leaves_does_not_take_it_along() -> None:
    chain = FakeChain()
    async with running(chain, bids_per_tx=1) as signer, asyncio.TaskGroup() as group:
        order: list[str] = []

        async def send(msg: ask.Msg, name: str, priority: Priority | None = None) -> None:
            await signer.send(msg, priority=priority)
            order.append(name)

        impatient = spawn(group, "gone", send(withdraw(2), "gone"))
        for msg, name in ((withdraw(1), "first"), (withdraw(2), "second")):
            spawn(group, name, send(msg, name))
        spawn(group, "urgent", send(withdraw(2), "urgent", Priority.DRY))
        await asyncio.sleep(0)
        impatient.cancel()
        await until(lambda: len(order) == 3)
        assert set(order[:2]) == {"second", "urgent"}


async def test_fees_keep_within_their_budget_and_what_is_urgent_does_not_wait() -> None:
    chain = FakeChain()
    async with running(chain, fee_budget_per_hour="20000uakt") as signer:  # a bid costs 4,505
        answers = await all_of(*(signer.send(bid(n)) for n in range(1, 8)))
        assert [isinstance(a, str) for a in answers] == [True] * 4 + [False] * 3
        assert all("chain.fee_budget_per_hour" in str(a) for a in answers[4:])
        signer.look(chain.mine())
        simulated = chain.calls["simulate"]
        with pytest.raises(Retry, match="fee budget"):
            await signer.send(bid(8))
        assert chain.calls["simulate"] == simulated, "known without trying"
        await signer.send(withdraw(2), priority=Priority.DRY)
        await signer.send(ask.CloseBid(bid(1).id, 10000))
        signer.look(chain.mine(seconds=3601))
        await signer.send(bid(8))
        signer.look(chain.mine())
        assert chain.bids == {1, 2, 3, 4, 8}


async def test_a_budget_below_one_transaction_says_so_instead_of_sending() -> None:
    chain = FakeChain()
    async with running(chain, fee_budget_per_hour="100uakt") as signer:
        with pytest.raises(Retry, match="0uakt of 100uakt"):
            await signer.send(bid(1))
        assert chain.calls["broadcast"] == 0


async def test_what_became_of_transactions_is_counted() -> None:
    chain, metrics = FakeChain(), Metrics()
    signer = Signer(chain, KEY, ChainSettings(tx_timeout_s=20), salt_ns=5, metrics=metrics)
    metrics.watch(signer.gauges)
    async with asyncio.TaskGroup() as group:
        task = spawn(group, "signer", signer.run())
        await signer.send(bid(1))
        assert 'akp_outbox{state="accepted"} 1.0' in metrics.text().decode()
        signer.look(chain.mine())
        await all_of(signer.send(bid(2)), signer.send(bid(3)))
        chain.closed = {2}
        signer.look(chain.mine())
        await until(lambda: len(chain.mempool) == 1)
        signer.look(chain.mine())
        chain.troubles["broadcast"] = [No("sdk", 20, "mempool is full")]
        sent = spawn(group, "send", signer.send(bid(4)))
        await asyncio.sleep(1)
        signer.look(chain.mine())
        await sent
        chain.lose(next(iter(chain.mempool)))
        chain.troubles["broadcast"] = [Unreachable("down")] * 100
        for _ in range(5):
            signer.look(chain.mine())
        task.cancel()
    told = metrics.text().decode()
    for result, count in {"included": 2, "failed": 1, "refused": 1, "expired": 1}.items():
        assert f'akp_tx_total{{result="{result}"}} {count}.0' in told
    assert "akp_tx_retries_total 2.0" in told
    assert "akp_tx_fee_utokens_total 18015.0" in told  # 4,505 twice, and 9,005 for the two that failed
    assert 'akp_outbox{state="waiting"} 0.0' in told


async def test_no_two_transactions_share_a_timeout() -> None:
    chain = FakeChain()
    async with running(chain, bids_per_tx=1) as signer:
        await all_of(*(signer.send(bid(n)) for n in range(1, 31)))
        timeouts = [nanoseconds(decoded(tx)[0]) for tx in chain.mempool.values()]
        assert len(set(timeouts)) == 30
        assert max(timeouts) - min(timeouts) < SECOND


async def test_a_timeout_that_another_process_has_used_is_replaced() -> None:
    chain = FakeChain()
    chain.nonces = {chain.time_ns + 60 * SECOND + 5}
    async with running(chain) as signer:
        await signer.send(bid(1))
        assert len(chain.mempool) == 1


async def test_the_timeout_follows_the_chains_clock_not_ours() -> None:
    chain = FakeChain()
    async with running(chain) as signer:
        signer.look(chain.mine(seconds=86_400))
        await signer.send(bid(1))
        assert chain.calls["head"] == 0, "the last block's time was enough"
        signer.look(chain.mine())
        await asyncio.sleep(60)
        chain.time_ns += 3600 * SECOND
        await signer.send(bid(2))
        assert chain.calls["head"] == 1, "no block for long: ask"


async def test_a_sender_that_gives_up_takes_its_message_back_if_it_has_not_left() -> None:
    chain = FakeChain()
    async with running(chain) as signer:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.001):
                await signer.send(bid(1))
        await signer.send(bid(2))
        signer.look(chain.mine())
        assert chain.bids == {2}
        assert signer.pending == 0


async def test_an_account_that_is_not_on_chain_yet_is_said_so() -> None:
    chain = FakeChain()

    async def nobody(address: str) -> None:
        return None

    chain.account = nobody  # type: ignore[method-assign]
    async with running(chain) as signer:
        with pytest.raises(Retry, match=re.escape(KEY.address)):
            await signer.send(bid(1))


async def test_a_proxy_that_forbids_is_a_no_and_not_the_end_of_the_signer() -> None:
    chain = FakeChain()
    real, forbidden = chain.account, [Refused("AccountInfo: PERMISSION_DENIED")]

    async def account(address: str) -> Account | None:
        if forbidden:
            raise forbidden.pop()
        return await real(address)

    chain.account = account  # type: ignore[method-assign]
    async with running(chain) as signer:
        with pytest.raises(Refused, match="PERMISSION_DENIED"):
            await signer.send(bid(1))
        await signer.send(bid(1))
        assert signer.pending == 1


async def test_nothing_to_send_is_a_mistake() -> None:
    async with running(FakeChain()) as signer:
        with pytest.raises(ValueError, match="nothing to send"):
            await signer.send()


async def test_the_fake_checks_signatures() -> None:
    chain = FakeChain()
    body = build.body([wire.pack(wire.message("akash.market.v1beta5.MsgWithdrawLease")())], timeout_unix_ns=1)
    auth = build.auth_info(KEY.public_key, 0, 1, [Coin("uakt", 1)])
    _, info, raw = decoded(await sign.sign(KEY, body, auth, "another", 7))
    chain._verify(info, raw.signatures[0], build.sign_doc(body, auth, "another", 7))
    with pytest.raises(No):
        chain._verify(info, raw.signatures[0], build.sign_doc(body, auth, "sandbox", 7))


class Elsewhere:
    """A key that lies elsewhere and has its troubles."""

    address, public_key = KEY.address, KEY.public_key

    def __init__(self, *troubles: Exception) -> None:
        self.troubles = list(troubles)

    async def signature(self, document: bytes) -> bytes:
        if self.troubles:
            raise self.troubles.pop(0)
        return KEY.sign(document)


async def test_a_signer_elsewhere_that_is_away_is_trouble_that_passes() -> None:
    chain = FakeChain()
    signer = Signer(chain, Elsewhere(Unreachable("no answer within 5 s")), ChainSettings(), salt_ns=5)
    async with asyncio.TaskGroup() as tasks:
        running = spawn(tasks, "signer", signer.run())
        with pytest.raises(Unreachable, match="no answer"):
            await signer.send(bid(1))
        assert await signer.send(bid(1))
        running.cancel()
    assert signer.pending == 1, "in the air"


async def test_a_document_that_a_signer_elsewhere_refuses_is_refused() -> None:
    signer = Signer(FakeChain(), Elsewhere(Refused("it refuses to sign this")), ChainSettings(), salt_ns=5)
    async with asyncio.TaskGroup() as tasks:
        running = spawn(tasks, "signer", signer.run())
        with pytest.raises(Refused, match="refuses to sign"):
            await signer.send(bid(1))
        running.cancel()
    assert signer.pending == 0


async def test_a_signature_of_another_key_ends_it_with_nothing_sent() -> None:
    chain = FakeChain()
    signer = Signer(chain, Elsewhere(Fatal("the signature it gave is not one of")), ChainSettings(), salt_ns=5)

    async def send() -> None:
        async with asyncio.TaskGroup() as tasks:
            spawn(tasks, "signer", signer.run())
            await signer.send(bid(1))

    with pytest.raises(BaseExceptionGroup) as end:
        await send()
    assert end.group_contains(Fatal, match="not one of")
    assert chain.calls["broadcast"] == 0
