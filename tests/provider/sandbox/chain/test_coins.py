"""Sets of coins: sums, differences, and what is well formed."""

from __future__ import annotations

import pytest

from provider.sandbox.chain import coins

A5, A2, B3 = (("a", 5),), (("a", 2),), (("b", 3),)


@pytest.mark.parametrize(
    ("left", "right", "total", "rest"),
    [
        ((), (), (), ()),
        (A5, (), A5, A5),
        (A5, A2, (("a", 7),), (("a", 3),)),
        (A5, A5, (("a", 10),), ()),
        (B3, A2, (("a", 2), ("b", 3)), (("a", -2), ("b", 3))),
        (A2, A5, (("a", 7),), (("a", -3),)),
    ],
)
def test_sums_and_differences_are_sorted_and_without_zeros(
    left: coins.Coins, right: coins.Coins, total: coins.Coins, rest: coins.Coins
) -> None:
    assert coins.plus(left, right) == total
    assert coins.minus(left, right) == rest
    assert coins.short(coins.minus(left, right)) == any(amount < 0 for _, amount in rest)


@pytest.mark.parametrize(
    ("found", "fine"),
    [
        ((), True),
        ((("a", 1), ("b", 1)), True),
        ((("b", 1), ("a", 1)), False),
        ((("a", 1), ("a", 1)), False),
        ((("a", 0),), False),
        ((("a", -1),), False),
    ],
)
def test_well_formed_coins_are_positive_sorted_and_named_once(found: coins.Coins, fine: bool) -> None:
    assert coins.well_formed(found) is fine


def test_to_the_wire_and_back() -> None:
    found = (("uact", 12), ("uakt", 0))
    assert coins.coins_of(coins.coins_wire(found)) == found
    assert coins.coins_text(found) == "12uact,0uakt"
    assert coins.amount_of(found, "uact") == 12
    assert coins.amount_of(found, "ufoo") == 0
