"""What each kind of authorization demands of itself, and of the messages it is used for."""

from __future__ import annotations

from typing import Any

import pytest

from provider.chain.wire import message
from provider.sandbox.chain import authorizations
from provider.sandbox.chain.coins import coins_of
from provider.sandbox.chain.errors import ChainError

ZERO = {"denom": "uact", "amount": "0"}
DEPLOYMENT, BID = 1, 2


def coin(amount: int, denom: str = "uact") -> dict[str, str]:
    return {"denom": denom, "amount": str(amount)}


def deposit(*limits: dict[str, str], scopes: Any = (DEPLOYMENT,), old: Any = ZERO) -> Any:
    return message(authorizations.DEPOSIT)(scopes=scopes, spend_limit=old, spend_limits=limits)


def sending(*limits: dict[str, str], to: Any = ()) -> Any:
    return message(authorizations.SEND)(spend_limit=limits, allow_list=to)


CHECKED: dict[str, tuple[Any, tuple[str, int] | None]] = {
    "any message of a type": (message(authorizations.GENERIC)(msg="/x"), None),
    "deposits": (deposit(coin(5)), None),
    "deposits of both kinds": (deposit(coin(5), scopes=(DEPLOYMENT, BID)), None),
    "deposits without a limit left": (deposit(), None),
    "no scope": (deposit(coin(5), scopes=()), ("escrow", 17)),
    "scope zero": (deposit(coin(5), scopes=(0,)), ("escrow", 17)),
    "a scope of its own": (deposit(coin(5), scopes=(7,)), ("escrow", 17)),
    "the same scope twice": (deposit(coin(5), scopes=(BID, BID)), ("escrow", 17)),
    "without the old limit": (deposit(coin(5), old=None), ("sdk", 10)),
    "with an old limit": (deposit(coin(5), old=coin(1)), ("sdk", 10)),
    "limits out of order": (deposit(coin(5, "uakt"), coin(5, "uact")), ("sdk", 10)),
    "sending": (sending(coin(5, "uakt"), to=("x", "y")), None),
    "sending nothing": (sending(), ("sdk", 10)),
    "sending less than nothing": (sending(coin(-1)), ("sdk", 10)),
    "sending to one twice": (sending(coin(1), to=("x", "x")), ("bank", 8)),
}


@pytest.mark.parametrize(("authorization", "no"), CHECKED.values(), ids=CHECKED)
def test_an_authorization_is_checked_when_it_is_granted(authorization: Any, no: Any) -> None:
    if no is None:
        authorizations.check(authorization)
        return
    with pytest.raises(ChainError) as refused:
        authorizations.check(authorization)
    assert (refused.value.codespace, refused.value.code) == no


def top_up(amount: int, denom: str = "uact", scope: int = DEPLOYMENT) -> Any:
    return message("akash.escrow.v1.MsgAccountDeposit")(id={"scope": scope}, deposit={"amount": coin(amount, denom)})


def send(amount: int, to: str = "x") -> Any:
    return message("cosmos.bank.v1beta1.MsgSend")(to_address=to, amount=[coin(amount)])


USED: dict[str, tuple[Any, Any, Any]] = {
    # authorization, message -> (what is left, used up), or a refusal
    "any": (message(authorizations.GENERIC)(msg="/x"), send(1), (None, False)),
    "a part": (deposit(coin(5)), top_up(2), ((("uact", 3),), False)),
    "everything": (deposit(coin(5)), top_up(5), ((), True)),
    "one of two coins": (deposit(coin(5), coin(1, "uakt")), top_up(5), ((("uakt", 1),), False)),
    "too much": (deposit(coin(5)), top_up(6), ("sdk", 5)),
    "another coin": (deposit(coin(5)), top_up(1, "uakt"), ("sdk", 4)),
    "another scope": (deposit(coin(5)), top_up(1, scope=BID), ("escrow", 15)),
    "the old limit counts": (deposit(coin(5), old=coin(2)), top_up(6), ((("uact", 1),), False)),
    "sending a part": (sending(coin(5)), send(2), ((("uact", 3),), False)),
    "sending everything": (sending(coin(5)), send(5), ((), True)),
    "sending too much": (sending(coin(5)), send(6), ("sdk", 5)),
    "sending to one allowed": (sending(coin(5), to=("x",)), send(1), ((("uact", 4),), False)),
    "sending to another": (sending(coin(5), to=("y",)), send(1), ("sdk", 4)),
}


@pytest.mark.parametrize(("authorization", "msg", "wanted"), USED.values(), ids=USED)
def test_using_one_says_what_is_left(authorization: Any, msg: Any, wanted: Any) -> None:
    if isinstance(wanted[0], str):
        with pytest.raises(ChainError) as refused:
            authorizations.accept(authorization, msg)
        assert (refused.value.codespace, refused.value.code) == wanted
        return
    before = authorization.SerializeToString()
    accepted = authorizations.accept(authorization, msg)
    left = accepted.left
    if left is not None:
        left = coins_of(left.spend_limits if hasattr(left, "spend_limits") else left.spend_limit)
    assert (left, accepted.spent) == wanted
    assert authorization.SerializeToString() == before, "the authorization itself does not change"


def test_a_used_deposit_authorization_has_its_old_limit_in_uakt() -> None:
    """chain-probes 29"""
    left = authorizations.deducted(deposit(coin(5)), "uact", 5)
    assert (left.spend_limit.denom, left.spend_limit.amount, list(left.spend_limits)) == ("uakt", "0", [])
    assert coins_of(authorizations.deducted(left, "uact", -2).spend_limits) == (("uact", 2),)


@pytest.mark.parametrize(
    ("authorization", "url"),
    [
        (message(authorizations.GENERIC)(msg="/akash.market.v1beta5.MsgCloseBid"), "/akash.market.v1beta5.MsgCloseBid"),
        (sending(), "/cosmos.bank.v1beta1.MsgSend"),
        (deposit(), "/akash.escrow.v1.MsgAccountDeposit"),
    ],
)
def test_each_is_for_one_type_of_message(authorization: Any, url: str) -> None:
    assert authorizations.covers(authorization) == url
