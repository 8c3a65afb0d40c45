from __future__ import annotations

from dataclasses import replace

import pytest

from bidengine.forecast import Escrow, Forecast, escrows
from bidengine.views import Deposit, EscrowAccount, EscrowPayment
from manifests.coins import E18, Coin, DecCoin
from manifests.ids import DeploymentID, LeaseID

MINE, OTHER = LeaseID("t", 1, 1, 1, "akash1z"), LeaseID("t", 1, 1, 1, "akash1a")


def payment(lease: LeaseID, rate: int, balance_e18: int = 0) -> EscrowPayment:
    return EscrowPayment(lease, "open", DecCoin("uact", rate * E18), balance_e18, 0, Coin("uact", 0))


def escrow(funds: int, *payments: EscrowPayment, at: int = 0) -> Escrow:
    coin = DecCoin("uact", funds * E18)
    account = EscrowAccount(
        DeploymentID("t", 1), "open", at, (coin,), (Deposit("t", at, "balance", coin),) if funds > 0 else ()
    )
    return escrows([account], payments)[account.deployment]


@pytest.mark.parametrize(
    ("height", "unpaid"),
    [
        (0, 7),  # of the last settlement
        (10, 1007),
        (66, 6607),
        (67, 6650 + 7),  # dry: the other is served first and takes its 3350
        (300, 7),  # it takes all there is
    ],
)
def test_unpaid_is_what_is_settled_and_what_those_before_in_key_order_leave(height: int, unpaid: int) -> None:
    found = escrow(10_000, payment(MINE, 100, 7 * E18 + E18 // 2), payment(OTHER, 50))
    assert found.unpaid(MINE, height) == Coin("uact", unpaid)


def test_a_forecast_says_how_long_it_is_paid_and_what_is_lost_then() -> None:
    found = escrow(1000, payment(MINE, 5), at=50).forecast(MINE, 60)
    assert found == Forecast(MINE, DecCoin("uact", 5 * E18), Coin("uact", 50), 251, 190, wedged=False)
    assert found.seconds_left(6000) == 1140
    assert found.per_day_e18(6000) == 72_000 * E18


def test_a_dry_account_has_no_blocks_left() -> None:
    found = escrow(10, payment(MINE, 5)).forecast(MINE, 20)
    assert found is not None
    assert (found.dry_at, found.blocks_left, found.unpaid.amount) == (3, 0, 10)


def test_a_lease_that_costs_nothing_never_runs_dry() -> None:
    found = escrow(10, payment(MINE, 0)).forecast(MINE, 20)
    assert found is not None
    assert (found.dry_at, found.blocks_left, found.seconds_left(6000)) == (None, None, None)


def test_a_wedged_account_owes_nothing_more_than_it_had_settled() -> None:
    found = escrow(-10, payment(MINE, 5, 3 * E18), at=50).forecast(MINE, 60)
    assert found is not None
    assert (found.wedged, found.dry_at, found.blocks_left, found.unpaid.amount) == (True, 50, 0, 0)


@pytest.mark.parametrize("state", ["closed", "overdrawn"])
def test_only_an_open_payment_earns(state: str) -> None:
    found = escrow(100, replace(payment(MINE, 5), state=state))
    assert found.forecast(MINE, 20) is None
    assert found.unpaid(MINE, 20).amount == 0
    assert escrow(100).forecast(MINE, 20) is None


def test_each_account_gets_the_payments_it_settles() -> None:
    accounts = [EscrowAccount(DeploymentID("t", dseq), "open", 0, ()) for dseq in (1, 12)]
    longer = LeaseID("t", 12, 1, 1, "akash1a")
    found = escrows(accounts, [payment(longer, 1), payment(MINE, 1)])
    assert [p.lease for p in found[DeploymentID("t", 1)].payments] == [MINE, longer]
    assert [p.lease for p in found[DeploymentID("t", 12)].payments] == [longer]
