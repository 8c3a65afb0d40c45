from __future__ import annotations

from typing import Any

import pytest

from bidengine.owners import Entry, Owners, merged
from bidengine.reasons import Decline, Reason
from bidengine.rules.allowed import allowed

TENANT = "akash1tenant"


@pytest.mark.parametrize(
    ("owners", "told"),
    [
        (None, None),
        ({}, "the tenant is on no list of those we serve"),
        (merged([Entry("akash1other")]), "the tenant is on no list of those we serve"),
        (merged([Entry(TENANT)]), None),
        (merged([Entry(TENANT, 1001)]), None),
        (merged([Entry(TENANT, 1000, "trial")]), "the tenant was served trial, until 1970-01-01T00:16:40Z"),
    ],
    ids=["everybody", "an empty list", "another", "listed", "still listed", "no longer"],
)
def test_who_is_served(make: Any, owners: Owners | None, told: str | None) -> None:
    found = allowed(make.order(), make.us(allowed=owners, now_unix_s=1000))
    assert found == (told and Decline(Reason.OWNER_NOT_ALLOWED, told, final=False))
