"""Leases: made and ended by the tenant, paid out and reclaimed by the provider.

Of the bids that lose against a lease only the first in key order becomes `lost`; the others stay open with their
deposit locked (chain.md §6.4).
"""

from __future__ import annotations

from typing import Any

from provider.chain.wire import message

from . import escrow, market
from .bids import check_reason
from .context import Context, Registry
from .deployment import duration_ns
from .errors import registered
from .groups import DEPLOYMENTS, GROUP_OPEN, GROUPS
from .ids import bid_account, bid_key, check_bid, check_lease, deployment_key, group_key, lease_payment, order_key
from .market import BIDS, LEASES, ORDERS


def register(registry: Registry) -> None:
    name = "akash.market.v1beta5"
    registry.message(
        f"{name}.MsgCreateLease", lambda msg: str(msg.bid_id.owner), _create, lambda msg: check_bid(msg.bid_id)
    )
    registry.message(f"{name}.MsgWithdrawLease", _provider, _withdraw, lambda msg: check_lease(msg.id))
    registry.message(f"{name}.MsgCloseLease", lambda msg: str(msg.id.owner), _close, lambda msg: check_lease(msg.id))
    registry.message(f"{name}.MsgLeaseStartReclaim", _provider, _start_reclaim, _check_reclaim)


def _provider(msg: Any) -> str:
    return str(msg.id.provider)


def _check_reclaim(msg: Any) -> None:
    check_lease(msg.id)
    check_reason(msg.reason)


def _create(ctx: Context, msg: Any) -> None:
    key = bid_key(msg.bid_id)
    bid = BIDS.get(ctx, key)
    if bid is None:
        raise registered("market", 18)
    if bid.state != market.BID_OPEN:
        raise registered("market", 12)
    order = ORDERS.get(ctx, order_key(msg.bid_id))
    if order.state != market.ORDER_OPEN:
        raise registered("market", 13)
    if GROUPS.get(ctx, group_key(msg.bid_id)).state != GROUP_OPEN:
        raise registered("market", 17)
    escrow.open_payment(ctx, lease_payment(bid.id), bid.id.provider, bid.price)
    lease = message(LEASES.record)(state=market.LEASE_ACTIVE, price=bid.price, created_at=ctx.height)
    lease.id.MergeFromString(bid.id.SerializeToString())
    if bid.HasField("reclamation_window"):
        lease.reclamation.window.CopyFrom(bid.reclamation_window)
    ctx.put(LEASES, key, lease)
    ctx.log.typed("akash.market.v1.EventLeaseCreated", id=lease.id, price=lease.price)
    order.state = market.ORDER_ACTIVE
    ctx.put(ORDERS, order_key(order.id), order)
    bid.state = market.BID_ACTIVE
    ctx.put(BIDS, key, bid)
    for loser_key, loser in list(BIDS.scan(ctx, order_key(order.id))):
        if loser.state == market.BID_OPEN:
            loser.state = market.BID_LOST
            ctx.put(BIDS, loser_key, loser)
            escrow.close_account(ctx, bid_account(loser.id))
            break


def _withdraw(ctx: Context, msg: Any) -> None:
    if LEASES.get(ctx, bid_key(msg.id)) is None:
        raise registered("market", 7)
    escrow.withdraw(ctx, lease_payment(msg.id))


def _close(ctx: Context, msg: Any) -> None:
    """Always recorded as the owner's own reason; a group that is still open gets its next order at once."""
    order = ORDERS.get(ctx, order_key(msg.id))
    if order is None:
        raise registered("market", 15)
    if order.state != market.ORDER_ACTIVE:
        raise registered("market", 24)
    bid = BIDS.get(ctx, bid_key(msg.id))
    if bid is None:
        raise registered("market", 18)
    if bid.state != market.BID_ACTIVE:
        raise registered("market", 11)
    lease = LEASES.get(ctx, bid_key(msg.id))
    if lease is None:
        raise registered("market", 20)
    if lease.state not in market.LIVE:
        raise registered("market", 24)
    market.close_lease(ctx, lease, market.LEASE_CLOSED, market.BY_OWNER)
    market.close_bid(ctx, bid)
    market.close_order(ctx, order)
    escrow.close_payment(ctx, lease_payment(msg.id))
    group = GROUPS.get(ctx, group_key(msg.id))
    if group.state == GROUP_OPEN:
        deployment = DEPLOYMENTS.get(ctx, deployment_key(msg.id))
        wanted = deployment.reclamation if deployment.HasField("reclamation") else None
        market.open_order(ctx, group, wanted)


def _start_reclaim(ctx: Context, msg: Any) -> None:
    """The deadline is a whole second of block time (chain-probes 20)."""
    lease = LEASES.get(ctx, bid_key(msg.id))
    if lease is None:
        raise registered("market", 7)
    if lease.state != market.LEASE_ACTIVE:
        raise registered("market", 10)
    if not lease.HasField("reclamation"):
        raise registered("market", 35)
    reclamation = lease.reclamation
    reclamation.started_at, reclamation.reason = ctx.height, msg.reason
    reclamation.deadline = (ctx.time_unix_ns + duration_ns(reclamation.window)) // 10**9
    lease.state = market.LEASE_RECLAIMING
    ctx.put(LEASES, bid_key(msg.id), lease)
    ctx.log.typed(
        "akash.market.v1.EventLeaseReclaimStarted",
        id=lease.id,
        reason=market.reason_json(msg.reason),
        deadline=f'"{reclamation.deadline}"',
    )
