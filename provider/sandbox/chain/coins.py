"""Sets of coins as the SDK keeps them: sorted by denom, no zero, no denom twice."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from provider.chain.wire import message

from .genesis import Coins


def coins_of(wire: Iterable[Any]) -> Coins:
    """Just as a message names them, well formed or not."""
    return tuple((coin.denom, int(coin.amount or 0)) for coin in wire)


def coins_text(coins: Coins) -> str:
    return ",".join(f"{amount}{denom}" for denom, amount in coins)


def well_formed(coins: Coins) -> bool:
    """Positive, sorted, without repetition."""
    denoms = [denom for denom, _ in coins]
    return all(amount > 0 for _, amount in coins) and denoms == sorted(set(denoms))


def plus(left: Coins, right: Coins) -> Coins:
    """Zeros disappear; negative amounts stay and are the caller's to look at."""
    total: dict[str, int] = {}
    for denom, amount in (*left, *right):
        total[denom] = total.get(denom, 0) + amount
    return tuple((denom, amount) for denom, amount in sorted(total.items()) if amount)


def minus(left: Coins, right: Coins) -> Coins:
    return plus(left, tuple((denom, -amount) for denom, amount in right))


def short(coins: Coins) -> bool:
    """Was more taken away than there was?"""
    return any(amount < 0 for _, amount in coins)


def amount_of(coins: Coins, denom: str) -> int:
    return dict(coins).get(denom, 0)


def coin_wire(denom: str, amount: int) -> Any:
    return message("cosmos.base.v1beta1.Coin")(denom=denom, amount=str(amount))


def coins_wire(coins: Coins) -> list[Any]:
    return [coin_wire(denom, amount) for denom, amount in coins]
