"""A row and a chain of the ledger's decisions, as JSON and as a person reads them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bidengine.explain import dearer_percent
from bidengine.notation import in_short
from bidengine.owners import shown_time
from bidengine.recorded import parse_order
from bidengine.views import Order
from manifests.coins import DecCoin, shown
from manifests.wirevalues import decoded
from provider.ledger.decisions import Link, OrderRow

COLUMNS = {
    "order": "order", "asked": "asked", "outcome": "outcome", "height": "height", "our price": "price",
    "winner's": "winner_price", "ours is dearer by %": "dearer_percent",
}  # fmt: skip


def row_json(row: OrderRow) -> dict[str, Any]:
    order, (ours, theirs) = order_of(row), prices_of(row)
    percent = dearer_percent(ours.amount_e18, theirs.amount_e18) if ours is not None and theirs is not None else None
    return {
        "order": str(row.order),
        "created_at": row.created_at,
        "time": _time(row.time_unix_s),
        "asked": in_short(order.spec) if order is not None else "",
        "outcome": row.outcome,
        "height": row.decided_at,
        "gpu_model": row.gpu_model,
        "price": _coin(ours),
        "winner": row.winner,
        "winner_price": _coin(theirs),
        "dearer_percent": None if percent is None else round(float(percent), 1),
        "leased_at": row.leased_at,
        "started_at": row.started_at,
        "ended_at": row.ended_at,
    }


def link_json(link: Link, *, whole: bool = False) -> dict[str, Any]:
    return {
        **({"order": str(link.order)} if whole else {}),
        "height": link.height,
        "until_height": link.until_height,
        "times": link.times,
        "time": _time(link.time_unix_s),
        "outcome": link.outcome,
        "detail": link.detail,
        "price": link.price,
        "tx_hash": link.tx_hash,
        **link.facts,
    }


def _coin(coin: DecCoin | None) -> dict[str, str] | None:
    return None if coin is None else {"denom": coin.denom, "amount": shown(coin.amount_e18)}


def _time(unix_s: int) -> str:
    return shown_time(unix_s) if unix_s else ""


def told(row: OrderRow, chain: Sequence[Link]) -> list[str]:
    out, order = [f"order   {row.order}"], order_of(row)
    if order is not None:
        needs = order.spec.requirements
        out.append(
            f"asked   {in_short(order.spec)}, at most {shown(order.spec.ceiling_e18)}{order.spec.denom} per block"
        )
        if needs.attributes:
            out.append(f"        attributes {', '.join(f'{a.key}={a.value}' for a in needs.attributes)}")
        for word, auditors in (("all", needs.signed_by.all_of), ("any", needs.signed_by.any_of)):
            if auditors:
                out.append(f"        audited by {word} of {', '.join(auditors)}")
        if order.reclamation_min_window_s is not None:
            out.append(f"        notice of {order.reclamation_min_window_s} s before resources are taken back")
        out.append(f"created at height {row.created_at}, first looked at {_time(row.time_unix_s)}")
    for link in chain:
        again = f" (until height {link.until_height}, {link.times} times)" if link.times > 1 else ""
        out.append(f"  height {link.height:<9} {_answer(link)}{again}")
        out += [f"    {rule['code']}: {rule['detail']}" for rule in link.facts.get("rules", ())]
        out += [f"    {line}" for line in (*link.facts.get("placement", ()), *link.facts.get("price", ()))]
    if not chain:
        out.append("  its decisions have been pruned")
    out.append(f"stands  {row.outcome} since height {row.decided_at}")
    return out


def _answer(link: Link) -> str:
    parts = (link.outcome, link.price, f"tx {link.tx_hash}" if link.tx_hash else "", link.detail)
    return "  ".join(part for part in parts if part)


def tail_line(link: Link) -> str:
    return f"{_time(link.time_unix_s)}  height {link.height}  {link.order}  {_answer(link)}"


def order_of(row: OrderRow) -> Order | None:
    """What was asked; None where it was not noted."""
    if not row.order_json:
        return None
    return parse_order(row.order, decoded(row.order_json.encode()), created_at=row.created_at)


def prices_of(row: OrderRow) -> tuple[DecCoin | None, DecCoin | None]:
    ours = DecCoin(row.denom, row.price_e18) if row.price_e18 is not None else None
    theirs = DecCoin(row.denom, row.winner_price_e18) if row.winner_price_e18 is not None else None
    return ours, theirs
