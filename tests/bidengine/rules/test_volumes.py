from __future__ import annotations

from typing import Any

from bidengine.reasons import Decline, Reason
from bidengine.rules.volumes import volumes


def test_four_volumes_are_allowed_and_five_are_not(make: Any) -> None:
    four, five = ([make.volume(1)] * n for n in (4, 5))
    assert volumes(make.order(make.group(make.unit(storage=four))), make.us()) is None
    assert volumes(make.order(make.group(make.unit(1), make.unit(2, storage=five))), make.us()) == Decline(
        Reason.VOLUMES_EXCEEDED, "unit 2 has 5 volumes, we allow 4", final=False
    )
