"""What ends together: a closed group takes its orders, bids and leases with it, a closed escrow account its deployment,
a closed payment its lease.

Bids of orders that were closed before are left alone, so a stale one stays open for ever (chain-probes 15).
"""

from __future__ import annotations

from typing import Any

from . import escrow, market, settlement
from .context import Context, Registry
from .groups import (
    ACTIVE,
    DEPLOYMENTS,
    GROUP_CLOSED,
    GROUP_INSUFFICIENT_FUNDS,
    GROUPS,
    close_deployment,
    set_group,
)
from .ids import bid_key, group_key, lease_payment, order_key
from .market import BIDS, LEASES, ORDERS

_LIVE_ORDERS = (market.ORDER_ACTIVE, market.ORDER_OPEN)
_LIVE_BIDS = (market.BID_OPEN, market.BID_ACTIVE)


def group_ended(ctx: Context, group_id: Any, *, dry: bool) -> None:
    """After a group was paused or closed: its live orders, their open bids, then the active one with its lease and
    payment.
    """
    state, reason = (
        (market.LEASE_INSUFFICIENT_FUNDS, market.FOR_FUNDS) if dry else (market.LEASE_CLOSED, market.BY_OWNER)
    )
    orders = [order for _, order in ORDERS.scan(ctx, group_key(group_id))]
    for order in [o for live in _LIVE_ORDERS for o in orders if o.state == live]:
        market.close_order(ctx, order)
        bids = [bid for _, bid in BIDS.scan(ctx, order_key(order.id))]
        for bid in [b for live in _LIVE_BIDS for b in bids if b.state == live]:
            market.close_bid(ctx, bid)
            lease = LEASES.get(ctx, bid_key(bid.id))
            if lease is not None:
                if lease.state in market.LIVE:
                    market.close_lease(ctx, lease, state, reason)
                escrow.try_close_payment(ctx, lease_payment(lease.id))


def account_closed(ctx: Context, account: Any) -> None:
    """The escrow account of a deployment was closed or overdrawn: so is everything under it."""
    if escrow.SCOPES[account.id.scope] != "deployment":
        return
    owner, dseq = account.id.xid.split("/")
    deployment = DEPLOYMENTS.get(ctx, (owner, int(dseq)))
    if deployment is None or deployment.state != ACTIVE:
        return
    dry = account.state.state == settlement.OVERDRAWN
    close_deployment(ctx, deployment)
    for _, group in list(GROUPS.scan(ctx, (owner, int(dseq)))):
        if group.state in (GROUP_CLOSED, GROUP_INSUFFICIENT_FUNDS):
            continue
        set_group(ctx, group, GROUP_INSUFFICIENT_FUNDS if dry else GROUP_CLOSED)
        group_ended(ctx, group.id, dry=dry)


def payment_closed(ctx: Context, payment: Any) -> None:
    """Usually the lease has ended before its payment. Not so when the payment was settled together with those of
    another account, whose id begins with the same text.
    """
    owner, dseq = payment.id.aid.xid.split("/")
    gseq, oseq, provider = payment.id.xid.split("/")
    key = (owner, int(dseq), int(gseq), int(oseq), provider)
    bid = BIDS.get(ctx, key)
    if bid is None or bid.state != market.BID_ACTIVE:
        return
    order, lease = ORDERS.get(ctx, order_key(bid.id)), LEASES.get(ctx, key)
    if order.state != market.ORDER_CLOSED:
        market.close_order(ctx, order)
    market.close_bid(ctx, bid)
    if lease.state not in market.LIVE:
        return
    if payment.state.state == settlement.OVERDRAWN:
        market.close_lease(ctx, lease, market.LEASE_INSUFFICIENT_FUNDS, market.FOR_FUNDS)
    else:
        market.close_lease(ctx, lease, market.LEASE_CLOSED, market.UNSPECIFIED)


def register(registry: Registry) -> None:
    registry.account_closed.append(account_closed)
    registry.payment_closed.append(payment_closed)
