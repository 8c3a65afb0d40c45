from __future__ import annotations

from typing import Any

import pytest

from bidengine.reasons import Reason
from bidengine.rules.quota import quota


@pytest.mark.parametrize(
    ("most", "promised", "declined"), [(None, 10_000, False), (3, 0, False), (3, 2, False), (3, 3, True), (3, 9, True)]
)
def test_one_tenant_gets_so_much_of_us(make: Any, most: int | None, promised: int, declined: bool) -> None:
    found = quota(make.order(), make.us(most_per_owner=most, promised_to_owner=promised))
    assert (found is not None) is declined
    if found is not None:
        assert (found.reason, found.final) == (Reason.QUOTA_REACHED, False)
        assert found.detail == f"the tenant has {promised} bids and leases with us, we allow 3 at a time"
