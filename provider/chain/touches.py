"""Deployments whose escrow a transaction settles or fills without any event that names them (chain.md §3.3):
withdrawals and deposits. Read from the bytes that were signed, those inside a MsgExec included. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from google.protobuf.message import DecodeError

from manifests.errors import Invalid
from manifests.ids import DeploymentID
from provider.chain.wire import message

_WITHDRAW = "/akash.market.v1beta5.MsgWithdrawLease"
_DEPOSIT = "/akash.escrow.v1.MsgAccountDeposit"
_EXEC = "/cosmos.authz.v1beta1.MsgExec"
_DEPLOYMENT_SCOPE = 1
_DEEPEST = 8


@dataclass(frozen=True, slots=True)
class Touch:
    deployment: DeploymentID
    settles: bool
    """False for a deposit, which settles only what is overdrawn (chain.md §5.2)"""


def touches(tx: bytes) -> tuple[Touch, ...]:
    """() for bytes that hold none, or that cannot be read."""
    if b".MsgWithdrawLease" not in tx and b".MsgAccountDeposit" not in tx:  # nearly always; spares the decoding
        return ()
    try:
        raw = message("cosmos.tx.v1beta1.TxRaw").FromString(tx)
        body = message("cosmos.tx.v1beta1.TxBody").FromString(raw.body_bytes)
        return tuple(dict.fromkeys(_found(body.messages)))
    except (DecodeError, Invalid):
        return ()


def _found(boxes: Any, depth: int = 0) -> Iterator[Touch]:
    for box in boxes:
        match box.type_url:
            case t if t == _WITHDRAW:
                id_ = message(t[1:]).FromString(box.value).id
                yield Touch(DeploymentID(id_.owner, id_.dseq), settles=True)
            case t if t == _DEPOSIT:
                id_ = message(t[1:]).FromString(box.value).id
                if id_.scope == _DEPLOYMENT_SCOPE:
                    yield Touch(DeploymentID.parse(id_.xid), settles=False)
            case t if t == _EXEC and depth < _DEEPEST:
                yield from _found(message(t[1:]).FromString(box.value).msgs, depth + 1)
