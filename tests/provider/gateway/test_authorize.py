"""The matrix: who may do what to which lease (gateway-auth.md §4)."""

from __future__ import annotations

import pytest

from provider.gateway.authorize import Unauthorized, authorize
from provider.gateway.claims import NOBODY, Access, Claims, DeploymentGrant, Permission, Scope

US, THEM = "akash1us", "akash1them"
LOGS, SHELL, STATUS = Scope.LOGS, Scope.SHELL, Scope.STATUS


def granular(*permissions: Permission) -> Claims:
    return Claims("akash1tenant", Access.GRANULAR, permissions=permissions)


def grant(dseq: int, *scope: Scope, services: str = "web", gseq: int = 0, oseq: int = 0) -> DeploymentGrant:
    return DeploymentGrant(dseq, frozenset(scope), frozenset(services.split()), gseq, oseq)


def deployments(*grants: DeploymentGrant, provider: str = US) -> Claims:
    return granular(Permission(provider, Access.GRANULAR, deployments=grants))


FULL = Claims("akash1tenant", Access.FULL)
SCOPED = Claims("akash1tenant", Access.SCOPED, frozenset({LOGS}))

CASES = {
    # claims, scope, (dseq, gseq, oseq) -> the services one is limited to, None for all, False for no
    "nobody": (NOBODY, LOGS, (7, 1, 1), False),
    "full": (FULL, LOGS, (7, 1, 1), None),
    "scope named": (SCOPED, LOGS, (7, 1, 1), None),
    "scope not named": (SCOPED, SHELL, (7, 1, 1), False),
    "full here": (granular(Permission(US, Access.FULL)), SHELL, (7, 1, 1), None),
    "full elsewhere": (granular(Permission(THEM, Access.FULL)), SHELL, (7, 1, 1), False),
    "scoped here": (granular(Permission(US, Access.SCOPED, frozenset({LOGS}))), LOGS, (7, 1, 1), None),
    "scoped here, another scope": (granular(Permission(US, Access.SCOPED, frozenset({LOGS}))), SHELL, (7, 1, 1), False),
    "two providers": (granular(Permission(THEM, Access.FULL), Permission(US, Access.FULL)), LOGS, (7, 1, 1), None),
    "deployment": (deployments(grant(7, LOGS)), LOGS, (7, 1, 1), {"web"}),
    "another deployment": (deployments(grant(7, LOGS)), LOGS, (8, 1, 1), False),
    "deployment elsewhere": (deployments(grant(7, LOGS), provider=THEM), LOGS, (7, 1, 1), False),
    "deployment, another scope": (deployments(grant(7, LOGS)), SHELL, (7, 1, 1), False),
    "that group": (deployments(grant(7, LOGS, gseq=2)), LOGS, (7, 2, 5), {"web"}),
    "another group": (deployments(grant(7, LOGS, gseq=2)), LOGS, (7, 1, 1), False),
    "another order": (deployments(grant(7, LOGS, gseq=1, oseq=1)), LOGS, (7, 1, 2), False),
    "a group's token at the deployment": (deployments(grant(7, LOGS, gseq=2, oseq=1)), LOGS, (7, 0, 0), {"web"}),
    "no deployment asked for": (deployments(grant(7, LOGS)), LOGS, (None, 0, 0), False),
    "grants add up": (
        deployments(grant(7, LOGS), grant(7, LOGS, STATUS, services="db", gseq=1), grant(7, SHELL, services="x")),
        LOGS,
        (7, 1, 1),
        {"web", "db"},
    ),
}


@pytest.mark.parametrize(("claims", "scope", "lease", "answer"), CASES.values(), ids=CASES)
def test_the_matrix(claims, scope, lease, answer) -> None:
    if answer is False:
        with pytest.raises(Unauthorized):
            authorize(claims, US, scope, *lease)
    else:
        assert authorize(claims, US, scope, *lease) == answer
