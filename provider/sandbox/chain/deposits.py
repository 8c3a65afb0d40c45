"""Where a deposit comes from, and the message that adds one to an escrow account.

Funds are looked for before anything else is, even before the account (chain-probes 19a).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from provider.chain.wire import message

from . import bank, deposit_grants, escrow
from .context import Context, Registry
from .dec import of
from .errors import panic, registered, unregistered
from .ids import is_address

BALANCE, GRANT = 1, escrow.GRANT


def check_sources(deposit: Any) -> None:
    """At least one source, each known and named once; `akash` 4 otherwise."""
    if not deposit.sources:
        raise registered("akash", 4, "empty deposit sources")
    for at, source in enumerate(deposit.sources):
        if source not in (BALANCE, GRANT):
            raise registered("akash", 4, f"empty deposit source type {source}")
        if source in deposit.sources[:at]:
            raise registered("akash", 4, f"duplicate deposit source type {source}")


def collect(ctx: Context, owner: str, scope: int, deposit: Any) -> list[Any]:
    """Depositor entries covering the whole deposit, in the order of its sources; no coin is moved yet, but grants are
    used already. `scope` is that of the account.
    """
    denom, missing = deposit.amount.denom, int(deposit.amount.amount or 0)
    if missing >= 1 << 63:
        raise panic("Int64() out of bound")
    found = []
    for source in deposit.sources:
        if missing <= 0:
            break
        for payer, part in _parts(ctx, owner, scope, source, denom, missing):
            missing -= part
            coin = message("cosmos.base.v1beta1.DecCoin")(denom=denom, amount=str(of(part)))
            depositor = message("akash.escrow.types.v1.Depositor")
            found.append(depositor(owner=payer, height=ctx.height, source=source, balance=coin))
    if missing > 0:
        raise unregistered("deposit invalid: insufficient balance")
    return found


def _parts(ctx: Context, owner: str, scope: int, source: int, denom: str, missing: int) -> Iterable[tuple[str, int]]:
    """(who pays, how much) from one source."""
    if source == GRANT:
        return deposit_grants.draw(ctx, owner, scope, denom, missing)
    have = bank.balance(ctx, owner, denom)
    return [(owner, min(missing, have))] if have else []


def register(registry: Registry) -> None:
    registry.message("akash.escrow.v1.MsgAccountDeposit", lambda msg: str(msg.signer), _deposit, _check)


def _check(msg: Any) -> None:
    if not is_address(msg.signer):
        raise registered("sdk", 7, "invalid signer")
    if msg.id.scope not in escrow.SCOPES:
        raise registered("escrow", 12, "invalid scope")
    parts = msg.id.xid.split("/")
    wanted = 2 if escrow.SCOPES[msg.id.scope] == "deployment" else 5
    if len(parts) != wanted or not is_address(parts[0]):
        raise registered("escrow", 12, "invalid xid format")
    if int(msg.deposit.amount.amount or 0) <= 0:
        raise registered("escrow", 16)
    check_sources(msg.deposit)


def _deposit(ctx: Context, msg: Any) -> None:
    depositors = collect(ctx, msg.signer, msg.id.scope, msg.deposit)
    escrow.deposit(ctx, (escrow.SCOPES[msg.id.scope], *msg.id.xid.split("/")), depositors)
