"""Queries about deployments and groups, each deployment with its groups and its escrow account."""

from __future__ import annotations

from typing import Any

from provider.chain.wire import message

from . import settlement
from .context import Registry, View
from .errors import QueryError, not_found, registered
from .groups import DEPLOYMENTS, GROUPS
from .ids import deployment_account, deployment_key, group_key, is_address
from .paging import akash_page, key_bytes, refuse_offset, states_of

_STATES = {"invalid": 0, "active": 1, "closed": 2}
_SERVICE = "akash.deployment.v1beta4"


def register(registry: Registry) -> None:
    registry.query(f"/{_SERVICE}.Query/Deployments", _deployments)
    registry.query(f"/{_SERVICE}.Query/Deployment", _deployment)
    registry.query(f"/{_SERVICE}.Query/Group", _group)
    registry.query(f"/{_SERVICE}.Query/Params", _params)


def _deployments(view: View, request: Any) -> Any:
    filters = request.filters
    states = states_of(filters.state, _STATES)
    refuse_offset(request, filters.state)
    rows = [
        (found.state, key_bytes(*key), found)
        for key, found in DEPLOYMENTS.scan(view.state, (filters.owner,) if filters.owner else ())
        if not filters.dseq or filters.dseq == key[1]
    ]
    owned = bool(filters.owner)
    page, found = akash_page(rows, request, states, by_state=not owned, tail=b"\x01" if owned else b"")
    deployments = [_whole(view, deployment) for deployment in found]
    return message(f"{_SERVICE}.QueryDeploymentsResponse")(deployments=deployments, pagination=page)


def _deployment(view: View, request: Any) -> Any:
    if not is_address(request.id.owner):
        raise QueryError("INVALID_ARGUMENT", "invalid owner address")
    found = DEPLOYMENTS.get(view.state, deployment_key(request.id))
    if found is None:
        raise not_found(registered("deployment", 4))
    return _whole(view, found)


def _whole(view: View, deployment: Any) -> Any:
    return message(f"{_SERVICE}.QueryDeploymentResponse")(
        deployment=deployment,
        groups=[group for _, group in GROUPS.scan(view.state, deployment_key(deployment.id))],
        escrow_account=settlement.ACCOUNTS.get(view.state, deployment_account(deployment.id)),
    )


def _group(view: View, request: Any) -> Any:
    if not is_address(request.id.owner):
        raise QueryError("INVALID_ARGUMENT", "invalid owner address")
    found = GROUPS.get(view.state, group_key(request.id))
    if found is None:
        raise not_found(registered("deployment", 14))
    return message(f"{_SERVICE}.QueryGroupResponse")(group=found)


def _params(view: View, _: Any) -> Any:
    coin = message("cosmos.base.v1beta1.Coin")
    least = [coin(denom=denom, amount=str(amount)) for denom, amount in view.genesis.params.deployment_min_deposits]
    return message(f"{_SERVICE}.QueryParamsResponse")(params=message(f"{_SERVICE}.Params")(min_deposits=least))
