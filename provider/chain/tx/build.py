"""The bytes of a transaction before and after signing (chain.md §4.2). Pure; the serializer writes fields in ascending
order, which is the canonical form the chain demands of the outer envelope.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from manifests.coins import Coin
from provider.chain import messages as ask
from provider.chain.convert import requests
from provider.chain.wire import message, pack

SIGN_MODE_DIRECT = 1


def box(msg: ask.Msg, address: str) -> Any:
    """A packed message for a transaction that `address` signs: as it is when it is that account's own, else inside a
    MsgExec, which needs the other account's grant (chain.md §2.6). One MsgExec each, so that a refusal's message index
    still tells which one it is about."""
    packed = pack(requests.to_wire(msg))
    if ask.signer_of(msg) == address:
        return packed
    return pack(message("cosmos.authz.v1beta1.MsgExec")(grantee=address, msgs=[packed]))


def body(boxes: Sequence[Any], *, timeout_unix_ns: int | None = None, unordered: bool = False, memo: str = "") -> bytes:
    """TxBody bytes. `boxes` are packed messages; `timeout_unix_ns` is block time after which the transaction is
    void."""
    w = message("cosmos.tx.v1beta1.TxBody")(memo=memo, unordered=unordered)
    w.messages.extend(boxes)
    if timeout_unix_ns is not None:
        w.timeout_timestamp.seconds, w.timeout_timestamp.nanos = divmod(timeout_unix_ns, 10**9)
    return bytes(w.SerializeToString(deterministic=True))


def auth_info(public_key: bytes, sequence: int, gas_limit: int, fee: Sequence[Coin], fee_granter: str = "") -> bytes:
    """AuthInfo bytes for one secp256k1 signer; the sequence of an unordered transaction is 0. `fee_granter` pays the
    fee when it has granted that."""
    w = message("cosmos.tx.v1beta1.AuthInfo")()
    signer = w.signer_infos.add()
    signer.public_key.CopyFrom(pack(message("cosmos.crypto.secp256k1.PubKey")(key=public_key)))
    signer.mode_info.single.mode = SIGN_MODE_DIRECT
    signer.sequence = sequence
    w.fee.gas_limit, w.fee.granter = gas_limit, fee_granter
    for coin in fee:
        w.fee.amount.add(denom=coin.denom, amount=str(coin.amount))
    return bytes(w.SerializeToString(deterministic=True))


def sign_doc(body_bytes: bytes, auth_info_bytes: bytes, chain_id: str, account_number: int) -> bytes:
    """What is signed."""
    w = message("cosmos.tx.v1beta1.SignDoc")(
        body_bytes=body_bytes, auth_info_bytes=auth_info_bytes, chain_id=chain_id, account_number=account_number
    )
    return bytes(w.SerializeToString(deterministic=True))


def raw(body_bytes: bytes, auth_info_bytes: bytes, signature: bytes) -> bytes:
    """What is broadcast. A simulation carries an empty signature: it is counted, not verified (chain.md §4.4)."""
    w = message("cosmos.tx.v1beta1.TxRaw")(
        body_bytes=body_bytes, auth_info_bytes=auth_info_bytes, signatures=[signature]
    )
    return bytes(w.SerializeToString(deterministic=True))


def tx_hash(tx: bytes) -> str:
    """Upper-case hex SHA-256 of the broadcast bytes."""
    return hashlib.sha256(tx).hexdigest().upper()
