"""Whose a refusal is, and whether it is for ever."""

from __future__ import annotations

import pytest

from provider.cluster.health.causes import Cause, Whose
from provider.errors import Blame, Conflict, NotFound, Refused
from provider.market.leases.problem import Problem


@pytest.mark.parametrize(
    ("no", "cause", "whose", "final"),
    [
        (Refused("no", blame=Blame.TENANT), Cause.REFUSED, Whose.TENANT, True),
        (Refused("no", blame=Blame.OPERATOR), Cause.ADMISSION, Whose.PROVIDER, False),
        (Refused("no", blame=Blame.CLUSTER), Cause.ADMISSION, Whose.PROVIDER, False),
        (Refused("the tenant's, (422), invalid"), Cause.ADMISSION, Whose.PROVIDER, False),
        (NotFound("no"), Cause.ADMISSION, Whose.PROVIDER, False),
        (Conflict("no"), Cause.ADMISSION, Whose.PROVIDER, False),
    ],
)
def test_only_what_is_known_to_be_the_tenants_is_told_as_theirs(
    no: Refused, cause: Cause, whose: Whose, final: bool
) -> None:
    problem = Problem.of(no)
    assert (problem.why, problem.cause, problem.cause.whose, problem.final) == (str(no), cause, whose, final)
