"""Orders, bids and leases as records, and the steps their states can take. Which step follows which is said in
bids.py, leases.py, cascade.py.
"""

from __future__ import annotations

from typing import Any

from provider.chain.wire import message

from . import escrow
from .codec import enum_json
from .context import Context, Table
from .errors import unregistered
from .ids import bid_account, bid_key, group_key, order_key

ORDERS = Table("order", "akash.market.v1beta5.Order")
BIDS = Table("bid", "akash.market.v1beta5.Bid")
LEASES = Table("lease", "akash.market.v1.Lease")

ORDER_OPEN, ORDER_ACTIVE, ORDER_CLOSED = 1, 2, 3
BID_OPEN, BID_ACTIVE, BID_LOST, BID_CLOSED = 1, 2, 3, 4
LEASE_ACTIVE, LEASE_INSUFFICIENT_FUNDS, LEASE_CLOSED, LEASE_RECLAIMING = 1, 2, 3, 4
LIVE = (LEASE_ACTIVE, LEASE_RECLAIMING)

BY_OWNER, UNSPECIFIED, FOR_FUNDS = 1, 10_002, 20_000
PROVIDER_REASONS = range(10_000, 20_000)
_REASONS = {
    0: "lease_closed_invalid",
    1: "lease_closed_owner",
    10_000: "lease_closed_reason_unstable",
    10_001: "lease_closed_reason_decommission",
    10_002: "lease_closed_reason_unspecified",
    10_003: "lease_closed_reason_manifest_timeout",
    20_000: "lease_closed_reason_insufficient_funds",
}


def reason_json(reason: int) -> str:
    return enum_json(reason, _REASONS)


def open_order(ctx: Context, group: Any, reclamation: Any) -> None:
    """The next order of a group: oseq is one more than it has already. `reclamation` is the deployment's, or None."""
    earlier = [order for _, order in ORDERS.scan(ctx, group_key(group.id))]
    if any(order.state != ORDER_CLOSED for order in earlier):
        raise unregistered("order active: create order: active order exists")
    oseq = 1 + len(earlier)
    order = message(ORDERS.record)(state=ORDER_OPEN, spec=group.group_spec, created_at=ctx.height)
    order.id.owner, order.id.dseq, order.id.gseq, order.id.oseq = group.id.owner, group.id.dseq, group.id.gseq, oseq
    if reclamation is not None:
        order.reclamation.CopyFrom(reclamation)
    ctx.put(ORDERS, order_key(order.id), order)
    ctx.log.typed("akash.market.v1.EventOrderCreated", id=order.id)


def close_order(ctx: Context, order: Any) -> None:
    order.state = ORDER_CLOSED
    ctx.put(ORDERS, order_key(order.id), order)
    ctx.log.typed("akash.market.v1.EventOrderClosed", id=order.id)


def close_bid(ctx: Context, bid: Any) -> None:
    """The deposit goes back first, then the event."""
    bid.state = BID_CLOSED
    ctx.put(BIDS, bid_key(bid.id), bid)
    escrow.close_account(ctx, bid_account(bid.id))
    ctx.log.typed("akash.market.v1.EventBidClosed", id=bid.id)


def close_lease(ctx: Context, lease: Any, state: int, reason: int) -> None:
    lease.state, lease.reason, lease.closed_on = state, reason, ctx.height
    ctx.put(LEASES, bid_key(lease.id), lease)
    ctx.log.typed("akash.market.v1.EventLeaseClosed", id=lease.id, reason=reason_json(reason))
