from __future__ import annotations

from typing import Any

import pytest

from bidengine.reasons import Decline, Reason
from bidengine.rules.attributes import attributes

OURS = {"region": "eu-west", "host": "akash", "feat/ssd": "true"}


@pytest.mark.parametrize(
    ("demanded", "lacking"),
    [
        ({}, ""),
        ({"region": "eu-west"}, ""),
        ({"ho*": "akash"}, ""),
        ({"feat/*": "true"}, ""),
        ({"*": "true"}, "*=true"),  # a star does not cross a slash
        ({"region": "eu-*"}, "region=eu-*"),  # values are no patterns
        ({"region": "eu-west", "tier": "community", "gpu": "yes"}, "tier=community, gpu=yes"),
    ],
)
def test_what_the_placement_demands(make: Any, demanded: dict[str, str], lacking: str) -> None:
    found = attributes(make.order(make.group(make.unit(), attributes=demanded)), make.us(OURS))
    assert found == (Decline(Reason.ATTRIBUTES_MISMATCH, f"we lack {lacking}", final=False) if lacking else None)
