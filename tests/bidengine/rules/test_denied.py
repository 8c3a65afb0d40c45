from __future__ import annotations

from typing import Any

import pytest

from bidengine.owners import Entry, merged
from bidengine.reasons import Decline, Reason
from bidengine.rules.denied import denied

TENANT = "akash1tenant"


@pytest.mark.parametrize(
    ("entries", "told"),
    [
        ([], None),
        ([Entry("akash1other")], None),
        ([Entry(TENANT)], "the tenant is denied"),
        ([Entry(TENANT, None, "miner", "deny.txt")], "the tenant is denied: miner, listed in deny.txt"),
        ([Entry(TENANT, 1001)], "the tenant is denied: until 1970-01-01T00:16:41Z"),
        ([Entry(TENANT, 1000)], None),
        ([Entry(TENANT, 1000), Entry(TENANT, None, "again")], "the tenant is denied: again"),
    ],
    ids=["nobody", "another", "for good", "with a reason", "for a time", "the time is over", "over here, not there"],
)
def test_who_is_denied(make: Any, entries: list[Entry], told: str | None) -> None:
    found = denied(make.order(), make.us(denied=merged(entries), now_unix_s=1000))
    assert found == (told and Decline(Reason.OWNER_DENIED, told, final=False))
