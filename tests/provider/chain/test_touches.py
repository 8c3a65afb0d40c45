"""Withdrawals and deposits are found in the signed bytes, however they travel; other bytes say nothing."""

from __future__ import annotations

from base64 import b64decode
from typing import Any

import pytest

from manifests.coins import Coin
from manifests.ids import DeploymentID, LeaseID
from provider.chain.convert import requests
from provider.chain.messages import CloseBid, Deposit, Msg, WithdrawLease
from provider.chain.touches import Touch, touches
from provider.chain.wire import message, pack

LEASE = LeaseID("akash1t", 101, 1, 2, "akash1p")


def signed(*boxes: Any) -> bytes:
    body = message("cosmos.tx.v1beta1.TxBody")(messages=boxes)
    raw = message("cosmos.tx.v1beta1.TxRaw")(body_bytes=body.SerializeToString())
    return bytes(raw.SerializeToString())


def boxed(msg: Msg) -> Any:
    return pack(requests.to_wire(msg))


def inside(*boxes: Any) -> Any:
    return pack(message("cosmos.authz.v1beta1.MsgExec")(grantee="akash1hot", msgs=boxes))


def test_a_withdrawal_settles_and_a_deposit_may() -> None:
    other = DeploymentID("akash1t", 7)
    tx = signed(boxed(WithdrawLease(LEASE)), boxed(Deposit("akash1t", other, Coin("uact", 5))))
    assert touches(tx) == (Touch(LEASE.deployment, settles=True), Touch(other, settles=False))


def test_messages_of_somebody_elses_are_found_however_deep() -> None:
    assert touches(signed(inside(inside(boxed(WithdrawLease(LEASE)))))) == (Touch(LEASE.deployment, settles=True),)


@pytest.mark.parametrize(
    "tx",
    [b"", b"\xff.MsgWithdrawLease", signed(boxed(CloseBid(LEASE, 10001)))],
    ids=["nothing", "rubbish", "told by events"],
)
def test_other_bytes_say_nothing(tx: bytes) -> None:
    assert touches(tx) == ()


def test_every_recorded_withdrawal_is_found(lines: Any) -> None:
    found = 0
    for line in lines(None, "results"):
        for tx in line["txs"]:
            data = b64decode(tx["bytes"])
            found += len(touches(data))
            if b"/akash.market.v1beta5.MsgWithdrawLease" in data and b"Grant" not in data:  # grants name it too
                assert touches(data), tx["hash"]
    assert found > 50
