from __future__ import annotations

from typing import Any

import pytest

from bidengine.reasons import Reason
from bidengine.rules.tee import tee


@pytest.mark.parametrize("ours", [{}, {"tee/type": "cpu"}], ids=["not published", "published"])
def test_it_is_declined_whatever_our_attributes_say(make: Any, ours: dict[str, str]) -> None:
    found = tee(make.order(make.group(make.unit(), attributes={"region": "eu", "tee/type": "cpu"})), make.us(ours))
    assert found is not None
    assert (found.reason, found.final) == (Reason.TEE_UNSUPPORTED, True)
    assert "(tee/type=cpu)" in found.detail
    assert ("take tee/type out of the provider's attributes" in found.detail) is bool(ours)


def test_others_are_no_matter_of_this_rule(make: Any) -> None:
    assert tee(make.order(make.group(make.unit(), attributes={"tee": "cpu"})), make.us({"tee/type": "cpu"})) is None
