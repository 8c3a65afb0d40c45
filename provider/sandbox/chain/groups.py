"""Deployments and their groups as records, and the steps their states can take."""

from __future__ import annotations

from typing import Any

from .context import Context, Table
from .errors import registered
from .ids import deployment_key, group_key

DEPLOYMENTS = Table("deployment", "akash.deployment.v1.Deployment")
GROUPS = Table("group", "akash.deployment.v1beta4.Group")
ACTIVE, CLOSED = 1, 2
GROUP_OPEN, GROUP_PAUSED, GROUP_INSUFFICIENT_FUNDS, GROUP_CLOSED = 1, 2, 3, 4
_EVENTS = {
    GROUP_OPEN: "EventGroupStarted",
    GROUP_PAUSED: "EventGroupPaused",
    GROUP_INSUFFICIENT_FUNDS: "EventGroupClosed",
    GROUP_CLOSED: "EventGroupClosed",
}


def find_deployment(ctx: Context, i: Any) -> Any:
    """deployment 4 when unknown, 5 when closed."""
    found = DEPLOYMENTS.get(ctx, deployment_key(i))
    if found is None:
        raise registered("deployment", 4)
    if found.state != ACTIVE:
        raise registered("deployment", 5)
    return found


def find_group(ctx: Context, i: Any) -> Any:
    """deployment 14 when unknown, 15 when it has ended."""
    found = GROUPS.get(ctx, group_key(i))
    if found is None:
        raise registered("deployment", 14)
    if found.state in (GROUP_CLOSED, GROUP_INSUFFICIENT_FUNDS):
        raise registered("deployment", 15)
    return found


def set_group(ctx: Context, group: Any, state: int) -> None:
    """The event of insufficient funds is that of closing."""
    group.state = state
    ctx.put(GROUPS, group_key(group.id), group)
    ctx.log.typed(f"akash.deployment.v1.{_EVENTS[state]}", id=group.id)


def close_deployment(ctx: Context, deployment: Any) -> None:
    deployment.state = CLOSED
    ctx.put(DEPLOYMENTS, deployment_key(deployment.id), deployment)
    ctx.log.typed("akash.deployment.v1.EventDeploymentClosed", id=deployment.id)
