"""What a grant allows: any message of one type, sending up to a limit, or paying deposits (chain.md §2.6,
chain-probes 29).

An authorization is a value here: `accept` never changes it but says what is left. Deposits are special: where money is
looked for (deposits.py) a grant may give less than is missing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from provider.chain.wire import message

from .coins import amount_of, coin_wire, coins_of, coins_wire, minus, plus, short, well_formed
from .errors import ChainError, registered
from .genesis import Coins

GENERIC = "cosmos.authz.v1beta1.GenericAuthorization"
SEND = "cosmos.bank.v1beta1.SendAuthorization"
DEPOSIT = "akash.escrow.v1.DepositAuthorization"
DEPOSIT_MSG = "/akash.escrow.v1.MsgAccountDeposit"
KNOWN = frozenset({GENERIC, SEND, DEPOSIT})


@dataclass(frozen=True, slots=True)
class Accepted:
    """`left` is the authorization afterwards, None when nothing changes; `spent` when it is used up."""

    left: Any = None
    spent: bool = False


def covers(authorization: Any) -> str:
    """The type URL of the messages it is for."""
    match authorization.DESCRIPTOR.full_name:
        case "cosmos.authz.v1beta1.GenericAuthorization":
            return str(authorization.msg)
        case "cosmos.bank.v1beta1.SendAuthorization":
            return "/cosmos.bank.v1beta1.MsgSend"
        case _:
            return DEPOSIT_MSG


def check(authorization: Any) -> None:
    """Its own stateless check."""
    match authorization.DESCRIPTOR.full_name:
        case "cosmos.bank.v1beta1.SendAuthorization":
            _check_send(authorization)
        case "akash.escrow.v1.DepositAuthorization":
            _check_deposit(authorization)


def accept(authorization: Any, msg: Any) -> Accepted:
    """May this message be executed? ChainError when not."""
    match authorization.DESCRIPTOR.full_name:
        case "cosmos.bank.v1beta1.SendAuthorization":
            return _accept_send(authorization, msg)
        case "akash.escrow.v1.DepositAuthorization":
            coin = msg.deposit.amount
            wanted = int(coin.amount or 0)
            if msg.id.scope not in authorization.scopes:
                raise registered("escrow", 15)
            if coin.denom not in dict(limits(authorization)):
                raise ChainError("sdk", 4, "unauthorized")
            if amount_of(limits(authorization), coin.denom) < wanted:
                raise ChainError("sdk", 5, "insufficient funds")
            left = deducted(authorization, coin.denom, wanted)
            return Accepted(left, spent=not left.spend_limits)
        case _:
            return Accepted()


def limits(authorization: Any) -> Coins:
    """What a deposit authorization still allows, its old single limit included."""
    old = coins_of([authorization.spend_limit] if authorization.HasField("spend_limit") else [])
    return plus(coins_of(authorization.spend_limits), old)


def deducted(authorization: Any, denom: str, amount: int) -> Any:
    """A deposit authorization after this much was used; a negative amount gives it back."""
    return message(DEPOSIT)(
        scopes=authorization.scopes,
        spend_limit=coin_wire("uakt", 0),
        spend_limits=coins_wire(minus(limits(authorization), ((denom, amount),))),
    )


def _check_send(authorization: Any) -> None:
    allowed = list(authorization.allow_list)
    coins = coins_of(authorization.spend_limit)
    if not coins:
        raise registered("sdk", 10, "spend limit cannot be nil")
    if not well_formed(coins):
        raise registered("sdk", 10, "spend limit must be positive")
    if len(set(allowed)) != len(allowed):
        raise registered("bank", 8)


def _accept_send(authorization: Any, msg: Any) -> Accepted:
    left = minus(coins_of(authorization.spend_limit), coins_of(msg.amount))
    if short(left):
        raise registered("sdk", 5, "requested amount is more than spend limit")
    if authorization.allow_list and msg.to_address not in authorization.allow_list:
        raise registered("sdk", 4, f"cannot send to {msg.to_address} address")
    updated = message(SEND)(spend_limit=coins_wire(left), allow_list=authorization.allow_list)
    return Accepted(updated, spent=not left)


def _check_deposit(authorization: Any) -> None:
    if not authorization.scopes:
        raise registered("escrow", 17, "empty scope")
    names = {0: "invalid", 1: "deployment", 2: "bid"}
    for at, scope in enumerate(authorization.scopes):
        name = names.get(scope, str(scope))
        if name in ("invalid", str(scope)):
            raise registered("escrow", 17, f'invalid scope "{name}"')
        if scope in authorization.scopes[:at]:
            raise registered("escrow", 17, f'duplicate scope "{name}"')
    old = authorization.spend_limit
    if not old.denom or int(old.amount or 0) < 0:
        raise registered("sdk", 10, "spend limit is not valid")
    if int(old.amount or 0):
        raise registered("sdk", 10, "spend limit is deprecated and must be zero")
    if not well_formed(coins_of(authorization.spend_limits)):
        raise registered("sdk", 10, "spend limits are not valid")
