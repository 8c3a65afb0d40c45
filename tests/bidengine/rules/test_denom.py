from __future__ import annotations

from typing import Any

from bidengine.reasons import Decline, Reason
from bidengine.rules.denom import denom


def test_only_what_we_take(make: Any) -> None:
    order = make.order(make.group(make.unit(denom="uakt")))
    assert denom(order, make.us(denoms=["uact", "uakt"])) is None
    assert denom(order, make.us(denoms=["uact"])) == Decline(
        Reason.DENOM_UNSUPPORTED, "the order pays in uakt, we take uact", final=False
    )
