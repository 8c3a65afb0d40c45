"""One look at an order as it is kept and shown."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from bidengine.explain import Judged, cards, compared, dearer_percent, places, summary, verdicts
from bidengine.placement import Placement, Slot
from bidengine.quote import PriceLine, Quote
from bidengine.reasons import Decline, Reason
from bidengine.rules import RULES, opinions
from manifests.coins import E18, DecCoin


@pytest.fixture
def placement(make: Any) -> Placement:
    ask = make.ask()
    return Placement(
        (
            Slot(1, "n1", ask, make.h100),
            Slot(1, "n1", ask, make.h100),
            Slot(1, "n2", ask, make.h100),
            Slot(2, "n1", ask),
        )
    )


def test_replicas_on_one_node_are_told_together(placement: Placement) -> None:
    assert [str(place) for place in places(placement)] == [
        "unit 1: 2 on n1 with nvidia/h100/80Gi/sxm",
        "unit 1: 1 on n2 with nvidia/h100/80Gi/sxm",
        "unit 2: 1 on n1",
    ]


def test_cards_are_named_as_in_the_ledgers_spans(placement: Placement, make: Any) -> None:
    assert cards(placement) == make.h100.key()
    assert cards(Placement(placement.slots[3:])) == ""


def test_a_bid_is_summed_up_with_where_and_what_for(placement: Placement) -> None:
    line = PriceLine("unit 1 cpu", Fraction(2), "core", E18, Fraction(2))
    found = summary(Judged(None, (), placement, Quote(DecCoin("uact", 5 * E18), (line,))))
    assert found["price"] == ["unit 1 cpu: 2 core × 1 = 2 USD/month"]
    assert found["strategy"] == "tariff"
    assert len(found["placement"]) == 3


def test_one_objection_is_the_decision_itself_and_not_repeated() -> None:
    late, owner = Decline(Reason.MAX_BIDS_REACHED, "21", True), Decline(Reason.OWNER_DENIED, "own", True)
    assert summary(Judged(late, (late,))) == {}
    assert summary(Judged(owner, (late, owner)))["rules"] == [
        {"code": "skip.max_bids", "detail": "21"}, {"code": "skip.owner_denied", "detail": "own"},
    ]  # fmt: skip


def test_every_rule_has_its_say_by_name(make: Any) -> None:
    found = dict(verdicts(make.order(), make.us(bids=99)))
    assert len(found) == len(RULES)
    assert [name for name, no in found.items() if no is not None] == ["bids"]
    assert opinions(make.order(), make.us(bids=99)) == (found["bids"],)


@pytest.mark.parametrize(
    ("ours", "theirs", "percent", "words"),
    [
        (12, 9, Fraction(100, 3), "ours was 33.3 % higher"),
        (9, 12, Fraction(-25), "ours was 25.0 % lower"),
        (9, 9, Fraction(0), "the same price as ours"),
        (9, 0, None, "for nothing"),
    ],
)
def test_prices_compared(ours: int, theirs: int, percent: Fraction | None, words: str) -> None:
    assert dearer_percent(ours, theirs) == percent
    assert compared(ours, theirs) == words
