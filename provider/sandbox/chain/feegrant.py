"""Fees that somebody else pays: granting, revoking and using allowances (chain.md §2.6, chain-probes 28).

An allowance that has just paid its last coin is deleted by that very tx; one that has expired at the end of a block.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from provider.chain.wire import message

from . import accounts, allowances, gas, paging
from .context import Context, Registry, Table, View
from .errors import ChainError, QueryError, registered, unregistered
from .genesis import Coins
from .ids import address_bytes, is_address

ALLOWANCES = Table("allowance", "cosmos.feegrant.v1beta1.Grant")
"""keys are (grantee, granter)"""
_NAME = "cosmos.feegrant.v1beta1"


def use(ctx: Context, granter: str, grantee: str, fee: Coins, urls: Sequence[str]) -> None:
    """Let the granter's allowance pay; ChainError says why it does not."""
    ctx.gas.use(gas.READ, "ReadFlat")
    grant = _find(ctx, granter, grantee)
    left = allowances.accept(grant.allowance, fee, urls, ctx.time_unix_ns)
    if left is None:
        _remove(ctx, granter, grantee)
        _tell(ctx, "use_feegrant", granter, grantee)
        return
    _tell(ctx, "use_feegrant", granter, grantee)
    grant.allowance.CopyFrom(left)
    ctx.put(ALLOWANCES, (grantee, granter), grant)
    _tell(ctx, "update_feegrant", granter, grantee)


def register(registry: Registry) -> None:
    registry.message(f"{_NAME}.MsgGrantAllowance", lambda msg: str(msg.granter), _grant)
    registry.message(f"{_NAME}.MsgRevokeAllowance", lambda msg: str(msg.granter), _revoke)
    registry.message(f"{_NAME}.MsgPruneAllowances", lambda msg: str(msg.pruner), _prune)
    registry.query(f"/{_NAME}.Query/Allowance", _allowance)
    registry.query(f"/{_NAME}.Query/Allowances", _of_grantee)
    registry.query(f"/{_NAME}.Query/AllowancesByGranter", _of_granter)
    registry.end_block.append(_forget_expired)


def _grant(ctx: Context, msg: Any) -> None:
    if msg.grantee.lower() == msg.granter.lower():
        raise registered("sdk", 7, "cannot self-grant fee authorization")
    _check_pair(msg)
    if ALLOWANCES.get(ctx, (msg.grantee, msg.granter)) is not None:
        raise registered("sdk", 18, "fee allowance already exists")
    if msg.allowance.type_url not in allowances.KNOWN:
        raise registered("feegrant", 5, "failed to get allowance")
    allowances.check(msg.allowance)
    accounts.ensure(ctx.store, msg.grantee)
    until = allowances.expires_ns(msg.allowance)
    if until is not None and until < ctx.time_unix_ns:
        raise registered("sdk", 18, "expiration is before current block time")
    stored = allowances.started(msg.allowance, ctx.time_unix_ns)
    grant = message(ALLOWANCES.record)(granter=msg.granter, grantee=msg.grantee, allowance=stored)
    ctx.put(ALLOWANCES, (msg.grantee, msg.granter), grant)
    _tell(ctx, "set_feegrant", msg.granter, msg.grantee)


def _revoke(ctx: Context, msg: Any) -> None:
    if msg.grantee == msg.granter:
        raise registered("sdk", 7, "addresses must be different")
    _check_pair(msg)
    _find(ctx, msg.granter, msg.grantee)
    _remove(ctx, msg.granter, msg.grantee)


def _prune(ctx: Context, msg: Any) -> None:
    _forget_expired(ctx)
    ctx.log.plain("prune_feegrant", ("pruner", msg.pruner))


def _check_pair(msg: Any) -> None:
    for name in ("granter", "grantee"):
        if not is_address(getattr(msg, name)):
            raise unregistered(f"decoding bech32 failed: invalid {name}")


def _find(ctx: Context, granter: str, grantee: str) -> Any:
    found = ALLOWANCES.get(ctx, (grantee, granter))
    if found is None:
        raise ChainError("sdk", 38, "fee-grant not found: not found")
    return found


def _remove(ctx: Context, granter: str, grantee: str) -> None:
    ctx.erase(ALLOWANCES.name, (grantee, granter))
    _tell(ctx, "revoke_feegrant", granter, grantee)


def _tell(ctx: Context, what: str, granter: str, grantee: str) -> None:
    ctx.log.plain(what, ("granter", granter), ("grantee", grantee))


def _forget_expired(ctx: Context) -> None:
    for key, grant in list(ALLOWANCES.scan(ctx.store)):
        until = allowances.expires_ns(grant.allowance)
        if until is not None and until <= ctx.time_unix_ns:
            ctx.erase(ALLOWANCES.name, key)


def _allowance(view: View, request: Any) -> Any:
    found = ALLOWANCES.get(view.state, (_address(request.grantee), _address(request.granter)))
    if found is None:
        raise QueryError("INTERNAL", "fee-grant not found: not found")
    return message(f"{_NAME}.QueryAllowanceResponse")(allowance=found)


def _of_grantee(view: View, request: Any) -> Any:
    rows = [
        (b"\x14" + address_bytes(key[1]), g) for key, g in ALLOWANCES.scan(view.state, (_address(request.grantee),))
    ]
    return _page(rows, request, f"{_NAME}.QueryAllowancesResponse")


def _of_granter(view: View, request: Any) -> Any:
    granter = _address(request.granter)
    rows = [
        (b"\x14" + address_bytes(key[0]) + b"\x14" + address_bytes(key[1]), grant)
        for key, grant in ALLOWANCES.scan(view.state)
        if key[1] == granter
    ]
    return _page(rows, request, f"{_NAME}.QueryAllowancesByGranterResponse")


def _page(rows: list[tuple[bytes, Any]], request: Any, response: str) -> Any:
    page, found = paging.sdk_page(sorted(rows, key=lambda row: row[0]), request)
    return message(response)(allowances=found, pagination=page)


def _address(text: str) -> str:
    if not is_address(text):
        raise QueryError("INVALID_ARGUMENT", "invalid address: decoding bech32 failed")
    return text
