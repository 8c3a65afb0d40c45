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


@pytest.mark.parametrize(("scaled", "divisor", "wanted"), [(7, 2, 4), (5, 2, 2), (3, 2, 2), (10, 3, 3), (11, 3, 4)])
def test_a_quotient_is_rounded_half_to_even(scaled: int, divisor: int, wanted: int) -> None:
    assert dec.quo(scaled, divisor) == wanted
