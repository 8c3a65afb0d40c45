"""Recorded transactions taken apart and built again: bytes, sign doc and hash must be the chain's."""

from __future__ import annotations

import base64
from typing import Any

from manifests.coins import Coin
from manifests.ids import LeaseID
from provider.chain import wire
from provider.chain.convert import ids
from provider.chain.messages import WithdrawLease
from provider.chain.tx import build


def test_every_recorded_transaction_is_rebuilt_byte_for_byte(lines: Any) -> None:
    rebuilt = unordered = 0
    for block in lines(None, "results"):
        for tx in block["txs"]:
            data = base64.b64decode(tx["bytes"])
            assert build.tx_hash(data) == tx["hash"]
            raw = wire.message("cosmos.tx.v1beta1.TxRaw").FromString(data)
            body = wire.message("cosmos.tx.v1beta1.TxBody").FromString(raw.body_bytes)
            auth = wire.message("cosmos.tx.v1beta1.AuthInfo").FromString(raw.auth_info_bytes)
            if len(raw.signatures) != 1 or auth.fee.payer or auth.fee.granter or body.timeout_height:
                continue  # shapes we never send
            timeout = None
            if body.HasField("timeout_timestamp"):
                timeout = body.timeout_timestamp.seconds * 10**9 + body.timeout_timestamp.nanos
            made = build.body(body.messages, timeout_unix_ns=timeout, unordered=body.unordered, memo=body.memo)
            if made != raw.body_bytes:
                assert "unknown" in tx["note"], tx["note"]  # a body field we do not know
                continue
            signer = auth.signer_infos[0]
            public = wire.unpack(signer.public_key).key
            fee = [Coin(c.denom, int(c.amount)) for c in auth.fee.amount]
            assert build.auth_info(public, signer.sequence, auth.fee.gas_limit, fee) == raw.auth_info_bytes, tx["note"]
            assert build.raw(made, raw.auth_info_bytes, raw.signatures[0]) == data
            rebuilt += 1
            unordered += body.unordered
    assert rebuilt > 500
    assert unordered > 5


def test_every_recorded_execution_for_another_account_is_rebuilt_byte_for_byte(lines: Any) -> None:
    rebuilt = 0
    for block in lines("S7-authz-grants-audit", "results"):
        for tx in block["txs"]:
            raw = wire.message("cosmos.tx.v1beta1.TxRaw").FromString(base64.b64decode(tx["bytes"]))
            for box in wire.message("cosmos.tx.v1beta1.TxBody").FromString(raw.body_bytes).messages:
                if box.type_url != "/cosmos.authz.v1beta1.MsgExec":
                    continue
                run = wire.unpack(box)
                if [inner.type_url for inner in run.msgs] != ["/akash.market.v1beta5.MsgWithdrawLease"]:
                    continue
                msg = WithdrawLease(ids.lease_id(wire.unpack(run.msgs[0]).id))
                assert build.box(msg, run.grantee) == box, tx["note"]
                rebuilt += 1
    assert rebuilt


def test_a_message_of_the_account_itself_travels_as_it_is() -> None:
    msg = WithdrawLease(LeaseID("akash1t", 7, 1, 1, "akash1p"))
    assert build.box(msg, "akash1p").type_url == "/akash.market.v1beta5.MsgWithdrawLease"
    assert build.box(msg, "akash1hot").type_url == "/cosmos.authz.v1beta1.MsgExec"


def test_who_else_pays_the_fee_is_named() -> None:
    auth = wire.message("cosmos.tx.v1beta1.AuthInfo").FromString(
        build.auth_info(b"\x02" * 33, 0, 1, [Coin("uakt", 1)], "akash1payer")
    )
    assert (auth.fee.granter, auth.fee.payer) == ("akash1payer", "")
