"""Money is integers: decimal texts, rounding and coin lists as the chain has them."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from manifests.coins import E18, Coin, DecCoin, format_decimal, parse_coins, parse_decimal, quo, shown, trunc


@pytest.mark.parametrize(
    ("text", "e18"),
    [
        ("1", E18),
        ("12.5", 12 * E18 + E18 // 2),
        ("-0.4", -4 * 10**17),
        ("+5", 5 * E18),
        ("001", E18),
        ("0.000000000000000001", 1),
    ],
)
def test_decimals_are_read_exactly(text: str, e18: int) -> None:
    assert parse_decimal(text) == e18


@pytest.mark.parametrize("text", ["", ".5", "5.", "1e3", "1_000", "1,000", "0x10", " 1", "1.0000000000000000001", "１"])
def test_what_the_chain_would_not_read_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse_decimal(text)


@given(st.integers(-(10**40), 10**40))
def test_formatting_and_reading_are_inverse(e18: int) -> None:
    assert parse_decimal(format_decimal(e18)) == e18
    assert parse_decimal(shown(e18)) == e18


@given(st.integers(-(10**30), 10**30), st.integers(1, 10**12))
def test_quo_rounds_half_to_even(e18: int, divisor: int) -> None:
    with localcontext(prec=80):
        assert quo(e18, divisor) == int((Decimal(e18) / divisor).to_integral_value(ROUND_HALF_EVEN))
        assert quo(e18, -divisor) == -quo(e18, divisor)


@pytest.mark.parametrize(("e18", "whole"), [(1_999 * 10**15, 1), (-1_999 * 10**15, -1), (E18, 1), (0, 0)])
def test_truncation_is_towards_zero(e18: int, whole: int) -> None:
    assert trunc(e18) == whole


def test_bank_amounts() -> None:
    assert parse_coins("5uakt,7ibc/AB12") == (Coin("uakt", 5), Coin("ibc/AB12", 7))
    assert parse_coins("") == ()
    with pytest.raises(ValueError, match=r"denomination"):
        parse_coins("5")


def test_money_prints_for_people() -> None:
    assert str(Coin("uakt", 5)) == "5uakt"
    assert str(DecCoin("uact", 12 * E18 + E18 // 2)) == "12.5uact"
    assert shown(0) == "0"
