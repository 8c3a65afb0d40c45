"""An order as it was, with what became of it: one line of the files that `akp orders record` writes and `akp simulate`
reads (docs/simulate.md).
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from bidengine.views import Order
from manifests.coins import DecCoin, format_decimal
from manifests.errors import Invalid
from manifests.ids import OrderID
from manifests.wire import group_json, parse_group, price
from manifests.wirevalues import At, decoded


@dataclass(frozen=True, slots=True)
class Recorded:
    """`order.created_at` is the height it came at; its state is always open, as it was then."""

    order: Order
    time_unix_s: int
    outcome: str = ""
    """our code for it (docs/orders.md); "" when we have none"""
    our_price: DecCoin | None = None
    winner: str = ""
    winner_price: DecCoin | None = None
    lease_blocks: int | None = None
    """how long the lease it became has lived, where that is known and over"""


def order_json(order: Order) -> dict[str, Any]:
    """The part of a line that says what was asked."""
    return {"group": group_json(order.spec), "reclamation_min_window_s": order.reclamation_min_window_s}


def to_line(record: Recorded) -> str:
    return json.dumps(
        {
            "order": str(record.order.id),
            "height": record.order.created_at,
            "time_unix_s": record.time_unix_s,
            **order_json(record.order),
            "outcome": record.outcome,
            "our_price": _coin(record.our_price),
            "winner": record.winner,
            "winner_price": _coin(record.winner_price),
            "lease_blocks": record.lease_blocks,
        },
        ensure_ascii=False,
    )


def parse_lines(lines: Iterable[str]) -> tuple[Recorded, ...]:
    """By height. `Invalid` names the line and the place in it; empty lines are passed over."""
    found = []
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                found.append(parse_line(line))
            except Invalid as bad:
                raise Invalid(bad.path, bad.message, value=bad.value, line=number) from None
    return tuple(sorted(found, key=lambda r: (r.order.created_at, r.order.id)))


def parse_line(line: str) -> Recorded:
    at = decoded(line.encode())
    at["order"]  # a line that is no object is told as such
    try:
        id_ = OrderID.parse(at["order"].text())
    except Invalid as bad:
        raise at["order"].fail(bad.message) from None
    return Recorded(
        order=parse_order(id_, at, created_at=at["height"].uint32()),
        time_unix_s=at["time_unix_s"].uint32(),
        outcome=at["outcome"].text(),
        our_price=_price(at["our_price"]),
        winner=at["winner"].text(),
        winner_price=_price(at["winner_price"]),
        lease_blocks=at["lease_blocks"].uint32() if at["lease_blocks"] else None,
    )


def parse_order(id_: OrderID, at: At, *, created_at: int) -> Order:
    """From what `order_json` made."""
    window = at["reclamation_min_window_s"]
    return Order(id_, "open", parse_group(at["group"]), created_at, window.uint32() if window else None)


def _coin(coin: DecCoin | None) -> dict[str, str] | None:
    return None if coin is None else {"denom": coin.denom, "amount": format_decimal(coin.amount_e18)}


def _price(at: At) -> DecCoin | None:
    return price(at) if at else None
