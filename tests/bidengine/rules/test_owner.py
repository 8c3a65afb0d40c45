from __future__ import annotations

from dataclasses import replace
from typing import Any

from bidengine.reasons import Reason
from bidengine.rules.owner import owner


def test_nobody_bids_on_his_own_order(make: Any) -> None:
    order = make.order()
    assert owner(order, make.us()) is None
    found = owner(replace(order, id=replace(order.id, owner=make.us_address)), make.us())
    assert found is not None
    assert (found.reason, found.final) == (Reason.OWNER_DENIED, True)
