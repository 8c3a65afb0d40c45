"""The tenant's messages about deployments and groups. Creation checks in the order of chain-probes 19a; money is
looked at last.
"""

from __future__ import annotations

import base64
from typing import Any

from provider.chain.wire import message

from . import cascade, deposits, escrow, market
from .codec import complete
from .context import Context, Registry
from .errors import registered, unregistered
from .groups import (
    ACTIVE,
    DEPLOYMENTS,
    GROUP_CLOSED,
    GROUP_OPEN,
    GROUP_PAUSED,
    GROUPS,
    find_deployment,
    find_group,
    set_group,
)
from .groupspec import check_group
from .ids import check_deployment, deployment_account, deployment_key, group_key
from .ids import check_group as check_group_id

_HASH_BYTES = 32
_PRICED_IN = "uact"
_SCOPE = 1
"""of the escrow accounts of deployments"""


def register(registry: Registry) -> None:
    name = "akash.deployment.v1beta4"
    registry.message(f"{name}.MsgCreateDeployment", _owner, _create, _check_create)
    registry.message(f"{name}.MsgUpdateDeployment", _owner, _update, _check_update)
    registry.message(f"{name}.MsgCloseDeployment", _owner, _close, lambda msg: check_deployment(msg.id))
    registry.message(f"{name}.MsgCloseGroup", _owner, _close_group, lambda msg: check_group_id(msg.id))
    registry.message(f"{name}.MsgPauseGroup", _owner, _pause_group, lambda msg: check_group_id(msg.id))
    registry.message(f"{name}.MsgStartGroup", _owner, _start_group, lambda msg: check_group_id(msg.id))
    cascade.register(registry)


def duration_ns(duration: Any) -> int:
    return int(duration.seconds * 10**9 + duration.nanos)


def _owner(msg: Any) -> str:
    return str(msg.id.owner)


def _check_hash(value: bytes) -> None:
    if not value:
        raise registered("deployment", 9)
    if len(value) != _HASH_BYTES:
        raise registered("deployment", 10)


def _check_create(msg: Any) -> None:
    check_deployment(msg.id)
    if not msg.groups:
        raise registered("deployment", 7)
    _check_hash(msg.hash)
    coin = msg.deposit.amount
    for group in msg.groups:
        check_group(group)
        denom = group.resources[0].price.denom
        if denom != coin.denom:
            raise registered("deployment", 20, f"Mismatched denominations ({coin.denom} != {denom})")
    if int(coin.amount or 0) < 0:
        raise unregistered(f"negative coin amount: {coin.amount}")
    deposits.check_sources(msg.deposit)
    if msg.HasField("reclamation") and duration_ns(msg.reclamation.min_window) < 0:
        raise registered("deployment", 26, "min_window must be >= 0")


def _check_update(msg: Any) -> None:
    check_deployment(msg.id)
    _check_hash(msg.hash)


def _create(ctx: Context, msg: Any) -> None:
    if DEPLOYMENTS.get(ctx, deployment_key(msg.id)) is not None:
        raise registered("deployment", 3)
    _check_minimum(ctx, msg.deposit.amount)
    reclamation = msg.reclamation if msg.HasField("reclamation") else None
    if reclamation is not None:
        window, params = duration_ns(reclamation.min_window), ctx.genesis.params
        if window < params.min_reclamation_window_ns:
            raise registered("deployment", 26, "min_window below governance minimum")
        if window > params.max_reclamation_window_ns:
            raise registered("deployment", 26, "min_window above governance maximum")
    names: set[str] = set()
    for group in msg.groups:
        if group.name in names:
            raise registered("deployment", 7, f"duplicate deployment group name {group.name}: duplicate group name")
        names.add(group.name)
    depositors = deposits.collect(ctx, msg.id.owner, _SCOPE, msg.deposit)
    deployment = message(DEPLOYMENTS.record)(id=msg.id, state=ACTIVE, hash=msg.hash, created_at=ctx.height)
    if reclamation is not None:
        deployment.reclamation.CopyFrom(reclamation)
    ctx.put(DEPLOYMENTS, deployment_key(msg.id), complete(deployment))
    _announce(ctx, "Created", msg)
    for gseq, spec in enumerate(msg.groups, 1):
        group = message(GROUPS.record)(state=GROUP_OPEN, group_spec=spec, created_at=ctx.height)
        group.id.owner, group.id.dseq, group.id.gseq = msg.id.owner, msg.id.dseq, gseq
        ctx.put(GROUPS, group_key(group.id), complete(group))
        market.open_order(ctx, group, _wanted(deployment))
    escrow.open_account(ctx, deployment_account(msg.id), msg.id.owner, depositors)


def _check_minimum(ctx: Context, coin: Any) -> None:
    least = dict(ctx.genesis.params.deployment_min_deposits).get(coin.denom)
    if least is None:
        raise unregistered(f"Deposit invalid: Invalid deposit denomination {coin.denom}")
    if int(coin.amount or 0) < least:
        raise registered("deployment", 20, f"Deposit too low - {int(coin.amount or 0)} < {least}{coin.denom}")
    if coin.denom != _PRICED_IN:
        raise registered("deployment", 20)


def _announce(ctx: Context, what: str, msg: Any) -> None:
    told = base64.b64encode(msg.hash).decode()
    ctx.log.typed(f"akash.deployment.v1.EventDeployment{what}", id=msg.id, hash=f'"{told}"')


def _wanted(deployment: Any) -> Any:
    return deployment.reclamation if deployment.HasField("reclamation") else None


def _update(ctx: Context, msg: Any) -> None:
    deployment = find_deployment(ctx, msg.id)
    if deployment.hash == msg.hash:
        raise registered("deployment", 10)
    deployment.hash = msg.hash
    ctx.put(DEPLOYMENTS, deployment_key(msg.id), deployment)
    _announce(ctx, "Updated", msg)


def _close(ctx: Context, msg: Any) -> None:
    find_deployment(ctx, msg.id)
    escrow.close_account(ctx, deployment_account(msg.id))


def _close_group(ctx: Context, msg: Any) -> None:
    group = find_group(ctx, msg.id)
    set_group(ctx, group, GROUP_CLOSED)
    cascade.group_ended(ctx, group.id, dry=False)


def _pause_group(ctx: Context, msg: Any) -> None:
    group = find_group(ctx, msg.id)
    if group.state == GROUP_PAUSED:
        raise registered("deployment", 17)
    set_group(ctx, group, GROUP_PAUSED)
    cascade.group_ended(ctx, group.id, dry=False)


def _start_group(ctx: Context, msg: Any) -> None:
    group = find_group(ctx, msg.id)
    if group.state == GROUP_OPEN:
        raise registered("deployment", 16)
    set_group(ctx, group, GROUP_OPEN)
    market.open_order(ctx, group, _wanted(find_deployment(ctx, msg.id)))
