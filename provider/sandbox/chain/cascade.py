"""What ends together: a closed group takes its orders, bids and leases with it, a closed escrow account its deployment.

Bids of orders that were closed before are left alone, so a stale one stays open for ever (chain-probes 15).
"""

from __future__ import annotations

from typing import Any

from . import escrow, market
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

_LIVE_ORDERS = (market.ORDER_OPEN, market.ORDER_ACTIVE)
_LIVE_BIDS = (market.BID_OPEN, market.BID_ACTIVE)


def group_ended(ctx: Context, group_id: Any, *, dry: bool) -> None:
    """After a group was paused or closed: its live orders, their open bids, then the active one with its lease and
    payment.
    """
    state, reason = (
        (market.LEASE_INSUFFICIENT_FUNDS, market.FOR_FUNDS) if dry else (market.LEASE_CLOSED, market.BY_OWNER)
    )
    for _, order in list(ORDERS.scan(ctx, group_key(group_id))):
        if order.state not in _LIVE_ORDERS:
            continue
        market.close_order(ctx, order)
        bids = [bid for _, bid in BIDS.scan(ctx, order_key(order.id))]
        for bid in [b for live in _LIVE_BIDS for b in bids if b.state == live]:
            market.close_bid(ctx, bid)
            lease = LEASES.get(ctx, bid_key(bid.id))
            if lease is None or lease.state not in market.LIVE:
                continue
            market.close_lease(ctx, lease, state, reason)
            if _paying(ctx, lease):
                escrow.close_payment(ctx, lease_payment(lease.id))


def account_closed(ctx: Context, account: Any) -> None:
    """The escrow account of a deployment was closed or overdrawn: so is everything under it."""
    if escrow.SCOPES[account.id.scope] != "deployment":
        return
    owner, dseq = account.id.xid.split("/")
    deployment = DEPLOYMENTS.get(ctx, (owner, int(dseq)))
    if deployment is None or deployment.state != ACTIVE:
        return
    dry = account.state.state == escrow.OVERDRAWN
    close_deployment(ctx, deployment)
    for _, group in list(GROUPS.scan(ctx, (owner, int(dseq)))):
        if group.state in (GROUP_CLOSED, GROUP_INSUFFICIENT_FUNDS):
            continue
        set_group(ctx, group, GROUP_INSUFFICIENT_FUNDS if dry else GROUP_CLOSED)
        group_ended(ctx, group.id, dry=dry)


def register(registry: Registry) -> None:
    registry.account_closed.append(account_closed)


def _paying(ctx: Context, lease: Any) -> bool:
    """Is there still a payment to close? Not when the account's own end has just taken it along."""
    payment = escrow.PAYMENTS.get(ctx, lease_payment(lease.id))
    account = escrow.ACCOUNTS.get(ctx, lease_payment(lease.id)[:3])
    return bool(payment.state.state == escrow.OPEN and account.state.state == escrow.OPEN)
