from __future__ import annotations

from typing import Any

from bidengine.reasons import Decline, Reason
from bidengine.rules.bids import bids


def test_one_bid_more_than_the_parameter_says_fits(make: Any) -> None:
    assert bids(make.order(), make.us(bids=20)) is None
    assert bids(make.order(), make.us(bids=21)) == Decline(
        Reason.MAX_BIDS_REACHED, "21 bids are on the order, 21 fit", final=True
    )
