"""Accounts: number, sequence and public key of everybody who ever received coins (cosmos auth)."""

from __future__ import annotations

from typing import Any

from provider.chain.wire import message, pack

from .context import Registry, Table, View
from .errors import QueryError
from .ids import address_bytes
from .store import Layer, Reader

ACCOUNTS = Table("account", "cosmos.auth.v1beta1.BaseAccount")
_NEXT = "account_next"
_SHORTEST = 8


def account(reader: Reader, address: str) -> Any:
    return ACCOUNTS.get(reader, (address,))


def save(store: Layer, found: Any) -> None:
    store.put(ACCOUNTS.name, (found.address,), found.SerializeToString(deterministic=True))


def ensure(store: Layer, address: str) -> None:
    """The account exists afterwards; a new one gets the next number."""
    if store.get(ACCOUNTS.name, (address,)) is None:
        number = store.get(_NEXT, ()) or 0
        store.put(_NEXT, (), number + 1)
        save(store, message("cosmos.auth.v1beta1.BaseAccount")(address=address, account_number=number))


def register(registry: Registry) -> None:
    service = "/cosmos.auth.v1beta1.Query"
    registry.query(f"{service}/AccountInfo", _info)
    registry.query(f"{service}/Account", _account)
    registry.query(f"{service}/Params", _params)


def _info(view: View, request: Any) -> Any:
    return message("cosmos.auth.v1beta1.QueryAccountInfoResponse")(info=_find(view, request.address))


def _account(view: View, request: Any) -> Any:
    return message("cosmos.auth.v1beta1.QueryAccountResponse")(account=pack(_find(view, request.address)))


def _params(view: View, _: Any) -> Any:
    told = view.genesis.params
    params = message("cosmos.auth.v1beta1.Params")(
        max_memo_characters=told.max_memo,
        tx_sig_limit=told.max_signatures,
        tx_size_cost_per_byte=10,
        sig_verify_cost_ed25519=590,
        sig_verify_cost_secp256k1=1000,
    )
    return message("cosmos.auth.v1beta1.QueryParamsResponse")(params=params)


def _find(view: View, address: str) -> Any:
    if not address:
        raise QueryError("INVALID_ARGUMENT", "address cannot be empty")
    try:
        address_bytes(address)
    except ValueError as wrong:
        short = f"invalid bech32 string length {len(address)}" if len(address) < _SHORTEST else str(wrong)
        raise QueryError("UNKNOWN", f"decoding bech32 failed: {short}") from None
    found = account(view.state, address)
    if found is None:
        raise QueryError("NOT_FOUND", f"account {address} not found")
    return found
