"""Orders for `akp simulate`, from the ledger or from a chain's node: what was asked, and which lease it became.

The chain keeps no times: that of an order is reckoned from its height and the block time. Who bid what and lost is not
asked, one list of leases tells all winners.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from bidengine.outcomes import LOST_NOT_PRICE, LOST_PRICE, WON
from bidengine.recorded import Recorded
from bidengine.views import Bid, Lease, Order
from manifests.ids import OrderID
from provider import keyring
from provider.chain.client import Chain
from provider.cli.ordertext import order_of, prices_of
from provider.errors import ConfigError
from provider.ledger.decisions import OrderRow
from provider.settings import KeySettings, Settings, load


def recorded_from_ledger(rows: Iterable[OrderRow]) -> list[Recorded]:
    """Those of which it was noted what they asked for."""
    return [_of_row(row, order) for row in rows if (order := order_of(row)) is not None]


async def recorded_from_chain(config: Path | None, *, closed: bool = False) -> list[Recorded]:
    """Open and active orders, and with `closed` those that are over, at one height. Retry when no node answers."""
    if config is None:
        raise ConfigError("--from-chain", "no settings are given", "Name the daemon's with --config.")
    settings = load(config)
    async with Chain.connect(settings.chain) as chain:
        await chain.measure()
        head = await chain.head()
        ask = chain.at(head.height)
        states = ("open", "active", *(("closed",) if closed else ()))
        orders = [order for state in states for order in await ask.orders(state)]
        leases = {lease.id.order: lease for lease in await ask.leases()}
        us = await _address(settings)
        bids = {bid.id.order: bid for bid in await ask.bids(us)} if us else {}

        def time_unix_s(height: int) -> int:
            return (head.time_unix_ns - (head.height - height) * chain.block_time_ms * 10**6) // 10**9

        return sorted(
            (of_chain(o, leases.get(o.id), bids, us, time_unix_s(o.created_at)) for o in orders),
            key=lambda r: (r.order.created_at, r.order.id),
        )


def _of_row(row: OrderRow, order: Order) -> Recorded:
    lived = row.ended_at - row.leased_at if row.ended_at is not None and row.leased_at is not None else None
    ours, theirs = prices_of(row)
    return Recorded(order, row.time_unix_s, row.outcome, ours, row.winner, theirs, lived)


def of_chain(order: Order, lease: Lease | None, bids: dict[OrderID, Bid], us: str, time_unix_s: int) -> Recorded:
    bid = bids.get(order.id)
    ours, outcome = (bid.price if bid is not None else None), ""
    if lease is None:
        return Recorded(order, time_unix_s, outcome, ours)
    if lease.id.provider == us:
        outcome = WON
    elif ours is not None:
        outcome = LOST_PRICE if lease.price.amount_e18 < ours.amount_e18 else LOST_NOT_PRICE
    lived = lease.closed_on - lease.created_at if lease.closed_on else None
    return Recorded(order, time_unix_s, outcome, ours, lease.id.provider, lease.price, lived)


async def _address(settings: Settings) -> str:
    """Ours, where the settings name a key; a record of the market needs none."""
    return await keyring.owner(settings) if settings.key != KeySettings() else ""
