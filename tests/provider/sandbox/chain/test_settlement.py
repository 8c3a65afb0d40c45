"""What is owed and who gets it: key order, truncation, text prefixes, and uakt standing in for uact (chain.md §5.3)."""

from __future__ import annotations

import random
from typing import Any

import pytest

from provider.chain.wire import message
from provider.sandbox.chain import bank, breaker
from provider.sandbox.chain.breaker import Status
from provider.sandbox.chain.context import Context, Registry
from provider.sandbox.chain.errors import ChainError
from provider.sandbox.chain.gas import UNLIMITED, Meter
from provider.sandbox.chain.genesis import ESCROW, Genesis
from provider.sandbox.chain.oracle import AGGREGATES, HEALTH
from provider.sandbox.chain.settlement import ACCOUNTS, OPEN, OVERDRAWN, PAYMENTS, settle
from provider.sandbox.chain.store import Layer, Store

E18 = 10**18
T = "T"
KEY = ("deployment", T, "7")


@pytest.fixture
def ctx() -> Context:
    """At height 110; minting is allowed and there is no price."""
    made = Context(Layer(Store().at(0)), 110, 0, Genesis.default({}), Registry(), Meter(UNLIMITED))
    bank.credit(made.store, ESCROW, (("uact", 10**9), ("uakt", 10**9)))
    halted(made, breaker.HEALTHY)
    return made


def halted(ctx: Context, level: int = breaker.HALT_CR) -> None:
    ctx.store.put("bme_status", (), Status(level, 0, 10))


def priced(ctx: Context, e18: int, healthy: bool = True) -> None:
    ctx.put(AGGREGATES, ("akt", "usd"), message(AGGREGATES.record)(denom="akt", twap=str(e18)))
    ctx.put(HEALTH, ("akt", "usd"), message(HEALTH.record)(denom="akt", is_healthy=healthy))


def account(*deposits: tuple[str, int], settled_at: int = 100) -> Any:
    made = message(ACCOUNTS.record)(id={"scope": 1, "xid": f"{T}/7"})
    made.state.state, made.state.settled_at = OPEN, settled_at
    for denom, amount in deposits:
        coin = {"denom": denom, "amount": str(amount * E18)}
        made.state.deposits.add(owner=T, source=1, balance=coin)
        found = next((f for f in made.state.funds if f.denom == denom), None)
        if found is None:
            made.state.funds.add(**coin)
            made.state.transferred.add(denom=denom, amount="0")
        else:
            found.amount = str(int(found.amount) + amount * E18)
    return made


def pay(ctx: Context, provider: str, rate_e18: int, dseq: str = "7", **state: Any) -> None:
    made = message(PAYMENTS.record)()
    made.state.owner, made.state.state = provider, state.get("state", OPEN)
    for coin in (made.state.rate, made.state.balance, made.state.unsettled, made.state.withdrawn):
        coin.denom, coin.amount = "uact", "0"
    made.state.rate.amount = str(rate_e18)
    made.state.unsettled.amount = str(state.get("unsettled", 0) * E18)
    ctx.put(PAYMENTS, ("deployment", T, dseq, "1", "1", provider), made)


def seen(payments: Any) -> list[tuple[str, int, int, int]]:
    """(provider, state, balance, unsettled) of each, in whole units"""
    return [
        (p.state.owner, p.state.state, int(p.state.balance.amount) // E18, int(p.state.unsettled.amount) // E18)
        for _, p in payments
    ]


def funds(found: Any) -> dict[str, int]:
    return {fund.denom: int(fund.amount) // E18 for fund in found.state.funds}


def test_everybody_is_credited_whole_units(ctx: Context) -> None:
    pay(ctx, "B", 15 * E18 // 10)
    pay(ctx, "A", 4 * E18 // 100)
    found = account(("uact", 100))
    payments, short = settle(ctx, KEY, found)
    assert (seen(payments), short) == ([("A", OPEN, 0, 0), ("B", OPEN, 15, 0)], False)
    assert (funds(found), found.state.settled_at) == ({"uact": 85}, 110)
    assert ctx.log.events == [], "nothing is paid out yet"


def test_the_first_in_key_order_is_served_first_and_all_are_paid_out(ctx: Context) -> None:
    for provider in ("B", "A"):
        pay(ctx, provider, 6 * E18)
    found = account(("uact", 70), ("uact", 30))
    payments, short = settle(ctx, KEY, found)
    assert (seen(payments), short) == ([("A", OVERDRAWN, 0, 0), ("B", OVERDRAWN, 0, 20)], True)
    assert (bank.balance(ctx, "A", "uact"), bank.balance(ctx, "B", "uact")) == (60, 40)
    assert (funds(found), found.state.state, list(found.state.deposits)) == ({"uact": -20}, OVERDRAWN, [])


def test_a_second_look_in_the_same_block_finds_nobody(ctx: Context) -> None:
    pay(ctx, "A", E18)
    found = account(("uact", 100))
    settle(ctx, KEY, found)
    assert settle(ctx, KEY, found) == ([], False)


def test_accounts_whose_ids_begin_alike_are_taken_for_one(ctx: Context) -> None:
    pay(ctx, "A", E18)
    pay(ctx, "B", E18, dseq="71")
    pay(ctx, "C", E18, dseq="8")
    payments, _ = settle(ctx, KEY, account(("uact", 100)))
    assert [owner for owner, *_ in seen(payments)] == ["A", "B"]


def test_debts_come_before_new_dues_and_are_cleared_when_paid(ctx: Context) -> None:
    pay(ctx, "B", E18, state=OVERDRAWN, unsettled=30)
    pay(ctx, "A", E18)
    payments, short = settle(ctx, KEY, account(("uact", 100)))
    assert (seen(payments), short) == ([("B", OPEN, 30, 0), ("A", OPEN, 10, 0)], False)


def test_a_closed_account_settles_nothing(ctx: Context) -> None:
    found = account(("uact", 100))
    found.state.state = 2
    with pytest.raises(ChainError) as no:
        settle(ctx, KEY, found)
    assert (no.value.codespace, no.value.code) == ("escrow", 2)


# While minting is halted (chain-probes "Escrow" 11).


def test_uakt_pays_what_is_short_and_wedges_the_account(ctx: Context) -> None:
    halted(ctx)
    priced(ctx, E18 // 5)
    pay(ctx, "A", 10 * E18)
    found = account(("uact", 70), ("uakt", 1_000))
    payments, short = settle(ctx, KEY, found)
    assert (seen(payments), short) == ([("A", OPEN, 70, 0)], False)
    assert bank.balance(ctx, "A", "uakt") == 150
    assert (funds(found), found.state.state) == ({"uact": -30, "uakt": 850}, OPEN)
    ctx.height += 10
    assert settle(ctx, KEY, found) == ([], True), "from now on it pays nothing"
    assert found.state.settled_at == 110


def test_too_little_uakt_pays_a_part_and_leaves_no_debt_in_uakt(ctx: Context) -> None:
    halted(ctx)
    priced(ctx, E18 // 5)
    pay(ctx, "A", 10 * E18)
    found = account(("uact", 70), ("uakt", 100))
    payments, short = settle(ctx, KEY, found)
    assert (seen(payments), short) == ([("A", OVERDRAWN, 0, 10)], True)
    assert (bank.balance(ctx, "A", "uact"), bank.balance(ctx, "A", "uakt")) == (70, 100)
    assert funds(found) == {"uact": -30, "uakt": 0}


def test_uakt_goes_to_the_first_until_it_is_used_up(ctx: Context) -> None:
    halted(ctx)
    priced(ctx, E18)
    for provider in ("A", "B", "C"):
        pay(ctx, provider, 10 * E18)
    payments, _ = settle(ctx, KEY, account(("uact", 50), ("uakt", 120)))
    assert seen(payments) == [("A", OVERDRAWN, 0, 0), ("B", OVERDRAWN, 0, 30), ("C", OVERDRAWN, 0, 100)]
    assert [bank.balance(ctx, p, "uakt") for p in ("A", "B", "C")] == [50, 70, 0]


@pytest.mark.parametrize(
    ("level", "price", "uakt"),
    [(breaker.WARNING, E18, 500), (breaker.HALT_CR, None, 500), (breaker.HALT_CR, 0, 500), (breaker.HALT_CR, E18, 0)],
    ids=["minting is allowed", "no price", "a bad price", "no uakt"],
)
def test_otherwise_an_account_runs_dry(ctx: Context, level: int, price: int | None, uakt: int) -> None:
    halted(ctx, level)
    if price is not None:
        priced(ctx, price or E18, healthy=bool(price))
    pay(ctx, "A", 10 * E18)
    deposits = [("uact", 70), ("uakt", uakt)] if uakt else [("uact", 70)]
    _, short = settle(ctx, KEY, account(*deposits))
    assert short
    assert bank.balance(ctx, "A", "uakt") == 0


def test_nothing_is_lost_whatever_happens(ctx: Context) -> None:
    """Deposits = what is left + what was credited, in both coins, over many random settlements."""
    chance = random.Random(7)
    halted(ctx)
    priced(ctx, 3 * E18 // 10)
    for round_ in range(200):
        ctx.store.changes.pop(PAYMENTS.name, None)
        before = {d: bank.balance(ctx, ESCROW, d) for d in ("uact", "uakt")}
        for provider in ("A", "B", "C")[: chance.randint(1, 3)]:
            pay(ctx, provider, chance.randint(1, 50 * E18))
        deposits = [
            ("uact", chance.randint(1, 900)),
            ("uakt", chance.randint(1, 900)),
            ("uact", chance.randint(1, 900)),
        ]
        found = account(*deposits)
        payments, _ = settle(ctx, KEY, found)
        credited = sum(int(p.state.balance.amount) + int(p.state.withdrawn.amount) * E18 for _, p in payments)
        left = {d: sum(int(e.balance.amount) for e in found.state.deposits if e.balance.denom == d) for d in before}
        total = {d: sum(amount for denom, amount in deposits if denom == d) * E18 for d in before}
        assert total["uact"] == left["uact"] + credited, round_
        paid = before["uakt"] - bank.balance(ctx, ESCROW, "uakt")
        assert 0 <= total["uakt"] - left["uakt"] - paid * E18 < len(payments) * E18, "fractions stay in escrow"
