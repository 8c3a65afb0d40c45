"""Transactions as the official CLI reads and prints them (chain-probes.md §10): to be looked at, or to be signed by a
key that is not here. Pure.

The one subtlety is what JSON does to certificates: bytes become base64, as the CLI has them too.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from provider.chain import messages as ask
from provider.chain.convert.requests import to_wire
from provider.chain.tx import gas
from provider.chain.wire import as_json, known, message, pack


def unsigned(msgs: Iterable[ask.Msg], *, gas_price_e18: int, memo: str = "") -> dict[str, Any]:
    """A whole transaction without signer and signature, as `akash tx sign` reads it. Gas by the table of usual costs:
    nobody can try out what another account signs."""
    msgs = list(msgs)
    limit = gas.guess(msgs)
    w = message("cosmos.tx.v1beta1.Tx")()
    w.body.messages.extend(pack(to_wire(msg)) for msg in msgs)
    w.body.memo = memo
    fee = gas.fee(limit, gas_price_e18)
    w.auth_info.fee.gas_limit = limit
    w.auth_info.fee.amount.add(denom=fee.denom, amount=str(fee.amount))
    out: dict[str, Any] = as_json(w)
    out["body"].pop("unordered", None)  # older CLIs do not know it
    return out


def packed(box: bytes) -> dict[str, Any]:
    """A message as it was stored, with its type under `@type`; of a type that is not known any more, only that."""
    found = message("google.protobuf.Any").FromString(box)
    if not known(found.type_url.lstrip("/")):
        return {"@type": found.type_url}
    out: dict[str, Any] = as_json(found)
    return out


def signed_over(body: bytes, auth_info: bytes) -> dict[str, Any]:
    """Body and auth info of a transaction that is about to be signed here."""
    return {
        "body": as_json(message("cosmos.tx.v1beta1.TxBody").FromString(body)),
        "auth_info": as_json(message("cosmos.tx.v1beta1.AuthInfo").FromString(auth_info)),
    }
