"""Scaled integers: text and truncation."""

from __future__ import annotations

import pytest

from provider.sandbox.chain import dec


@pytest.mark.parametrize(
    ("wire", "text", "whole"),
    [
        ("12500000000000000000", "12.500000000000000000", 12),
        ("1", "0.000000000000000001", 0),
        ("", "0.000000000000000000", 0),
        ("-1500000000000000000", "-1.500000000000000000", -1),
        ("999999999999999999", "0.999999999999999999", 0),
    ],
)
def test_a_wire_amount_reads_prints_and_is_cut_towards_zero(wire: str, text: str, whole: int) -> None:
    assert dec.text(dec.parse(wire)) == text
    assert dec.truncate(dec.parse(wire)) == whole
    assert dec.of(3) == 3 * 10**18


@pytest.mark.parametrize(
    ("a", "b", "wanted"),
    [(7, 2, "3.5"), (1, 3, f"0.{'3' * 18}"), (2, 3, f"0.{'6' * 17}7"), (-2, 3, f"-0.{'6' * 17}7"), (-1, -4, "0.25")],
)
def test_a_quotient_has_eighteen_decimals(a: int, b: int, wanted: str) -> None:
    assert dec.text(dec.quo(dec.of(a), dec.of(b))).rstrip("0") == wanted.rstrip("0")


@pytest.mark.parametrize(("smallest", "wanted"), [(1, 0), (3, 2), (5, 2), (-1, 0), (-3, -2)])
def test_half_a_last_decimal_goes_to_the_even_one(smallest: int, wanted: int) -> None:
    assert dec.quo(smallest, dec.of(2)) == wanted
    assert dec.mul(smallest, dec.E18 // 2) == wanted
