from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bidengine.forecast import Escrow, escrows
from bidengine.tariff.currency import CoinPrice
from bidengine.views import Deposit, EscrowAccount, EscrowPayment
from bidengine.withdrawal import DRY_MARGIN_BLOCKS, QUIET_BLOCKS, Due, Terms, Why, fees_in, next_due
from manifests.coins import E18, Coin, DecCoin
from manifests.ids import DeploymentID, LeaseID

FIRST, SECOND, THEIRS = (
    LeaseID("t", 1, gseq, 1, by) for gseq, by in ((1, "akash1us"), (2, "akash1us"), (3, "akash1x"))
)
AKT = {"akt": CoinPrice(5 * 10**17, 10)}
TERMS = Terms(period_blocks=100, fee=Coin("uakt", 4), fee_multiple=0, prices=AKT)


def pays(lease: LeaseID, rate: int, balance: int = 0, denom: str = "uact") -> EscrowPayment:
    return EscrowPayment(lease, "open", DecCoin(denom, rate * E18), balance * E18, 0, Coin(denom, 0))


def escrow(funds: int, *payments: EscrowPayment, at: int = 0, denom: str = "uact") -> Escrow:
    coin = DecCoin(denom, funds * E18)
    account = EscrowAccount(DeploymentID("t", 1), "open", at, (coin,), (Deposit("t", at, "balance", coin),))
    return escrows([account], payments)[account.deployment]


def due(found: Escrow, height: int = 0, ours: Any = (FIRST, SECOND), **terms: Any) -> Due | None:
    return next_due(found, ours, height, replace(TERMS, **terms))


@pytest.mark.parametrize(
    ("payment", "terms", "expected"),
    [
        (pays(FIRST, 5), {}, Due(100, FIRST, Why.PERIOD)),
        (pays(FIRST, 5, balance=450), {}, Due(10, FIRST, Why.PERIOD)),  # another's withdrawal had settled ours
        (pays(FIRST, 5, balance=900), {}, Due(0, FIRST, Why.PERIOD)),
        (pays(FIRST, 5), {"fee_multiple": 100}, Due(40, FIRST, Why.WORTH)),  # 400uakt are 200uact
        (pays(FIRST, 5), {"fee_multiple": 10_000}, Due(100, FIRST, Why.PERIOD)),
        (pays(FIRST, 5, denom="uakt"), {"fee_multiple": 100}, Due(80, FIRST, Why.WORTH)),
        (pays(FIRST, 5, denom="ibc/1"), {"fee_multiple": 1}, Due(100, FIRST, Why.PERIOD)),
        (pays(FIRST, 5), {"fee_multiple": 1, "prices": {}}, Due(100, FIRST, Why.PERIOD)),
        (pays(FIRST, 5), {"fee_multiple": 1, "prices": {"akt": CoinPrice(E18, 7200)}}, Due(100, FIRST, Why.PERIOD)),
        (pays(FIRST, 5), {"fee": Coin("uakt", 2_000)}, Due(200, FIRST, Why.PERIOD)),  # a period's income is below it
        (pays(FIRST, 0), {}, None),
    ],
    ids=[
        "once a period", "less what is settled", "settled long ago", "threshold", "threshold above the period",
        "the fee's own coin", "a coin nobody prices", "no price", "an old price", "not for less than its fee", "free",
    ],
)  # fmt: skip
def test_when_income_is_collected(payment: EscrowPayment, terms: dict[str, Any], expected: Due | None) -> None:
    assert due(escrow(10**9, payment, denom=payment.rate.denom), **terms) == expected


def test_at_the_end_once_before_it_and_once_at_it() -> None:
    start = escrow(500, pays(FIRST, 5))
    early = 101 - DRY_MARGIN_BLOCKS
    assert due(start, period_blocks=10**6) == Due(early, FIRST, Why.NEARLY_DRY)
    settled = escrow(500 - 5 * early, pays(FIRST, 5), at=early)
    assert settled.dry_at == 101
    assert due(settled, early, period_blocks=10**6) == Due(101, FIRST, Why.DRY)


@pytest.mark.parametrize("period", [10**6, 1], ids=["nearly dry", "a period's income waits"])
def test_nothing_that_may_land_on_the_dry_height_is_sent_before_it(period: int) -> None:
    """Its gas would be that of a withdrawal, and closing the deployment takes three times as much."""
    start = escrow(500, pays(FIRST, 5))
    assert due(start, 101 - QUIET_BLOCKS, period_blocks=period) == Due(101, FIRST, Why.DRY)
    before = due(start, 101 - QUIET_BLOCKS - 1, period_blocks=period)
    assert before is not None
    assert before.why is not Why.DRY


def test_the_end_is_settled_for_the_lease_with_most_to_lose() -> None:
    found = due(escrow(500, pays(FIRST, 1), pays(SECOND, 9)), 30, period_blocks=10**6)
    assert found is not None
    assert (found.lease, found.urgent) == (SECOND, True)


def test_too_little_to_collect_early_still_ends_the_deployment() -> None:
    assert due(escrow(1, pays(FIRST, 1)), fee=Coin("uakt", 100), period_blocks=10**6) == Due(2, FIRST, Why.DRY)


def test_another_providers_lease_is_none_of_our_business_but_its_rate_is() -> None:
    assert due(escrow(10**6, pays(THEIRS, 5)), ours=(FIRST,)) is None
    found = due(escrow(1000, pays(FIRST, 1), pays(THEIRS, 49)), period_blocks=10**6)
    assert found == Due(21 - DRY_MARGIN_BLOCKS, FIRST, Why.NEARLY_DRY)


def test_two_leases_are_each_paid_once_a_period() -> None:
    """Paying one leaves the other's income settled and waiting, and nothing of its own."""
    after = escrow(10**6, pays(FIRST, 5), pays(SECOND, 5, balance=500), at=100)
    assert due(after, 100) == Due(100, SECOND, Why.PERIOD)
    later = escrow(10**6, pays(FIRST, 5, balance=10), pays(SECOND, 5), at=102)
    assert due(later, 102) == Due(200, FIRST, Why.PERIOD)


@pytest.mark.parametrize("state", ["closed", "overdrawn", "wedged"])
def test_what_pays_no_more_is_left_alone(state: str) -> None:
    start = escrow(10**6, pays(FIRST, 5))
    account = replace(start.account, state="open", funds=(DecCoin("uact", -1),))
    if state != "wedged":
        account = replace(start.account, state=state)
    assert due(Escrow(account, start.payments), 10**6) is None


@pytest.mark.parametrize(
    ("denom", "fees", "prices", "amount"),
    [
        ("uact", Coin("uakt", 5), AKT, 3),  # rounded up
        ("uakt", Coin("uakt", 5), {}, 5),
        ("uakt", Coin("uact", 5), AKT, 10),
        ("uact", Coin("uakt", 5), {"akt": CoinPrice(0, 1)}, None),
        ("ibc/1", Coin("uakt", 5), AKT, None),
    ],
)
def test_a_fee_in_another_coin(denom: str, fees: Coin, prices: dict[str, CoinPrice], amount: int | None) -> None:
    assert fees_in(denom, fees, replace(TERMS, prices=prices)) == amount


@settings(deadline=None)
@given(st.integers(1, 10**6), st.integers(0, 10**6), st.integers(0, 10**4), st.integers(1, 500), st.integers(0, 10**4))
def test_what_is_due_is_there_when_it_is_due(funds: int, rate: int, balance: int, period: int, fee: int) -> None:
    """A withdrawal is worth its fee when it is sent, but for the one that ends the deployment."""
    start = escrow(funds, pays(FIRST, rate, balance))
    found = due(start, period_blocks=period, fee=Coin("uact", fee), ours=(FIRST,))
    if found is None:
        assert rate == 0
        return
    assert start.dry_at is None or found.at <= start.dry_at
    if found.why is not Why.DRY:
        assert start.unpaid(FIRST, found.at + 1).amount >= fee
