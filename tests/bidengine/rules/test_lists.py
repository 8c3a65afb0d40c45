from __future__ import annotations

from typing import Any

from bidengine.reasons import Decline, Reason
from bidengine.rules.lists import lists


def test_a_required_list_that_was_never_loaded_stops_bidding(make: Any) -> None:
    assert lists(make.order(), make.us()) is None
    assert lists(make.order(), make.us(unknown=("https://a.test/deny",))) == Decline(
        Reason.LISTS_UNKNOWN, "required and never loaded: https://a.test/deny", final=False
    )
