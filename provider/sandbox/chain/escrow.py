"""Escrow accounts and payments: what each message does to them (chain.md §5, chain-probes §6). The arithmetic is in
settlement.py.

Nothing moves until a message touches an account. Ways in which money goes astray are kept on purpose: a second
settlement in one block finds no payments (withdraw panics, a close leaves the payment open), and a new lease drops
what the running ones had earned since the last settlement.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from provider.chain.wire import message

from . import bank, deposit_grants
from .context import Context
from .dec import parse, truncate
from .errors import ChainError, panic, registered
from .genesis import ESCROW
from .settlement import ACCOUNTS, CLOSED, OPEN, OVERDRAWN, PAYMENTS, Payments, add, entry, pay_out, settle
from .store import Key

SCOPES = {1: "deployment", 2: "bid"}
_NUMBERS = {"deployment": 1, "bid": 2}
_ACCOUNT_PARTS = 3
"""parts of a deployment account's key; a payment's key goes on from there"""
GRANT = 2
"""source of a deposit that somebody else had granted"""
_ENDED = (CLOSED, OVERDRAWN)


def open_account(ctx: Context, key: Key, owner: str, depositors: Sequence[Any]) -> None:
    if ACCOUNTS.get(ctx, key) is not None:
        raise registered("escrow", 1)
    account = message(ACCOUNTS.record)()
    account.id.scope, account.id.xid = _NUMBERS[key[0]], "/".join(key[1:])
    account.state.owner, account.state.state, account.state.settled_at = owner, OPEN, ctx.height
    _take_in(ctx, account, depositors)
    ctx.put(ACCOUNTS, key, account)


def deposit(ctx: Context, key: Key, depositors: Sequence[Any]) -> None:
    """Adds funds; an overdrawn account pays its debts with them at once, and closes when all are paid (chain-probes
    7–8).
    """
    account = _account(ctx, key)
    if account.state.state == CLOSED:
        raise registered("escrow", 2)
    _take_in(ctx, account, depositors)
    if account.state.state != OVERDRAWN:
        ctx.put(ACCOUNTS, key, account)
        return
    payments, short = settle(ctx, key, account)
    _end(ctx, payments)
    if not short:
        account.state.state = CLOSED
    _save(ctx, key, account, payments)


def close_account(ctx: Context, key: Key) -> None:
    """Settles, pays everybody, refunds the rest; or, when the money is short, overdraws. Either way the hooks hear of
    it.
    """
    account = _account(ctx, key)
    payments, _ = settle(ctx, key, account)
    if account.state.state == OPEN:
        account.state.state = CLOSED
    _end(ctx, payments)
    _save(ctx, key, account, payments)


def open_payment(ctx: Context, key: Key, owner: str, rate: Any) -> None:
    """A lease starts to be paid. Settles the account first, but of that only the account is kept (chain-probes 10)."""
    account_key = key[:_ACCOUNT_PARTS]
    account = _account(ctx, account_key)
    _, short = settle(ctx, account_key, account)
    if short:
        raise registered("escrow", 4)
    if not any(fund.denom == rate.denom for fund in account.state.funds):
        raise registered("escrow", 5)
    if not parse(rate.amount):
        raise registered("escrow", 9)
    if PAYMENTS.get(ctx, key) is not None:
        raise registered("escrow", 6)
    payment = message(PAYMENTS.record)()
    payment.id.aid.CopyFrom(account.id)
    payment.id.xid = "/".join(key[_ACCOUNT_PARTS:])
    state = payment.state
    state.owner, state.state = owner, OPEN
    state.rate.CopyFrom(rate)
    for coin in (state.balance, state.unsettled, state.withdrawn):
        coin.denom, coin.amount = rate.denom, "0"
    ctx.put(ACCOUNTS, account_key, account)
    ctx.put(PAYMENTS, key, payment)


def withdraw(ctx: Context, key: Key) -> None:
    """Pays one payment what it has earned. On a dry account this closes everything instead, and is still a success."""
    account_key = key[:_ACCOUNT_PARTS]
    account = _account(ctx, account_key)
    if _payment(ctx, key).state.state != OPEN:
        raise registered("escrow", 7)
    payments, short = settle(ctx, account_key, account)
    if not short:
        mine = dict(payments).get(key)
        if mine is None:
            aid = f'aid:<scope:{key[0]} xid:"{"/".join(key[1:_ACCOUNT_PARTS])}" >'
            raise panic(f'couldn\'t find payment {aid} xid:"{"/".join(key[_ACCOUNT_PARTS:])}" ')
        pay_out(ctx, mine)
    _save(ctx, account_key, account, payments)


def close_payment(ctx: Context, key: Key) -> None:
    """Settles and ends one payment; when the account was settled in this block already, the payment stays open
    (chain.md §5.6).
    """
    account_key = key[:_ACCOUNT_PARTS]
    account = _account(ctx, account_key)
    if _payment(ctx, key).state.state == CLOSED:
        raise registered("escrow", 7)
    payments, _ = settle(ctx, account_key, account)
    _end(ctx, [(k, payment) for k, payment in payments if k == key])
    _save(ctx, account_key, account, payments)


def try_close_payment(ctx: Context, key: Key) -> None:
    """The same where the node does not mind a refusal."""
    try:
        close_payment(ctx, key)
    except ChainError as no:
        if no.ends_tx:
            raise


def _account(ctx: Context, key: Key) -> Any:
    account = ACCOUNTS.get(ctx, key)
    if account is None:
        raise registered("escrow", 3)
    return account


def _payment(ctx: Context, key: Key) -> Any:
    payment = PAYMENTS.get(ctx, key)
    if payment is None:
        raise registered("escrow", 8)
    return payment


def _end(ctx: Context, payments: Payments) -> None:
    """Those that got all they were due are closed; each is paid out."""
    for _, payment in payments:
        if payment.state.state == OPEN:
            payment.state.state = CLOSED
        pay_out(ctx, payment)


def _save(ctx: Context, key: Key, account: Any, payments: Payments) -> None:
    """What has ended tells the hooks, the account first, which also gives back what is left."""
    if account.state.state in _ENDED:
        _refund(ctx, account)
    ctx.put(ACCOUNTS, key, account)
    if account.state.state in _ENDED:
        for hook in ctx.registry.account_closed:
            hook(ctx, account)
    for payment_key, payment in payments:
        ctx.put(PAYMENTS, payment_key, payment)
        if payment.state.state in _ENDED:
            for hook in ctx.registry.payment_closed:
                hook(ctx, payment)


def _take_in(ctx: Context, account: Any, depositors: Sequence[Any]) -> None:
    """A debt is forgotten here; the payments still know it."""
    for depositor in depositors:
        coin = depositor.balance
        fund = entry(account.state.funds, coin.denom)
        entry(account.state.transferred, coin.denom)
        if parse(fund.amount) < 0:
            fund.amount = "0"
        bank.send(ctx, depositor.owner, ESCROW, coin.denom, truncate(parse(coin.amount)))
        add(fund, parse(coin.amount))
        account.state.deposits.append(depositor)


def _refund(ctx: Context, account: Any) -> None:
    """Deposit by deposit, to whoever paid it; a grant may then be used again."""
    for depositor in account.state.deposits:
        denom, amount = depositor.balance.denom, parse(depositor.balance.amount)
        bank.send(ctx, ESCROW, depositor.owner, denom, truncate(amount))
        if depositor.source == GRANT:
            deposit_grants.give_back(ctx, depositor.owner, account.state.owner, denom, truncate(amount))
        add(entry(account.state.funds, denom), -amount)
    del account.state.deposits[:]
