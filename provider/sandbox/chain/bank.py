"""Balances and transfers, with the four events every transfer leaves behind (chain-probes §3)."""

from __future__ import annotations

import re
from typing import Any

from provider.chain.wire import message

from . import paging
from .accounts import ensure
from .coins import coins_of, coins_text, well_formed
from .context import Context, Registry, View
from .errors import ChainError, QueryError, registered
from .events import EventLog
from .genesis import BLOCKED, Coins
from .ids import address_bytes, is_address
from .store import Layer, Reader

BALANCES = "balance"
_SUPPLY = "supply"
_DENOM = re.compile(r"[a-zA-Z][a-zA-Z0-9/:._-]{2,127}")


def is_denom(text: str) -> bool:
    return _DENOM.fullmatch(text) is not None


def balance(reader: Reader, address: str, denom: str) -> int:
    return reader.get(BALANCES, (address, denom)) or 0


def balances(reader: Reader, address: str) -> Coins:
    return tuple((key[1], amount) for key, amount in reader.scan(BALANCES, (address,)))


def credit(store: Layer, address: str, coins: Coins) -> None:
    for denom, amount in coins:
        total = balance(store, address, denom) + amount
        store.put(BALANCES, (address, denom), total or None)


def move(store: Layer, log: EventLog, sender: str, recipient: str, coins: Coins) -> None:
    """Takes from one and gives to the other; sdk 5 when the sender has too little."""
    for denom, amount in coins:
        have = balance(store, sender, denom)
        if have < amount:
            raise registered("sdk", 5, f"spendable balance {have}{denom} is smaller than {amount}{denom}")
    credit(store, sender, tuple((denom, -amount) for denom, amount in coins))
    ensure(store, recipient)
    credit(store, recipient, coins)
    amount_text = coins_text(coins)
    log.plain("coin_spent", ("spender", sender), ("amount", amount_text))
    log.plain("coin_received", ("receiver", recipient), ("amount", amount_text))
    log.plain("transfer", ("recipient", recipient), ("sender", sender), ("amount", amount_text))
    log.plain("message", ("sender", sender))


def send(ctx: Context, sender: str, recipient: str, denom: str, amount: int) -> None:
    """A transfer inside a message; zero moves nothing and leaves no event (chain-probes 4)."""
    if amount > 0:
        ctx.gas.use(8_000, "WriteFlat")
        move(ctx.store, ctx.log, sender, recipient, ((denom, amount),))


def supply(reader: Reader, denom: str) -> int:
    return reader.get(_SUPPLY, (denom,)) or 0


def issue(store: Layer, coins: Coins) -> None:
    """So much more is about; negative: less. Who has it is said by `credit`."""
    for denom, amount in coins:
        store.put(_SUPPLY, (denom,), supply(store, denom) + amount)


def mint(ctx: Context, module: str, denom: str, amount: int) -> None:
    """New coins for a module's account."""
    coins = ((denom, amount),)
    issue(ctx.store, coins)
    ensure(ctx.store, module)
    credit(ctx.store, module, coins)
    ctx.log.plain("coin_received", ("receiver", module), ("amount", coins_text(coins)))
    ctx.log.plain("coinbase", ("minter", module), ("amount", coins_text(coins)))


def burn(ctx: Context, module: str, denom: str, amount: int) -> None:
    """A module's own coins cease to be; sdk 5 when it has too little."""
    coins = ((denom, amount),)
    have = balance(ctx, module, denom)
    if have < amount:
        raise registered("sdk", 5, f"spendable balance {have}{denom} is smaller than {amount}{denom}")
    issue(ctx.store, ((denom, -amount),))
    credit(ctx.store, module, ((denom, -amount),))
    ctx.log.plain("coin_spent", ("spender", module), ("amount", coins_text(coins)))
    ctx.log.plain("burn", ("burner", module), ("amount", coins_text(coins)))


def register(registry: Registry) -> None:
    registry.message("cosmos.bank.v1beta1.MsgSend", lambda msg: str(msg.from_address), _send)
    service = "/cosmos.bank.v1beta1.Query"
    registry.query(f"{service}/Balance", _balance)
    registry.query(f"{service}/AllBalances", _all("cosmos.bank.v1beta1.QueryAllBalancesResponse"))
    registry.query(f"{service}/SpendableBalances", _all("cosmos.bank.v1beta1.QuerySpendableBalancesResponse"))
    registry.query(f"{service}/SendEnabled", _send_enabled)


def _send(ctx: Context, msg: Any) -> None:
    for name, address in (("from", msg.from_address), ("to", msg.to_address)):
        if not is_address(address):
            raise registered("sdk", 7, f"invalid {name} address: decoding bech32 failed")
    coins = coins_of(msg.amount)
    if not coins or not well_formed(coins):
        raise ChainError("sdk", 10, f"{coins_text(coins)}: invalid coins")
    for denom, _ in coins:
        if denom in ctx.genesis.params.send_disabled:
            raise registered("bank", 5, f"{denom} transfers are currently disabled")
    if msg.to_address in BLOCKED:
        raise registered("sdk", 4, f"{msg.to_address} is not allowed to receive funds")
    ctx.gas.use(16_000, "WriteFlat")
    move(ctx.store, ctx.log, msg.from_address, msg.to_address, coins)


def _balance(view: View, request: Any) -> Any:
    _known(request.address)
    amount = balance(view.state, request.address, request.denom)
    coin = message("cosmos.base.v1beta1.Coin")(denom=request.denom, amount=str(amount))
    return message("cosmos.bank.v1beta1.QueryBalanceResponse")(balance=coin)


def _all(response: str) -> Any:
    def answer(view: View, request: Any) -> Any:
        _known(request.address)
        coin = message("cosmos.base.v1beta1.Coin")
        rows = [
            (denom.encode(), coin(denom=denom, amount=str(n))) for denom, n in balances(view.state, request.address)
        ]
        page, found = paging.sdk_page(rows, request)
        return message(response)(balances=found, pagination=page)

    return answer


def _send_enabled(view: View, request: Any) -> Any:
    """Of the denoms named; of those with an entry of their own when none is named."""
    disabled, listed = view.genesis.params.send_disabled, view.genesis.params.send_enabled
    if request.denoms:
        found, page = [(denom, denom not in disabled) for denom in request.denoms], None
    else:
        rows = [(denom.encode(), (denom, denom not in disabled)) for denom in sorted({*disabled, *listed})]
        page, found = paging.sdk_page(rows, request)
    entry = message("cosmos.bank.v1beta1.SendEnabled")
    answer = message("cosmos.bank.v1beta1.QuerySendEnabledResponse")
    return answer(send_enabled=[entry(denom=denom, enabled=on) for denom, on in found], pagination=page)


def _known(address: str) -> None:
    try:
        address_bytes(address)
    except ValueError as wrong:
        raise QueryError("INVALID_ARGUMENT", f"invalid address: {wrong}") from None
