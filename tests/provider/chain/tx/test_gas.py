"""Gas limits and fees, against what a real node measured."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from manifests.coins import Coin, parse_decimal
from manifests.ids import LeaseID
from provider.chain import messages as ask
from provider.chain import wire
from provider.chain.tx import gas

LEASE = LeaseID("t", 1, 1, 1, "p")


@pytest.mark.parametrize(
    ("simulated", "adjustment", "unordered", "times", "limit"),
    [
        (100_000, 1.5, False, 1, 150_000),
        (100_000, 1.5, True, 1, 156_000),
        (100_000, 1.5, False, 2, 300_000),
        (100_001, 1.1, False, 1, 110_002),
    ],
)
def test_a_limit_is_rounded_up(simulated: int, adjustment: float, unordered: bool, times: int, limit: int) -> None:
    assert gas.limit(simulated, adjustment, unordered=unordered, times=times) == limit


@pytest.mark.parametrize(
    ("limit", "price", "fee"), [(1_000_000, "0.025", 25000), (1, "0.025", 1), (41, "0.025", 2), (40, "0.025", 1)]
)
def test_a_fee_is_rounded_up(limit: int, price: str, fee: int) -> None:
    assert gas.fee(limit, parse_decimal(price)) == Coin("uakt", fee)


BID = ask.CreateBid(LEASE, None, None)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("messages", "multiple", "usual", "alone"),
    [
        ([BID], 5, 1_000_000, 1_000_000),
        ([BID] * 50, 5, 35_300_000, 35_300_000),
        ([BID], 8, 1_600_000, 1_600_000),
        ([BID], 1000, gas.MOST, gas.MOST),
        ([ask.WithdrawLease(LEASE)], 5, 6_800_000, gas.MOST),
        ([ask.WithdrawLease(LEASE)] * 2, 5, 8_300_000, gas.MOST),
        ([ask.WithdrawLease(LEASE)] * 50, 5, gas.MOST, gas.MOST),
    ],
    ids=[
        "a bid", "a batch", "another multiple", "a multiple beyond reason", "it may end a deployment", "one of them",
        "a batch of those",
    ],
)  # fmt: skip
def test_what_a_simulation_may_say(messages: list[ask.Msg], multiple: int, usual: int, alone: int) -> None:
    assert gas.belief(messages, multiple) == gas.Belief(usual, agreed=gas.MOST, alone=alone)


def test_the_guess_covers_what_each_message_was_measured_to_use(lines: Any) -> None:
    ours = {
        "/akash.market.v1beta5.MsgCreateBid": ask.CreateBid,
        "/akash.market.v1beta5.MsgWithdrawLease": ask.WithdrawLease,
        "/akash.market.v1beta5.MsgCloseBid": ask.CloseBid,
        "/akash.provider.v1beta4.MsgUpdateProvider": ask.UpdateProvider,
        "/akash.cert.v1.MsgCreateCertificate": ask.CreateCertificate,
    }
    made = {
        ask.CreateBid: BID,
        ask.WithdrawLease: ask.WithdrawLease(LEASE),
        ask.CloseBid: ask.CloseBid(LEASE, 10000),
        ask.UpdateProvider: ask.UpdateProvider("p", "h", ()),
        ask.CreateCertificate: ask.CreateCertificate("p", b"", b""),
    }
    covered = total = 0
    for block in lines(None, "results"):
        for tx, result in zip(block["txs"], block["results"], strict=True):
            raw = wire.message("cosmos.tx.v1beta1.TxRaw").FromString(base64.b64decode(tx["bytes"]))
            urls = [m.type_url for m in wire.message("cosmos.tx.v1beta1.TxBody").FromString(raw.body_bytes).messages]
            if result["code"] == 0 and all(u in ours for u in urls):
                total += 1
                msgs = [made[ours[u]] for u in urls]
                covered += gas.guess(msgs) * 1.5 >= int(result["gas_used"])
                assert gas.belief(msgs, 5).usual > 3 * int(result["gas_used"])
    assert total > 150
    assert covered >= total * 0.98
