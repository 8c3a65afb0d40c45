"""A transaction of an earlier process that a block holds and that failed there: the one message the chain has judged is
refused, the others may be asked for again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import pytest

from manifests.coins import Coin
from provider.chain import messages as ask
from provider.chain.events import Block, TxResult
from provider.chain.tx import build
from provider.chain.tx.business_key import key_of
from provider.chain.tx.journal import Forgetful
from provider.chain.tx.signer import Signer
from provider.chain.wire import message
from provider.errors import Retry, TxRefused
from provider.intents import Intent, Left, Moment, Signed, TxEnd
from provider.settings import ChainSettings
from tests.provider.chain.tx.fake_chain import KEY, SECOND, FakeChain, bid, withdraw

pytestmark = pytest.mark.looptime
Sent: TypeAlias = ask.CreateBid | ask.WithdrawLease | None
OTHER = None
"""a message that another version of this daemon sends, and this one does not know"""
SEEN = Moment(100, 5_000_000 * SECOND)
CLOSED = ("market", 24, "failed to execute message; message index: {}: bid for x: order closed")
PANIC = ("undefined", 111222, "recovered: nil pointer\nstack:")
UNSETTLED = ("undefined", 111222, "recovered: couldn't find payment aid:<x")
NO_MONEY = ("undefined", 1, "failed to execute message; message index: {}: deposit invalid: insufficient balance")
NO_GAS = ("sdk", 11, "out of gas in location: x: out of gas")
CASES: dict[str, tuple[list[Sent], int, tuple[str, int, str], list[int]]] = {
    "the first of three": ([bid(1), bid(2), bid(3)], 0, CLOSED, [1]),
    "the second of three": ([bid(1), bid(2), bid(3)], 1, CLOSED, [2]),
    "the last of three": ([bid(1), bid(2), bid(3)], 2, CLOSED, [3]),
    "the only one": ([bid(1)], 0, CLOSED, [1]),
    "the only one, unnamed": ([bid(1)], 0, PANIC, [1]),
    "three, none named": ([bid(1), bid(2), bid(3)], 0, PANIC, []),
    "an index that is none": ([bid(1), bid(2)], 7, CLOSED, []),
    "money ran out": ([bid(1), bid(2)], 1, NO_MONEY, []),
    "out of gas": ([bid(1)], 0, NO_GAS, []),
    "it passes by itself": ([withdraw(1)], 0, UNSETTLED, []),
    "after one that is not known": ([OTHER, bid(2), bid(3)], 1, CLOSED, [2]),
    "one that is not known": ([bid(1), OTHER, bid(3)], 1, CLOSED, []),
    "beside one that is not known, none named": ([bid(1), OTHER], 0, PANIC, []),
}


@pytest.mark.parametrize(("sent", "index", "failure", "refused"), list(CASES.values()), ids=list(CASES))
async def test_a_failure_is_blamed_on_the_message_at_fault(
    sent: list[Sent], index: int, failure: tuple[str, int, str], refused: list[int]
) -> None:
    known = [msg for msg in sent if msg is not OTHER]
    signer, _ = await after_a_start(sent)
    assert list(signer.under_way) == known
    codespace, code, text = failure
    failed = signer.look(block(TxResult("AB", code, codespace, text.format(index), 1, ())))
    assert {f.msg for f in failed} == set(known)
    assert len(failed) == len(known), "each is told once"
    assert [f.msg.id.dseq for f in failed if isinstance(f.error, TxRefused)] == refused  # type: ignore[union-attr]
    assert all(isinstance(f.error, TxRefused | Retry) for f in failed)
    assert signer.pending == 0


async def test_one_that_did_what_it_should_is_noted_with_all_its_messages() -> None:
    signer, journal = await after_a_start([OTHER, bid(2)])
    assert signer.look(block(TxResult("AB", 0, "", "", 1, ()))) == ()
    assert journal.ends == ["included"]
    assert signer.pending == 0


class Inherited(Forgetful):
    """One transaction, AB, was in the air when the process before ended."""

    def __init__(self, sent: Sequence[Sent]) -> None:
        intents = tuple(_intent(msg, n) for n, msg in enumerate(sent))
        timeout_ns, keys = SEEN.time_unix_ns + 60 * SECOND, tuple(i.key for i in intents)
        self._left = Left(Signed("AB", b"bytes", timeout_ns, None, 100, Coin("uakt", 9), keys), intents)
        self.ends: list[str] = []

    async def left(self, now: Moment) -> list[Left]:
        return [self._left]

    def tx_ended(self, end: TxEnd, now: Moment) -> None:
        self.ends.append(end.state)


async def after_a_start(sent: Sequence[Sent]) -> tuple[Signer, Inherited]:
    journal = Inherited(sent)
    signer = Signer(FakeChain(), KEY, ChainSettings(), journal=journal)
    await signer.recover(SEEN)
    return signer, journal


def block(*results: TxResult) -> Block:
    return Block(SEEN.height + 1, SEEN.time_unix_ns + 6 * SECOND, results, ())


def _intent(msg: Sent, n: int) -> Intent:
    if msg is None:
        box = message("google.protobuf.Any")(type_url="/akash.market.v9.MsgNotYetThoughtOf", value=b"\x0a\x01x")
        return Intent(f"other {n}", "NotYetThoughtOf", box.SerializeToString(), 0)
    box = build.box(msg, KEY.address)
    return Intent(key_of(msg, box), type(msg).__name__, box.SerializeToString(deterministic=True), 0)
