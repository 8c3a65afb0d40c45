"""Which money a transaction or a block moved, whose, and what for: bank events beside the market's. Pure.

Escrow and bank say nothing of their own about purpose; only the order of events does (chain.md §3.3, chain-probes.md
§3.1 and "Ordering" 3). Inside one message a bid's deposit is paid right after BidCreated and comes back right before
BidClosed; the one loser of an order has his back right after LeaseCreated. What the ante handler takes has no message
index and is the fee. Everything else is told as it is. Amounts are all there is to a balance: received less spent.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from manifests import bech32
from manifests.coins import Coin, parse_coins
from manifests.ids import LeaseID, OrderID


class Purpose(StrEnum):
    FEE = "fee"
    DEPOSIT = "deposit"
    REFUND = "refund"
    """of a bid's deposit"""
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Movement:
    """One account's side of a payment."""

    account: str
    coin: Coin
    """below zero: spent"""
    purpose: Purpose = Purpose.OTHER
    other: str = ""
    """the account on the other side; "" where coins were made or destroyed"""
    order: OrderID | None = None
    """of a deposit or refund"""
    provider: str = ""
    """whose bid; "" for the loser of an order, who is not named"""
    grantee: str = ""
    """whose transaction it was, when a fee grant paid for it"""


def module_address(name: str) -> str:
    """The account of a module of the chain."""
    return bech32.encode("akash", hashlib.sha256(name.encode()).digest()[:20])


ESCROW, BME = module_address("escrow"), module_address("bme")


def movements(abci_events: Sequence[dict[str, Any]], *, of_block: bool = False) -> tuple[Movement, ...]:
    """Of one transaction's events, or with `of_block` of those of no transaction. ValueError and its kin where an
    event lacks what it must have."""
    events = [_Event.of(event) for event in abci_events if event.get("type") in _KNOWN]
    grantee = next((e.fields["grantee"] for e in events if e.kind == "use_feegrant"), "")
    others = _others(events)
    out: list[Movement] = []
    for at, event in enumerate(events):
        if event.kind not in ("coin_spent", "coin_received"):
            continue
        spent = event.kind == "coin_spent"
        account = event.fields["spender" if spent else "receiver"]
        for coin in parse_coins(event.fields["amount"]):
            move = Movement(account, Coin(coin.denom, -coin.amount) if spent else coin, other=others.get(at, ""))
            if not of_block and event.message is None:
                out.append(replace(move, purpose=Purpose.FEE, grantee=grantee))
            else:
                out.append(_purpose(move, event, _before(events, at), _after(events, at)))
    return tuple(out)


@dataclass(frozen=True, slots=True)
class _Event:
    kind: str
    fields: dict[str, str]
    message: tuple[str, str] | None
    """its index in the transaction and inside a MsgExec"""

    @classmethod
    def of(cls, event: dict[str, Any]) -> _Event:
        fields = {a["key"]: a.get("value") or "" for a in event.get("attributes") or ()}
        index = fields.get("msg_index", "")
        return cls(event["type"], fields, (index, fields.get("authz_msg_index", "")) if index else None)

    def bid(self) -> LeaseID:
        d = json.loads(self.fields["id"])
        return LeaseID(str(d["owner"]), int(d["dseq"]), int(d["gseq"]), int(d["oseq"]), str(d["provider"]))


_MARKET = "akash.market.v1.Event"
_BETWEEN = tuple(
    f"akash.{name}"
    for name in (
        "market.v1.EventOrderCreated", "market.v1.EventOrderClosed", "market.v1.EventBidCreated",
        "market.v1.EventBidClosed", "market.v1.EventLeaseCreated", "market.v1.EventLeaseClosed",
        "deployment.v1.EventDeploymentCreated", "deployment.v1.EventDeploymentClosed",
        "deployment.v1.EventGroupClosed", "deployment.v1.EventGroupPaused", "deployment.v1.EventGroupStarted",
    )
)  # fmt: skip
_KNOWN = frozenset({"coin_spent", "coin_received", "transfer", "use_feegrant", *_BETWEEN})


def _purpose(move: Movement, event: _Event, before: _Event | None, after: _Event | None) -> Movement:
    if move.other != ESCROW:
        return move
    spent = move.coin.amount < 0
    if spent and before is not None and before.kind == f"{_MARKET}BidCreated":
        bid = before.bid()
        return replace(move, purpose=Purpose.DEPOSIT, order=bid.order, provider=bid.provider)
    if not spent and after is not None and after.kind == f"{_MARKET}BidClosed":
        bid = after.bid()
        return replace(move, purpose=Purpose.REFUND, order=bid.order, provider=bid.provider)
    if not spent and before is not None and before.kind == f"{_MARKET}LeaseCreated":
        return replace(move, purpose=Purpose.REFUND, order=before.bid().order)
    return move


def _before(events: Sequence[_Event], at: int) -> _Event | None:
    """The market event before it in the same message."""
    return _nearest(reversed(events[:at]), events[at])


def _after(events: Sequence[_Event], at: int) -> _Event | None:
    return _nearest(iter(events[at + 1 :]), events[at])


def _nearest(events: Iterator[_Event], own: _Event) -> _Event | None:
    for event in events:
        if event.message != own.message:
            return None
        if event.kind in _BETWEEN:
            return event
    return None


def _others(events: Sequence[_Event]) -> dict[int, str]:
    """Position of a coin event -> the account on its other side. A payment is told as coin_spent, coin_received,
    transfer, in this order."""
    out: dict[int, str] = {}
    for at, event in enumerate(events):
        if event.kind != "transfer":
            continue
        sides = {"coin_spent": event.fields.get("recipient", ""), "coin_received": event.fields.get("sender", "")}
        mine = {"coin_spent": event.fields.get("sender"), "coin_received": event.fields.get("recipient")}
        for back in range(at - 1, max(at - 3, -1), -1):
            found = events[back]
            whose = found.fields.get("spender") or found.fields.get("receiver")
            if found.kind in sides and back not in out and whose == mine[found.kind]:
                out[back] = sides[found.kind]
    return out
