"""How single opinions become one answer; the opinions themselves are tested file by file."""

from __future__ import annotations

from typing import Any

from bidengine.reasons import Reason
from bidengine.rules import RULES, opinions, screen


def test_an_order_nobody_objects_to_is_let_through(make: Any) -> None:
    assert screen(make.order(), make.us()) is None


def test_the_most_telling_reason_is_reported_and_all_can_be_read(make: Any) -> None:
    order = make.order(make.group(make.unit(), attributes={"region": "eu"}))
    us = make.us(maintenance=True, denoms=["uakt"])
    assert [d.reason for d in opinions(order, us)] == [
        Reason.MAINTENANCE,
        Reason.DENOM_UNSUPPORTED,
        Reason.ATTRIBUTES_MISMATCH,
    ]
    told = screen(order, us)
    assert told is not None
    assert (told.reason, told.final) == (Reason.ATTRIBUTES_MISMATCH, False)


def test_one_final_objection_makes_the_answer_final(make: Any) -> None:
    order = make.order(make.group(make.unit(), attributes={"region": "eu"}), state="closed")
    told = screen(order, make.us())
    assert told is not None
    assert (told.reason, told.final) == (Reason.ATTRIBUTES_MISMATCH, True)


def test_each_rule_has_a_file_and_a_name_of_its_own() -> None:
    assert [r.__module__ for r in RULES] == [f"bidengine.rules.{r.__name__}" for r in RULES]
    assert len(set(RULES)) == len(RULES)
