"""Escrow accounts and payments: lazy settlement with the exact arithmetic of the real node, its hazards included
(chain.md §5, chain-probes §6).

Nothing moves until a message touches an account. Three ways money goes astray are kept on purpose: a second
settlement in one block finds no payments (withdraw panics, a close leaves the payment open), and a new lease drops
what the running ones had earned since the last settlement.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from provider.chain.wire import message

from . import bank
from .context import Context, Table
from .dec import of, parse, truncate
from .errors import panic, registered
from .genesis import ESCROW
from .store import Key

ACCOUNTS = Table("escrow_account", "akash.escrow.types.v1.Account")
PAYMENTS = Table("escrow_payment", "akash.escrow.types.v1.Payment")
OPEN, CLOSED, OVERDRAWN = 1, 2, 3
SCOPES = {1: "deployment", 2: "bid"}
_NUMBERS = {"deployment": 1, "bid": 2}
_ACCOUNT_PARTS = 3
"""parts of a deployment account's key; a payment's key goes on from there"""


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
    if account.state.state == OVERDRAWN:
        payments = _settle(ctx, key, account)
        if all(parse(payment.state.unsettled.amount) == 0 for _, payment in payments):
            _close(ctx, account, payments)
        else:
            _overdraw(ctx, account, payments)
        _save(ctx, key, account, payments)
    else:
        ctx.put(ACCOUNTS, key, account)


def close_account(ctx: Context, key: Key) -> None:
    """Settles, pays everybody, refunds the rest; or, when the money is short, overdraws. Either way the hooks hear of
    it.
    """
    account = _account(ctx, key)
    if account.state.state != OPEN:
        raise registered("escrow", 2 if account.state.state == CLOSED else 4)
    payments = _settle(ctx, key, account)
    if _short(payments):
        _overdraw(ctx, account, payments)
    else:
        _close(ctx, account, payments)
    _save(ctx, key, account, payments)
    _announce(ctx, account)


def open_payment(ctx: Context, key: Key, owner: str, rate: Any) -> None:
    """A lease starts to be paid. Settles the account first, but of that only the account is kept (chain-probes 10)."""
    account_key = key[:_ACCOUNT_PARTS]
    account = _account(ctx, account_key)
    if account.state.state == CLOSED:
        raise registered("escrow", 2)
    lost = _settle(ctx, account_key, account)
    if account.state.state == OVERDRAWN or _short(lost):
        raise registered("escrow", 4)
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
    settled = _settle_for(ctx, key)
    if settled is None:
        return
    account, payments = settled
    mine = dict(payments).get(key)
    if mine is None:
        aid = f'aid:<scope:{key[0]} xid:"{"/".join(key[1:_ACCOUNT_PARTS])}" >'
        raise panic(f'couldn\'t find payment {aid} xid:"{"/".join(key[_ACCOUNT_PARTS:])}" ')
    _pay(ctx, mine)
    _save(ctx, key[:_ACCOUNT_PARTS], account, payments)


def close_payment(ctx: Context, key: Key) -> None:
    """Settles and ends one payment; when the account was settled in this block already, the payment stays open
    (chain.md §5.6).
    """
    settled = _settle_for(ctx, key)
    if settled is None:
        return
    account, payments = settled
    mine = dict(payments).get(key)
    if mine is not None:
        _pay(ctx, mine)
        mine.state.state = CLOSED
    _save(ctx, key[:_ACCOUNT_PARTS], account, payments)


Payments = list[tuple[Key, Any]]


def _settle_for(ctx: Context, key: Key) -> tuple[Any, Payments] | None:
    """The account of one open payment, settled and not saved yet; None when that emptied it and closed everything."""
    _payment(ctx, key)
    account_key = key[:_ACCOUNT_PARTS]
    account = _account(ctx, account_key)
    if account.state.state != OPEN:
        raise registered("escrow", 2 if account.state.state == CLOSED else 4)
    payments = _settle(ctx, account_key, account)
    if not _short(payments):
        return account, payments
    _overdraw(ctx, account, payments)
    _save(ctx, account_key, account, payments)
    _announce(ctx, account)
    return None


def _account(ctx: Context, key: Key) -> Any:
    account = ACCOUNTS.get(ctx, key)
    if account is None:
        raise registered("escrow", 3)
    return account


def _payment(ctx: Context, key: Key) -> Any:
    payment = PAYMENTS.get(ctx, key)
    if payment is None:
        raise registered("escrow", 8)
    if payment.state.state != OPEN:
        raise registered("escrow", 7)
    return payment


def _settle(ctx: Context, key: Key, account: Any) -> Payments:
    """The payments concerned, with what they earned credited; shortfalls stand in `unsettled` (chain.md §5.3).

    The node selects payments by the *text* of the account's id: dseq 902 also settles, and pays for, the leases of
    dseq 9021 of the same owner (recorded in S9). So does this one.
    """
    frozen = account.state.state == OVERDRAWN
    blocks = 0 if frozen else ctx.height - account.state.settled_at
    if not frozen:
        account.state.settled_at = ctx.height
    payments = [
        (k, p)
        for k, p in PAYMENTS.scan(ctx, key, text=True)
        if p.state.state == OVERDRAWN or (p.state.state == OPEN and blocks)
    ]
    for _, payment in payments:
        state = payment.state
        if state.state == OVERDRAWN:
            due = parse(state.unsettled.amount)
        else:
            due = of(truncate(parse(state.rate.amount) * blocks))
            _add_funds(account, state.rate.denom, -due)
        got = _draw(account, state.rate.denom, due)
        state.balance.amount = str(parse(state.balance.amount) + got)
        state.unsettled.amount = str(due - got)
    return payments


def _short(payments: Payments) -> bool:
    return any(parse(payment.state.unsettled.amount) for _, payment in payments)


def _overdraw(ctx: Context, account: Any, payments: Payments) -> None:
    account.state.state = OVERDRAWN
    for _, payment in payments:
        payment.state.state = OVERDRAWN
        _pay(ctx, payment)
    _refund(ctx, account)


def _close(ctx: Context, account: Any, payments: Payments) -> None:
    account.state.state = CLOSED
    for _, payment in payments:
        payment.state.state = CLOSED
        _pay(ctx, payment)
    _refund(ctx, account)


def _save(ctx: Context, key: Key, account: Any, payments: Payments) -> None:
    ctx.put(ACCOUNTS, key, account)
    for payment_key, payment in payments:
        ctx.put(PAYMENTS, payment_key, payment)


def _announce(ctx: Context, account: Any) -> None:
    for hook in ctx.registry.account_closed:
        hook(ctx, account)


def _take_in(ctx: Context, account: Any, depositors: Sequence[Any]) -> None:
    for entry in depositors:
        bank.send(ctx, entry.owner, ESCROW, entry.balance.denom, truncate(parse(entry.balance.amount)))
        _add_funds(account, entry.balance.denom, parse(entry.balance.amount))
        _add_transferred(account, entry.balance.denom, 0)
        account.state.deposits.append(entry)


def _draw(account: Any, denom: str, due: int) -> int:
    """Takes up to `due` from the deposits of that denom, oldest first; used-up entries disappear."""
    got = 0
    left = []
    for entry in account.state.deposits:
        have = parse(entry.balance.amount)
        if entry.balance.denom == denom and got < due:
            part = min(have, due - got)
            got += part
            have -= part
            entry.balance.amount = str(have)
        if have:
            left.append(entry)
    kept = [type(entry).FromString(entry.SerializeToString()) for entry in left]
    del account.state.deposits[:]
    account.state.deposits.extend(kept)
    if got:
        _add_transferred(account, denom, got)
    return got


def _pay(ctx: Context, payment: Any) -> None:
    """Whole units of the balance go to the provider; the fraction stays."""
    state = payment.state
    units = truncate(parse(state.balance.amount))
    bank.send(ctx, ESCROW, state.owner, state.balance.denom, units)
    state.balance.amount = str(parse(state.balance.amount) - of(units))
    state.withdrawn.amount = str(int(state.withdrawn.amount or 0) + units)


def _refund(ctx: Context, account: Any) -> None:
    for entry in account.state.deposits:
        amount = parse(entry.balance.amount)
        bank.send(ctx, ESCROW, entry.owner, entry.balance.denom, truncate(amount))
        _add_funds(account, entry.balance.denom, -amount)
    del account.state.deposits[:]


def _add_funds(account: Any, denom: str, amount: int) -> None:
    for fund in account.state.funds:
        if fund.denom == denom:
            fund.amount = str(parse(fund.amount) + amount)
            return
    account.state.funds.add(denom=denom, amount=str(amount))


def _add_transferred(account: Any, denom: str, amount: int) -> None:
    for coin in account.state.transferred:
        if coin.denom == denom:
            coin.amount = str(parse(coin.amount) + amount)
            return
    account.state.transferred.add(denom=denom, amount=str(amount))
