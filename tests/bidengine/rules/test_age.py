from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bidengine.reasons import Reason
from bidengine.rules.age import age


@pytest.mark.parametrize(
    ("height", "blocks", "seconds", "told"),
    [
        (10_000, None, None, None),
        (110, 10, None, None),
        (111, 10, None, "11 blocks old, we take up to 10"),
        (110, None, 60, None),
        (111, None, 60, "about 66 s old, we take up to 60 s"),
        (111, 11, 60, "about 66 s old"),
        (100, 0, 0, None),
        (90, 0, 0, None),
    ],
    ids=["no limit", "at most", "one more", "seconds", "too many seconds", "both", "just made", "D4: never negative"],
)
def test_how_old_an_order_may_be(
    make: Any, height: int, blocks: int | None, seconds: int | None, told: str | None
) -> None:
    """Made at height 100, blocks of 6 s."""
    us = make.us(max_order_age_blocks=blocks, max_order_age_s=seconds)
    found = age(make.order(), replace(us, height=height))
    assert (found is None) is (told is None)
    if found is not None:
        assert (found.reason, found.final) == (Reason.ORDER_TOO_OLD, True)
        assert str(told) in found.detail
