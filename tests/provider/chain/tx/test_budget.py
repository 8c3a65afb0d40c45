"""An hour's fees, by the chain's time."""

from __future__ import annotations

from provider.chain.tx.budget import HOUR_NS, Budget


def test_what_was_spent_is_free_again_after_an_hour() -> None:
    budget = Budget(100)
    budget.spend("A", 60, 0)
    budget.spend("B", 30, HOUR_NS // 2)
    assert (budget.spent(HOUR_NS // 2), budget.left(HOUR_NS // 2)) == (90, 10)
    assert budget.left(HOUR_NS - 1) == 10
    assert budget.left(HOUR_NS) == 70
    assert budget.left(2 * HOUR_NS) == 100


def test_what_cost_nothing_is_given_back() -> None:
    budget = Budget(100)
    budget.spend("A", 60, 0)
    budget.refund("A")
    budget.refund("unknown")
    assert budget.left(1) == 100


def test_one_transaction_counts_once_however_often_it_is_told() -> None:
    budget = Budget(100)
    budget.spend("A", 60, 0)
    budget.spend("A", 60, 0)
    assert budget.left(1) == 40


def test_when_an_amount_fits() -> None:
    budget = Budget(100)
    assert budget.fits_at(100, 5) == 5
    budget.spend("A", 60, 10)
    budget.spend("B", 40, 20)
    assert budget.fits_at(1, 30) == 10 + HOUR_NS
    assert budget.fits_at(60, 30) == 10 + HOUR_NS
    assert budget.fits_at(61, 30) == 20 + HOUR_NS
    assert budget.fits_at(101, 30) == 20 + HOUR_NS, "never, but then it is known for sure"


def test_what_is_urgent_may_overdraw_it() -> None:
    budget = Budget(100)
    budget.spend("A", 160, 10)
    assert budget.left(20) == 0
    assert budget.fits_at(1, 20) == 10 + HOUR_NS


def test_without_a_budget_everything_fits() -> None:
    budget = Budget(None)
    budget.spend("A", 10**12, 1)
    assert budget.left(2) is None
    assert budget.fits_at(10**12, 2) == 2
