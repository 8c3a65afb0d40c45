"""What a person reads of an order that asks for more than room."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from bidengine.notation import parse_group
from bidengine.recorded import order_json
from bidengine.views import Order
from manifests.ids import OrderID
from manifests.resources import Attribute, Requirements, SignedBy
from provider.cli.ordertext import order_of, prices_of, row_json, tail_line, told
from provider.ledger.decisions import Link, OrderRow

ID = OrderID("akash1t", 7, 1, 1)


def row(**more: Any) -> OrderRow:
    spec = replace(
        parse_group("1cpu"),
        requirements=Requirements(
            SignedBy(all_of=("akash1a",), any_of=("akash1b", "akash1c")), (Attribute("tier", "x"),)
        ),
    )
    text = json.dumps(order_json(Order(ID, "open", spec, 5, 3600)))
    plain = OrderRow(ID, 5, 60, text, "skip.attributes", 6, "", "", None, "", None, None, None, None)
    return replace(plain, **more)


def test_everything_that_was_asked() -> None:
    lines = told(row(), [])
    assert lines[1:5] == [
        "asked   1cpu, at most 0uact per block",
        "        attributes tier=x",
        "        audited by all of akash1a",
        "        audited by any of akash1b, akash1c",
    ]
    assert "        notice of 3600 s before resources are taken back" in lines
    assert "  its decisions have been pruned" in lines


def test_rules_that_objected_are_listed() -> None:
    link = Link(ID, 6, 6, 1, 60, "skip.attributes", "no", "", "", {"rules": [{"code": "skip.denom", "detail": "uakt"}]})
    assert "    skip.denom: uakt" in told(row(), [link])
    assert tail_line(link) == "1970-01-01T00:01:00Z  height 6  akash1t/7/1/1  skip.attributes  no"


def test_without_a_price_there_is_nothing_to_compare() -> None:
    assert prices_of(row()) == (None, None)
    found = row_json(row())
    assert (found["price"], found["winner_price"], found["dearer_percent"]) == (None, None, None)
    against_nothing = row(denom="uact", price_e18=5, winner_price_e18=0)
    assert row_json(against_nothing)["dearer_percent"] is None


def test_what_was_not_noted_is_not_made_up() -> None:
    assert order_of(row(order_json="")) is None
    assert row_json(row(order_json="", time_unix_s=0))["asked"] == row_json(row(time_unix_s=0))["time"] == ""
