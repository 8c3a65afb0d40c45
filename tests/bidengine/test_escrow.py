from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bidengine.escrow import accrued, dry_at, dry_height, under
from bidengine.settlement import settle
from bidengine.views import Deposit, EscrowAccount, EscrowPayment
from manifests.coins import E18, Coin, DecCoin, parse_decimal
from manifests.ids import DeploymentID, LeaseID

D = DeploymentID("t", 1)


def account(*funds: tuple[str, int], at: int = 100) -> EscrowAccount:
    coins = tuple(DecCoin(denom, amount) for denom, amount in funds)
    return EscrowAccount(D, "open", at, coins, tuple(Deposit("t", at, "balance", c) for c in coins))


def payment(rate_e18: int, denom: str = "uact", gseq: int = 1, oseq: int = 1) -> EscrowPayment:
    return EscrowPayment(LeaseID("t", 1, gseq, oseq, "akash1p"), "open", DecCoin(denom, rate_e18), 0, 0, Coin(denom, 0))


def test_the_worked_example() -> None:
    """chain.md §5.7"""
    rates = [parse_decimal("12.345678"), parse_decimal("3.5")]
    assert dry_height(5_000_000 * E18, 1000, rates) == 316_544
    assert accrued(rates[0], 1000, 2000) == 12_345
    assert dry_height(4_984_155 * E18, 2000, rates) == 316_544


def test_the_exhaustion_that_a_node_showed() -> None:
    """chain-probes.md §6"""
    assert dry_height(1_000_000 * E18, 1092, [parse_decimal("60000.5"), 100_000 * E18]) == 1099
    assert accrued(parse_decimal("101.5"), 766, 829) == 6394


def test_the_numbers_of_the_reference_providers_test() -> None:
    """bidengine-inventory.md §16.5: at height 200 there are 199,900 blocks left, the next is the first unpaid."""
    assert dry_height(1_000_000 * E18, 100, [5 * E18]) == 200 + 199_900 + 1


@pytest.mark.parametrize(
    ("funds", "rates", "dry"),
    [
        (10 * E18, [], None),
        (10 * E18, [0], None),
        (0, [E18], 101),
        (-1, [E18], 100),
        (0, [parse_decimal("0.4")], 103),  # nothing is owed before a whole unit is
        (E18 // 2, [E18], 101),  # half a unit pays for no block
        (10 * E18, [1], 100 + 11 * E18),  # 10^-18 a block: found without walking there
        (500_000 * E18, [100_000 * E18], 106),  # the last funded block is paid in full (chain-probes.md "Escrow" 5)
    ],
)
def test_when_an_account_runs_dry(funds: int, rates: list[int], dry: int | None) -> None:
    assert dry_height(funds, 100, rates) == dry


FUNDS = st.integers(0, 10**7)
RATES = st.lists(st.integers(0, 10**20), max_size=4)


@settings(deadline=None)
@given(FUNDS, FUNDS, RATES, RATES)
def test_the_dry_height_is_the_first_that_overdraws(act: int, ibc: int, acts: list[int], ibcs: list[int]) -> None:
    """In whichever denomination comes first."""
    start = account(("uact", act * E18), ("ibc/1", ibc * E18))
    payments = [payment(rate, "uact", n + 1) for n, rate in enumerate(acts)]
    payments += [payment(rate, "ibc/1", n + 10) for n, rate in enumerate(ibcs)]
    dry = dry_at(start, payments)
    if dry is None:
        assert not any([*acts, *ibcs])
        return
    assert settle(start, payments, dry).overdrawn
    assert not settle(start, payments, dry - 1).overdrawn


def test_an_account_without_the_coin_of_a_lease_is_dry_at_once() -> None:
    assert dry_at(account(("uakt", 5 * E18)), [payment(E18)]) == 101
    assert dry_at(account(), [payment(E18)]) == 101


def test_what_no_longer_runs_does_not_draw_on_it() -> None:
    over = replace(payment(5 * E18), state="closed")
    assert dry_at(account(("uact", 10 * E18)), [over]) is None
    assert dry_at(account(("uact", 10 * E18)), [over, payment(E18, gseq=2)]) == 111


@pytest.mark.parametrize("state", ["open", "overdrawn", "closed"])
def test_an_account_that_pays_no_more_ran_dry_when_it_was_last_settled(state: str) -> None:
    owing = replace(account(("uact", -E18), ("uakt", 5 * E18), at=77), state=state)
    assert dry_at(owing, [payment(E18)]) == 77
    assert owing.wedged is (state == "open")


def test_keys_are_ordered_as_text() -> None:
    found = under(D, [payment(1, gseq=g, oseq=o) for g, o in ((2, 1), (10, 1), (1, 2), (1, 10))])
    assert [(p.lease.gseq, p.lease.oseq) for p in found] == [(1, 10), (1, 2), (10, 1), (2, 1)]
