from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provider.cluster.api.quantity import milli, whole


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1Gi", 1 << 30),
        ("1.5Gi", 3 << 29),
        ("1G", 10**9),
        ("1k", 1000),
        ("1e3", 1000),
        ("1E3", 1000),
        ("1E", 10**18),
        ("128974848", 128974848),
        (12, 12),
        ("0", 0),
        ("1500m", 2),
        ("1n", 1),
        (".5", 1),
    ],
)
def test_whole(text: object, expected: int) -> None:
    assert whole(text) == expected


@pytest.mark.parametrize(("text", "expected"), [("250m", 250), ("1.5", 1500), (2, 2000), ("100u", 1), ("1k", 10**6)])
def test_milli(text: object, expected: int) -> None:
    assert milli(text) == expected


@pytest.mark.parametrize("text", ["", "Gi", "1 Gi", "abc", "1/0", None, "1GiB"])
def test_what_is_no_quantity(text: object) -> None:
    with pytest.raises(ValueError):
        whole(text)


@settings(deadline=None)
@given(st.integers(min_value=0, max_value=1 << 60))
def test_whole_numbers_stay(number: int) -> None:
    assert whole(str(number)) == number
    assert whole(f"{number}Ki") == number << 10
    assert milli(f"{number}m") == number
