"""What rules add and take: each a line of its own, in a fixed order, and all lines together are the price."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bidengine.quote import PriceLine, total
from bidengine.reasons import Decline
from bidengine.tariff.changes import lines
from bidengine.tariff.terms import Reclamation, Tariff
from manifests.coins import E18
from manifests.resources import SignedBy
from tests.bidengine.tariffs import HELM, dollars, group_a, on

PLAIN = Tariff(cpu_usd_e18=100 * E18, memory_usd_e18=0, storage_usd_e18={}, gpu_usd_e18={"*": 1000 * E18})
"""a core is 100 dollars, so shares read as dollars"""


def found(make: Any, tariff: Tariff, spec: Any = None, **more: Any) -> list[tuple[str, Fraction]]:
    spec = spec or make.group(make.unit())
    made = lines(spec, on(make, spec, make.a100), tariff, **more)
    assert not isinstance(made, Decline), made
    return [(line.what, line.usd_per_month) for line in made if not line.what.startswith("unit")]


def test_without_rules_the_rates_are_the_price(make: Any) -> None:
    assert found(make, PLAIN) == []
    a = group_a(make)
    made = lines(a, on(make, a, make.a100), HELM)
    assert not isinstance(made, Decline)
    assert total(made) == Fraction("2212.5")


ORDERED = {"tier": "premium", "region": "eu"}


@pytest.mark.parametrize(
    ("tariff", "spec", "more", "wanted"),
    [
        pytest.param({"attributes": {("tier", "premium"): dollars("1.25")}}, {"attributes": ORDERED}, {},
                     [("attribute tier=premium", 25)], id="an attribute the order demands"),
        pytest.param({"attributes": {("tier", "community"): dollars("0.5")}}, {"attributes": ORDERED}, {}, [],
                     id="another value of it"),
        pytest.param({"attributes": {("tier", "premium"): dollars("1.5"), ("region", "eu"): dollars("2")}},
                     {"attributes": ORDERED}, {}, [("attribute tier=premium", 50), ("attribute region=eu", 150)],
                     id="several, each on what is above it"),
        pytest.param({"signed_by": {"*": dollars("1.1"), "akash1x": dollars("1.3")}},
                     {"signed_by": SignedBy(any_of=("akash1x", "akash1y"))}, {}, [("audited by akash1x", 30)],
                     id="the dearest of the auditors named"),
        pytest.param({"signed_by": {"*": dollars("1.1")}}, {"signed_by": SignedBy(all_of=("akash1y",))}, {},
                     [("audited by any auditor", 10)], id="any auditor"),
        pytest.param({"signed_by": {"*": dollars("1.1")}}, {}, {}, [], id="no auditor is asked for"),
        pytest.param({"change_e18": -dollars("0.2")}, {}, {}, [("discount of the tenant", -20)], id="a discount"),
        pytest.param({"change_e18": dollars("0.1")}, {}, {}, [("markup of the tenant", 10)], id="a markup"),
        pytest.param({"reclamation": Reclamation(share_e18=dollars("0.01"))}, {}, {"reclamation_window_s": 86_400},
                     [("notice of 24 h", 24)], id="a premium in percent"),
        pytest.param({"reclamation": Reclamation(usd_e18=dollars("0.5"))}, {}, {"reclamation_window_s": 5400},
                     [("notice", Fraction("0.75"))], id="a premium in dollars, hours in part"),
        pytest.param({"reclamation": Reclamation(E18, E18)}, {}, {}, [], id="no notice, no premium"),
        pytest.param({"minimum_usd_e18": 130 * E18}, {}, {}, [("up to the minimum of a lease", 30)], id="the minimum"),
        pytest.param({"minimum_usd_e18": 100 * E18}, {}, {}, [], id="the minimum just met"),
        pytest.param({"minimum_usd_e18": 100 * E18, "change_e18": -dollars("0.2")}, {}, {},
                     [("discount of the tenant", -20), ("up to the minimum of a lease", 20)],
                     id="the minimum counts after a discount"),
        pytest.param({}, {}, {"factors_e18": {"cpu": dollars("1.04")}}, [("auto-pricing of cpu", 4)], id="a factor"),
        pytest.param({}, {}, {"factors_e18": {"nvidia/a100": dollars("2")}}, [], id="of what is not asked for"),
    ],
)  # fmt: skip
def test_a_rule_adds_its_line(make: Any, tariff: Any, spec: Any, more: Any, wanted: list[tuple[str, int]]) -> None:
    group = make.group(make.unit(), **spec)
    assert found(make, replace(PLAIN, **tariff), group, **more) == wanted


def test_auto_pricing_of_a_card_moves_that_card_alone(make: Any) -> None:
    spec = make.group(make.unit(gpu=2, models=["a100"]))
    made = lines(spec, on(make, spec, make.a100), PLAIN, factors_e18={"nvidia/a100": dollars("0.9"), "cpu": E18})
    assert not isinstance(made, Decline)
    assert made[-1] == PriceLine("auto-pricing of nvidia/a100", Fraction(-10), "%", 20 * E18, Fraction(-200))
    assert total(made) == 1900


@settings(deadline=None)
@given(st.data())
def test_rules_work_in_their_order_and_lines_add_up(make: Any, data: Any) -> None:
    """The price is the product of the factors, plus the premium, but not less than the minimum."""
    factor = st.integers(E18 // 100, 3 * E18)
    auto, tier, audit, change = (data.draw(factor) for _ in range(4))
    minimum, hours = data.draw(st.integers(0, 300 * E18)), data.draw(st.integers(0, 720))
    change = min(change, 2 * E18) - E18
    tariff = replace(
        PLAIN, attributes={("tier", "premium"): tier}, signed_by={"*": audit}, change_e18=change,
        reclamation=Reclamation(usd_e18=E18 // 2), minimum_usd_e18=minimum,
    )  # fmt: skip
    spec = make.group(make.unit(), attributes=ORDERED, signed_by=SignedBy(all_of=("akash1y",)))
    made = lines(spec, on(make, spec), tariff, factors_e18={"cpu": auto}, reclamation_window_s=3600 * hours)
    assert not isinstance(made, Decline)
    exact = Fraction(100 * auto * tier * audit * (E18 + change), E18**4) + Fraction(hours, 2)
    assert total(made) == max(exact, Fraction(minimum, E18))
    for line in made:
        shown = line.quantity * Fraction(line.rate_usd_e18, E18)
        assert line.what.startswith("up to") or abs(shown - line.usd_per_month) < Fraction(10**4, E18)
