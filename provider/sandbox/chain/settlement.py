"""What an escrow account owes since it was last looked at, paid from its deposits to the micro-unit (chain.md §5.3).

Three oddities of the node are kept. It picks payments by the *text* of the account's id, so that settling dseq 902 also
settles the leases of dseq 9021. An account settled twice in a block has no open payments the second time. And an
account whose uakt stood in for uact while minting was halted is left with negative funds, after which every settlement
ends at once and pays nothing (chain-probes "Escrow" 11).
"""

from __future__ import annotations

from typing import Any

from . import bank, breaker, dec, oracle
from .context import Context, Table
from .dec import of, parse, truncate
from .errors import ChainError, panic, registered
from .genesis import ESCROW
from .store import Key

ACCOUNTS = Table("escrow_account", "akash.escrow.types.v1.Account")
PAYMENTS = Table("escrow_payment", "akash.escrow.types.v1.Payment")
OPEN, CLOSED, OVERDRAWN = 1, 2, 3

Payments = list[tuple[Key, Any]]


def settle(ctx: Context, key: Key, account: Any) -> tuple[Payments, bool]:
    """(the payments concerned, whether the money was short). Nothing is stored; what an overdrawn account owes stands
    in its payments' `unsettled`, and what they could get has been paid out.
    """
    state = account.state
    if state.state == CLOSED:
        raise registered("escrow", 2)
    if state.funds and parse(state.funds[0].amount) < 0:
        return [], True
    blocks = 0
    if state.state != OVERDRAWN:
        blocks = ctx.height - state.settled_at
        state.settled_at = ctx.height
    known = [(k, p) for k, p in PAYMENTS.scan(ctx, key, text=True)]
    payments = [(k, p) for k, p in known if p.state.state == OVERDRAWN]
    payments += [(k, p) for k, p in known if p.state.state == OPEN and blocks]
    dues = [_due(payment.state, blocks) for _, payment in payments]
    for (_, payment), due in zip(payments, dues, strict=True):
        _credit(account, payment.state, due)
    if _any_short(payments):
        _settle_in_uakt(ctx, account, payments)
    if not _any_short(payments):
        return payments, False
    state.state = OVERDRAWN
    for _, payment in payments:
        payment.state.state = OVERDRAWN
        pay_out(ctx, payment)
    return payments, True


def pay_out(ctx: Context, payment: Any) -> None:
    """Whole units of the balance go to the provider; the fraction stays."""
    state = payment.state
    units = truncate(parse(state.balance.amount))
    bank.send(ctx, ESCROW, state.owner, state.balance.denom, units)
    state.balance.amount = str(parse(state.balance.amount) - of(units))
    state.withdrawn.amount = str(int(state.withdrawn.amount or 0) + units)


def entry(field: Any, denom: str) -> Any:
    """The entry of this denom in `funds` or `transferred`, made when it is missing."""
    found = next((coin for coin in field if coin.denom == denom), None)
    return field.add(denom=denom, amount="0") if found is None else found


def add(coin: Any, amount: int) -> None:
    coin.amount = str(parse(coin.amount) + amount)


def _due(state: Any, blocks: int) -> int:
    if state.state != OVERDRAWN:
        return of(truncate(parse(state.rate.amount) * blocks))
    due = parse(state.unsettled.amount)
    state.unsettled.amount = "0"
    return due


def _credit(account: Any, state: Any, due: int) -> None:
    got = _draw(account, state.rate.denom, due)
    add(state.balance, got)
    state.state = OPEN if got == due else OVERDRAWN
    add(state.unsettled, due - got)


def _draw(account: Any, denom: str, due: int) -> int:
    """Takes up to `due` from the deposits of that denom, oldest first; used-up entries disappear. The funds go down by
    all of it, below zero by what is missing.
    """
    if not any(fund.denom == denom for fund in account.state.funds):
        raise panic(f'unknown denom "{denom}"')
    got, left = 0, []
    for deposit in account.state.deposits:
        have = parse(deposit.balance.amount)
        if deposit.balance.denom == denom:
            part = min(have, due - got)
            got, have = got + part, have - part
            deposit.balance.amount = str(have)
        if have:
            left.append(type(deposit).FromString(deposit.SerializeToString()))
    del account.state.deposits[:]
    account.state.deposits.extend(left)
    add(entry(account.state.transferred, denom), got)
    add(entry(account.state.funds, denom), -due)
    return got


def _any_short(payments: Payments) -> bool:
    return any(payment.state.state == OVERDRAWN for _, payment in payments)


def _settle_in_uakt(ctx: Context, account: Any, payments: Payments) -> None:
    """While minting is halted for want of collateral, uakt in the account pays what is short, at the oracle's price,
    straight to the providers. It carries no debt.
    """
    fund = next((fund for fund in account.state.funds if fund.denom == "uakt"), None)
    if fund is None or parse(fund.amount) <= 0:
        return
    if breaker.status(ctx, ctx.genesis.params.bme).status < breaker.HALT_CR:
        return
    try:
        price = oracle.price_e18(ctx, "uakt")
    except ChainError:
        return
    for _, payment in payments:
        state = payment.state
        missing = parse(state.unsettled.amount)
        if state.state != OVERDRAWN or not missing:
            continue
        needed = dec.quo(missing, price)
        got = _draw(account, "uakt", needed)
        if not got:
            continue
        if got < needed:
            entry(account.state.funds, "uakt").amount = "0"
        bank.send(ctx, ESCROW, state.owner, "uakt", truncate(got))
        left = missing - dec.mul(got, price)
        state.unsettled.amount = str(max(left, 0))
        if left <= 0:
            state.state = OPEN
        if got < needed:
            return
