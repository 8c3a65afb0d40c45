from __future__ import annotations

from typing import Any

from bidengine.placement import Placement, Slot


def test_the_card_of_a_unit_is_the_card_of_its_replicas(make: Any) -> None:
    ask = make.ask(gpu=1)
    placement = Placement((Slot(1, "a", make.ask()), Slot(2, "b", ask, make.a100), Slot(2, "c", ask, make.a100)))
    assert placement.gpu_of(1) is None
    assert placement.gpu_of(2) == make.a100
    assert placement.gpu_of(9) is None
