"""What a lease costs us: power, wear, fees and margin, by the card that runs."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest

from bidengine.quote import total
from bidengine.tariff.floor import floor_lines
from bidengine.tariff.terms import Floor
from manifests.coins import E18
from tests.bidengine.tariffs import dollars, on, usd

POWER = Floor(
    usd_per_kwh_e18=dollars("0.2"), cpu_watts_e18=10 * E18, gpu_watts_e18={"*": 100 * E18, "nvidia/a100": 400 * E18}
)


def cost(make: Any, floor: Floor, card: Any = None, **unit: Any) -> dict[str, Fraction]:
    spec = make.group(make.unit(**unit))
    return {line.what: line.usd_per_month for line in floor_lines(spec, on(make, spec, card), floor)}


def test_without_costs_there_is_no_floor(make: Any) -> None:
    assert cost(make, Floor(margin_e18=E18)) == {}


@pytest.mark.parametrize(
    ("floor", "unit", "wanted"),
    [
        pytest.param(POWER, {"cpu": 2000}, {"unit 1 power of cpu": "2.922"}, id="20 W for 730.5 hours"),
        pytest.param(Floor(cpu_usd_e18=E18, memory_usd_e18=E18 // 2), {"cpu": 500, "memory_gib": 4, "count": 2},
                     {"unit 1 cpu": "1", "unit 1 memory": "4"}, id="wear of cores and memory"),
        pytest.param(Floor(fees_usd_e18=dollars("0.02"), expected_lease_hours=24), {},
                     {"transaction fees": "0.60875"}, id="30.4375 leases of a day pay fees in a month"),
        pytest.param(Floor(fees_usd_e18=dollars("0.02"), expected_lease_hours=1461), {},
                     {"transaction fees": "0.01"}, id="a long lease pays half as often as a month"),
        pytest.param(Floor(cpu_usd_e18=10 * E18, margin_e18=dollars("0.25")), {},
                     {"unit 1 cpu": "10", "margin": "2.5"}, id="margin on all of it"),
    ],
)  # fmt: skip
def test_costs(make: Any, floor: Floor, unit: Any, wanted: dict[str, str]) -> None:
    assert cost(make, floor, **unit) == {what: Fraction(amount) for what, amount in wanted.items()}


def test_storage_costs_by_class(make: Any) -> None:
    floor = Floor(storage_usd_e18=usd(beta3="0.03", ephemeral="0.01"))
    found = cost(make, floor, storage=[make.volume(10), make.volume(20, "beta3"), make.volume(5, "beta1")])
    assert found == {"unit 1 storage ephemeral": Fraction("0.1"), "unit 1 storage beta3": Fraction("0.6")}


def test_the_card_that_runs_sets_the_cost(make: Any) -> None:
    floor = replace(POWER, cpu_watts_e18=0, gpu_usd_e18={"nvidia/*": 50 * E18})
    assert cost(make, floor, make.a100, gpu=2, models=["*"]) == {
        "unit 1 power of gpu nvidia/a100/80Gi/sxm": Fraction("116.88"),
        "unit 1 gpu nvidia/a100/80Gi/sxm": 100,
    }
    assert cost(make, floor, make.t4, gpu=2, models=["*"])["unit 1 power of gpu nvidia/t4/16Gi/pcie"] == Fraction(
        "29.22"
    )


def test_the_lines_say_how_they_come_about(make: Any) -> None:
    spec = make.group(make.unit(cpu=2000))
    (power,) = floor_lines(spec, on(make, spec), POWER)
    assert str(power) == "unit 1 power of cpu: 14.61 kWh × 0.2 = 2.922 USD/month"
    assert total((power,)) == Fraction("2.922")
