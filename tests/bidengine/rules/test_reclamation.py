from __future__ import annotations

from typing import Any

import pytest

from bidengine.reasons import Reason
from bidengine.rules.reclamation import reclamation, window_to_offer


@pytest.mark.parametrize(
    ("demanded", "offered", "outcome"),
    [
        (None, 0, None),
        (None, 86_400, None),
        (7200, 7200, 7200),
        (7200, 86_400, 7200),  # as much as is demanded, no more
        (60, 86_400, 3600),  # the market's least
        (7200, 7199, "not final"),
        (7200, 0, "not final"),
        (2_592_001, 10**9, "final"),  # the market's most
    ],
)
def test_notice_demanded_and_offered(make: Any, demanded: int | None, offered: int, outcome: Any) -> None:
    order, us = make.order(window_s=demanded), make.us(window_s=offered)
    found = reclamation(order, us)
    if isinstance(outcome, str):
        assert found is not None
        assert (found.reason, found.final) == (Reason.RECLAMATION_UNSUPPORTED, outcome == "final")
    else:
        assert found is None
        assert window_to_offer(order, us) == outcome
