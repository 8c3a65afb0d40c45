"""Month and hour put together, without rounding."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bidengine.tariff.rates import Rates, Wrong, hourly, merged
from bidengine.tariff.schema import Priced
from manifests.coins import E18


def part(month: dict[str, Any], hour: dict[str, Any]) -> Priced:
    return Priced.model_validate({"usdPerMonth": month, "usdPerHour": hour})


def test_each_thing_stands_under_one_of_them() -> None:
    found = merged(
        part({"cpu": "1", "gpu": {"*": "5"}}, {"memoryGiB": "0.01", "gpu": {"nvidia/t4": "0.1"}}), (), Rates()
    )
    assert found == Rates(cpu=E18, memory=7305 * E18 // 1000, gpu={"*": 5 * E18, "nvidia/t4": 7305 * E18 // 100})


@pytest.mark.parametrize(
    ("month", "hour", "path"),
    [
        ({"ip": "1"}, {"ip": "1"}, ("usdPerHour", "ip")),
        ({"gpu": {"*": "1"}}, {"gpu": {"*": "1"}}, ("usdPerHour", "gpu", "*")),
    ],
)
def test_never_under_both(month: dict[str, Any], hour: dict[str, Any], path: tuple[str, ...]) -> None:
    with pytest.raises(Wrong) as bad:
        merged(part(month, hour), ("owners", "x"), Rates())
    assert bad.value.path == ("owners", "x", *path)


def test_what_a_part_leaves_out_is_taken_from_under_it() -> None:
    under = Rates(1, 2, {"ephemeral": 3}, {"*": 4}, 5, 6)
    assert merged(part({}, {}), (), under) == under
    over = merged(part({"cpu": "0", "storageGiB": {"ram": "1"}}, {}), (), under)
    assert over == Rates(0, 2, {"ephemeral": 3, "ram": E18}, {"*": 4}, 5, 6)


@settings(deadline=None)
@given(st.integers(0, 10**27))
def test_a_month_has_730_and_a_half_hours_exactly(usd_e18: int) -> None:
    if usd_e18 % 2:
        with pytest.raises(Wrong):
            hourly(usd_e18, ())
    else:
        assert Fraction(hourly(usd_e18, ()), usd_e18 or 1) in (0, Fraction(1461, 2))
