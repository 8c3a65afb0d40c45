"""The provider's messages about bids: making one, and closing one, which ends the lease it won. Check order:
chain-probes 19a.
"""

from __future__ import annotations

from typing import Any

from provider.chain.wire import message

from . import audit, deposits, escrow, market
from . import provider as providers
from .codec import complete
from .context import Context, Registry
from .dec import parse
from .deployment import duration_ns
from .errors import nil_pointer, panic, registered, unregistered
from .groups import GROUP_PAUSED, GROUPS, set_group
from .groupspec import ceiling
from .ids import bid_account, bid_key, check_bid, group_key, lease_payment, order_key
from .market import BIDS, LEASES, ORDERS
from .matching import placement_fits, resources_fit
from .tx import amount_or_panic

_SCOPE = 2
"""of the escrow accounts of bids"""
_COUNTED = (market.BID_OPEN, market.BID_ACTIVE, market.BID_CLOSED)


def register(registry: Registry) -> None:
    name = "akash.market.v1beta5"
    registry.message(f"{name}.MsgCreateBid", _provider, _create, _check_create)
    registry.message(f"{name}.MsgCloseBid", _provider, _close, _check_close)


def check_reason(reason: int) -> None:
    """Providers may give any number of their range, named or not (chain-probes 13)."""
    if reason not in market.PROVIDER_REASONS:
        raise registered("market", 33, f'value "{reason}" range 10000..19999')


def check_deadline(ctx: Context, lease: Any) -> None:
    """A lease with a window ends by its provider only after StartReclaim and the whole window (chain.md §2.8)."""
    if not lease.HasField("reclamation"):
        return
    if lease.state != market.LEASE_RECLAIMING:
        raise registered("market", 37)
    if ctx.time_unix_ns // 10**9 < lease.reclamation.deadline:
        raise registered("market", 38)


def _provider(msg: Any) -> str:
    return str(msg.id.provider)


def _check_create(msg: Any) -> None:
    check_bid(msg.id)
    deposits.check_sources(msg.deposit)
    if amount_or_panic(msg.price.amount) == 0:
        raise registered("market", 19)
    if msg.HasField("reclamation_window") and duration_ns(msg.reclamation_window) < 0:
        raise registered("market", 39)


def _check_close(msg: Any) -> None:
    check_bid(msg.id)
    check_reason(msg.reason)


def _create(ctx: Context, msg: Any) -> None:
    _check_deposit(ctx, msg.deposit)
    bids = [bid for _, bid in BIDS.scan(ctx, order_key(msg.id))]
    taken = sum(1 for bid in bids if bid.state in _COUNTED)
    if taken > ctx.genesis.params.order_max_bids:
        raise unregistered(f"invalid bid: too many existing bids ({ctx.genesis.params.order_max_bids})")
    order = ORDERS.get(ctx, order_key(msg.id))
    if order is None:
        raise registered("market", 15)
    if order.state != market.ORDER_OPEN:
        raise registered("market", 23 if order.state == market.ORDER_ACTIVE else 24)
    _check_price(msg.price, order.spec)
    _check_offer(msg.resources_offer, order.spec)
    provider = providers.find(ctx, msg.id.provider)
    if provider is None:
        raise registered("market", 30)
    own = provider.attributes
    if not placement_fits(
        order.spec.requirements, own, lambda auditor: audit.attributes_by(ctx, msg.id.provider, auditor)
    ):
        raise registered("market", 5)
    if not resources_fit(order.spec.resources, own):
        raise registered("market", 32)
    depositors = deposits.collect(ctx, msg.id.provider, _SCOPE, msg.deposit)
    _check_window(ctx, msg, order)
    if BIDS.get(ctx, bid_key(msg.id)) is not None:
        raise registered("market", 21)
    bid = message(BIDS.record)(
        id=msg.id,
        state=market.BID_OPEN,
        price=msg.price,
        created_at=ctx.height,
        resources_offer=msg.resources_offer,
    )
    if msg.HasField("reclamation_window"):
        bid.reclamation_window.CopyFrom(msg.reclamation_window)
    ctx.put(BIDS, bid_key(msg.id), complete(bid))
    ctx.log.typed("akash.market.v1.EventBidCreated", id=bid.id, price=bid.price)
    escrow.open_account(ctx, bid_account(msg.id), msg.id.provider, depositors)


def _check_deposit(ctx: Context, deposit: Any) -> None:
    coin = deposit.amount
    least = dict(ctx.genesis.params.bid_min_deposits).get(coin.denom)
    if least is None:
        raise unregistered(f"deposit invalid: unsupported denom {coin.denom}")
    if int(coin.amount or 0) < least:
        sources = " ".join({deposits.BALANCE: "balance", deposits.GRANT: "grant"}[s] for s in deposit.sources)
        received = f"{{{int(coin.amount or 0)}{coin.denom} [{sources}]}}"
        raise unregistered(f"deposit invalid: minimum:{least}{coin.denom} received:{received}")


def _check_price(price: Any, spec: Any) -> None:
    denom, highest = ceiling(spec)
    if parse(price.amount) < 0 or not price.denom:
        raise registered("market", 22)
    if price.denom != denom:
        raise panic(f"invalid coin denominations; {denom}, {price.denom}")
    if parse(price.amount) > highest:
        raise registered("market", 22)


def _check_offer(offers: Any, spec: Any) -> None:
    """Ids and counts must be those of the order; amounts are not looked at, and a repeated id crashes the node
    (chain.md §2.2).
    """
    counts = {unit.resource.id: unit.count for unit in spec.resources}
    used: set[int] = set()
    for offer in offers:
        if offer.resources.id in used:
            raise nil_pointer()
        if counts.get(offer.resources.id) != offer.count:
            raise registered("market", 32)
        used.add(offer.resources.id)


def _check_window(ctx: Context, msg: Any, order: Any) -> None:
    offered = duration_ns(msg.reclamation_window) if msg.HasField("reclamation_window") else None
    if order.HasField("reclamation"):
        if offered is None:
            raise registered("market", 40)
        if offered < duration_ns(order.reclamation.min_window):
            raise registered("market", 41)
    params = ctx.genesis.params
    if offered is not None and not params.min_reclamation_window_ns <= offered <= params.max_reclamation_window_ns:
        raise registered("market", 39)


def _close(ctx: Context, msg: Any) -> None:
    bid = BIDS.get(ctx, bid_key(msg.id))
    if bid is None:
        raise registered("market", 6)
    order = ORDERS.get(ctx, order_key(msg.id))
    if order is None:
        raise registered("market", 9)
    if bid.state == market.BID_OPEN:
        market.close_bid(ctx, bid)
        return
    lease = LEASES.get(ctx, bid_key(msg.id))
    if lease is None:
        raise registered("market", 8)
    if lease.state not in market.LIVE:
        raise registered("market", 10)
    if bid.state != market.BID_ACTIVE:
        raise registered("market", 11)
    check_deadline(ctx, lease)
    group = GROUPS.get(ctx, group_key(msg.id))
    set_group(ctx, group, GROUP_PAUSED)
    market.close_lease(ctx, lease, market.LEASE_CLOSED, msg.reason)
    market.close_bid(ctx, bid)
    market.close_order(ctx, order)
    escrow.try_close_payment(ctx, lease_payment(msg.id))
