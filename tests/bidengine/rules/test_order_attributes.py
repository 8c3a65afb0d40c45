from __future__ import annotations

from typing import Any

import pytest

from bidengine.reasons import Reason
from bidengine.rules.order_attributes import order_attributes


@pytest.mark.parametrize(
    ("wanted", "asked", "lacking"),
    [
        ({}, {}, None),
        ({}, {"region": "eu"}, None),
        ({"region": "eu"}, {"region": "eu", "tier": "x"}, None),
        ({"reg*": "eu"}, {"region": "eu"}, None),
        ({"region": "eu"}, {}, "region=eu"),
        ({"region": "eu"}, {"region": "us"}, "region=eu"),
        ({"region": "eu", "tier": "x"}, {"region": "eu"}, "tier=x"),
    ],
    ids=["no filter", "none wanted", "asked for", "by pattern", "not asked", "another value", "half"],
)
def test_only_orders_that_ask_for_it(
    make: Any, wanted: dict[str, str], asked: dict[str, str], lacking: str | None
) -> None:
    order = make.order(make.group(make.unit(), attributes=asked))
    found = order_attributes(order, make.us(order_attributes=make.attributes(wanted)))
    assert (found and found.detail) == (lacking and f"the order does not ask for {lacking}")
    if found is not None:
        assert (found.reason, found.final) == (Reason.ORDER_ATTRIBUTES, True)
