from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provider.sandbox.cluster.quantity import canonical, milli, parse, whole

CANONICAL = {
    "binary grows to the next suffix": ("1024Mi", "1Gi"),
    "a binary fraction takes the suffix below": ("1.5Gi", "1536Mi"),
    "binary stays binary": ("1000Mi", "1000Mi"),
    "below 1024 there is no binary suffix": ("0.5Ki", "512"),
    "binary of nothing": ("0Gi", "0"),
    "part of a byte is not rounded away": ("1.1Ki", "1126400m"),
    "a plain number is decimal": ("1024", "1024"),
    "thousands": ("1000", "1k"),
    "thousandths that make a whole": ("1000m", "1"),
    "thousandths that do not": ("1500m", "1500m"),
    "a fraction becomes thousandths": (".5", "500m"),
    "the exponent form stays": ("12e6", "12e6"),
    "exponents go by three": ("1500E3", "1500e3"),
    "a small exponent is written out": ("1e2", "100"),
    "an E alone is a suffix": ("1E", "1E"),
    "below zero": ("-1.5", "-1500m"),
    "a number": (5, "5"),
    "a fraction of a number": (0.5, "500m"),
    "spaces around it": (" 1Gi ", "1Gi"),
}


@pytest.mark.parametrize(("given_", "kept"), CANONICAL.values(), ids=CANONICAL)
def test_canonical(given_: object, kept: str) -> None:
    assert canonical(given_) == kept


@pytest.mark.parametrize("text", ["", "Gi", "1 Gi", "1ki", "1GiB", "0x1", "1/2", "much", "1e", True, None])
def test_what_is_no_quantity(text: object) -> None:
    with pytest.raises(ValueError, match="regular expression"):
        parse(text)


@pytest.mark.parametrize(
    ("text", "thousandths", "units"),
    [
        ("1", 1000, 1),
        ("1500m", 1500, 2),
        ("100u", 1, 1),
        ("-1500m", -1500, -2),
        ("-100u", -1, -1),
        ("1Ki", 1024000, 1024),
    ],
)
def test_rounding_goes_away_from_zero(text: str, thousandths: int, units: int) -> None:
    assert (milli(text), whole(text)) == (thousandths, units)


@given(st.integers(-(10**18), 10**18), st.sampled_from(["", "m", "k", "M", "G", "Ki", "Mi", "Gi", "e3", "e-3"]))
def test_the_canonical_form_says_the_same_and_stays(number: int, suffix: str) -> None:
    kept = canonical(f"{number}{suffix}")
    assert parse(kept) == parse(f"{number}{suffix}")
    assert canonical(kept) == kept


def test_values_are_exact() -> None:
    assert parse("0.1") == Fraction(1, 10)
    assert parse("1Ei") == 1 << 60
