from __future__ import annotations

from typing import Any

import pytest

from bidengine.reasons import Decline, Reason
from bidengine.rules.state import state


@pytest.mark.parametrize("now", ["active", "closed"])
def test_an_order_that_is_not_open_is_gone_for_good(make: Any, now: str) -> None:
    assert state(make.order(state=now), make.us()) == Decline(Reason.ORDER_GONE, f"the order is {now}", final=True)


def test_an_open_order_is_not(make: Any) -> None:
    assert state(make.order(), make.us()) is None
