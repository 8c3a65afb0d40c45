from __future__ import annotations

from typing import Any

from bidengine.reasons import Reason
from bidengine.rules.maintenance import maintenance


def test_paused_bidding_is_a_no_for_now(make: Any) -> None:
    found = maintenance(make.order(), make.us(maintenance=True))
    assert found is not None
    assert (found.reason, found.final) == (Reason.MAINTENANCE, False)
    assert maintenance(make.order(), make.us()) is None


def test_the_operators_reason_is_told(make: Any) -> None:
    found = maintenance(make.order(), make.us(maintenance=True, maintenance_why="new switches"))
    assert found is not None
    assert found.detail == "bidding is paused by the operator: new switches"
