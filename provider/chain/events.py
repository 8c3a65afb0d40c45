"""What happened in a block, as values: ABCI typed events become dataclasses. Pure.

The one subtlety: an event says only *that* something about an id changed; nobody acts on more than the id without
asking the chain, except for money (money.py), which is visible nowhere else.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from bidengine.views import CloseReason
from manifests.coins import DecCoin, parse_decimal
from manifests.ids import BidID, DeploymentID, GroupID, LeaseID, OrderID
from provider.chain.money import Movement
from provider.chain.touches import Touch


@dataclass(frozen=True, slots=True)
class OrderCreated:
    id: OrderID


@dataclass(frozen=True, slots=True)
class OrderClosed:
    id: OrderID


@dataclass(frozen=True, slots=True)
class BidCreated:
    id: BidID
    price: DecCoin


@dataclass(frozen=True, slots=True)
class BidClosed:
    id: BidID


@dataclass(frozen=True, slots=True)
class LeaseCreated:
    id: LeaseID
    price: DecCoin


@dataclass(frozen=True, slots=True)
class LeaseClosed:
    id: LeaseID
    reason: int
    """bidengine.views.CloseReason, or any other number: the chain accepts unnamed ones"""


@dataclass(frozen=True, slots=True)
class LeaseReclaimStarted:
    id: LeaseID
    reason: int
    deadline_unix_s: int


@dataclass(frozen=True, slots=True)
class DeploymentCreated:
    id: DeploymentID
    hash: bytes


@dataclass(frozen=True, slots=True)
class DeploymentUpdated:
    id: DeploymentID
    hash: bytes


@dataclass(frozen=True, slots=True)
class DeploymentClosed:
    id: DeploymentID


@dataclass(frozen=True, slots=True)
class GroupChanged:
    """Started, paused or closed; ask the chain which."""

    id: GroupID


@dataclass(frozen=True, slots=True)
class ProviderChanged:
    owner: str


@dataclass(frozen=True, slots=True)
class AuditChanged:
    owner: str
    auditor: str


@dataclass(frozen=True, slots=True)
class PriceTold:
    """The chain's oracle has a price of a coin, in dollars; told in every block while it is fed."""

    denom: str
    """the oracle's name, e.g. akt"""
    usd_e18: int
    """of a whole coin"""


@dataclass(frozen=True, slots=True)
class PriceStaled:
    """The chain's oracle has no price of a coin any more: nobody feeds it."""

    denom: str


Event = (
    OrderCreated
    | OrderClosed
    | BidCreated
    | BidClosed
    | LeaseCreated
    | LeaseClosed
    | LeaseReclaimStarted
    | DeploymentCreated
    | DeploymentUpdated
    | DeploymentClosed
    | GroupChanged
    | ProviderChanged
    | AuditChanged
    | PriceTold
    | PriceStaled
)


@dataclass(frozen=True, slots=True)
class TxResult:
    hash: str
    """upper-case hex SHA-256 of the bytes"""
    code: int
    codespace: str
    log: str
    gas_used: int
    events: tuple[Event, ...]
    """empty when code ≠ 0"""
    money: tuple[Movement, ...] = ()
    """the fee also when code ≠ 0"""
    touches: tuple[Touch, ...] = ()
    """deployments settled without an event; none when code ≠ 0"""


@dataclass(frozen=True, slots=True)
class Block:
    height: int
    time_unix_ns: int
    txs: tuple[TxResult, ...]
    block_events: tuple[Event, ...]
    """finalize_block_events: what the chain did by itself (chain.md §3.1)"""
    block_money: tuple[Movement, ...] = ()

    @property
    def events(self) -> tuple[Event, ...]:
        return (*(e for tx in self.txs for e in tx.events), *self.block_events)


class Malformed(ValueError):
    """An event of a type we know that cannot be read; the text names the type, the attribute and what was found."""


def parse_events(abci_events: Sequence[dict[str, Any]]) -> tuple[Event, ...]:
    """The events we know, in the order of emission. `abci_events` is the JSON-RPC form of `block_results`:
    `[{"type": …, "attributes": [{"key": …, "value": …}]}]` with plain strings (chain.md §3.1).

    Other types and other attributes are passed over: the chain may grow. A known type that lacks what it must have
    raises `Malformed`: whoever reads a block then knows that it was not read, instead of losing half of it.
    """
    out: list[Event] = []
    for event in abci_events:
        read = _READERS.get(event.get("type", ""))
        if read is None:
            continue
        fields = {a["key"]: a.get("value") or "" for a in event.get("attributes") or ()}
        try:
            out.append(read(fields))
        except (KeyError, ValueError, TypeError, AttributeError) as bad:
            missing = f"no attribute {bad}" if isinstance(bad, KeyError) else str(bad)
            raise Malformed(f"{event['type']}: {missing} in {fields}") from bad
    return tuple(out)


_REASONS = {
    "lease_closed_invalid": CloseReason.INVALID,
    "lease_closed_owner": CloseReason.OWNER,
    "lease_closed_reason_unstable": CloseReason.UNSTABLE,
    "lease_closed_reason_decommission": CloseReason.DECOMMISSION,
    "lease_closed_reason_unspecified": CloseReason.UNSPECIFIED,
    "lease_closed_reason_manifest_timeout": CloseReason.MANIFEST_TIMEOUT,
    "lease_closed_reason_insufficient_funds": CloseReason.INSUFFICIENT_FUNDS,
}


def _reason(text: str) -> int:
    """A name in quotes, or a bare number where the chain has no name for it (chain-probes.md, recorded scenarios 13).
    A name that is newer than this code counts as 0: which lease ended matters more than why."""
    found = json.loads(text)
    return found if isinstance(found, int) else int(_REASONS.get(str(found), CloseReason.INVALID))


def _deployment(text: str) -> DeploymentID:
    d = json.loads(text)
    return DeploymentID(_text(d["owner"]), int(d["dseq"]))


def _group(text: str) -> GroupID:
    d = json.loads(text)
    return GroupID(_text(d["owner"]), int(d["dseq"]), int(d["gseq"]))


def _order(text: str) -> OrderID:
    d = json.loads(text)
    return OrderID(_text(d["owner"]), int(d["dseq"]), int(d["gseq"]), int(d["oseq"]))


def _lease(text: str) -> LeaseID:
    d = json.loads(text)
    return LeaseID(_text(d["owner"]), int(d["dseq"]), int(d["gseq"]), int(d["oseq"]), _text(d["provider"]))


def _price(text: str) -> DecCoin:
    d = json.loads(text)
    return DecCoin(_text(d["denom"]), parse_decimal(d["amount"]))


def _hash(text: str) -> bytes:
    return base64.b64decode(json.loads(text) or "", validate=True)


def _text(found: object) -> str:
    if not isinstance(found, str):
        raise ValueError(f"a text is expected, found {found!r}")
    return found


def _told(text: str) -> PriceTold:
    d = json.loads(text)
    return PriceTold(_text(d["denom"]), parse_decimal(d["twap"]))


_READERS: dict[str, Callable[[dict[str, str]], Event]] = {
    "akash.market.v1.EventOrderCreated": lambda a: OrderCreated(_order(a["id"])),
    "akash.market.v1.EventOrderClosed": lambda a: OrderClosed(_order(a["id"])),
    "akash.market.v1.EventBidCreated": lambda a: BidCreated(_lease(a["id"]), _price(a["price"])),
    "akash.market.v1.EventBidClosed": lambda a: BidClosed(_lease(a["id"])),
    "akash.market.v1.EventLeaseCreated": lambda a: LeaseCreated(_lease(a["id"]), _price(a["price"])),
    "akash.market.v1.EventLeaseClosed": lambda a: LeaseClosed(_lease(a["id"]), _reason(a["reason"])),
    "akash.market.v1.EventLeaseReclaimStarted": lambda a: LeaseReclaimStarted(
        _lease(a["id"]), _reason(a["reason"]), int(json.loads(a["deadline"]))
    ),
    "akash.deployment.v1.EventDeploymentCreated": lambda a: DeploymentCreated(_deployment(a["id"]), _hash(a["hash"])),
    "akash.deployment.v1.EventDeploymentUpdated": lambda a: DeploymentUpdated(_deployment(a["id"]), _hash(a["hash"])),
    "akash.deployment.v1.EventDeploymentClosed": lambda a: DeploymentClosed(_deployment(a["id"])),
    "akash.deployment.v1.EventGroupStarted": lambda a: GroupChanged(_group(a["id"])),
    "akash.deployment.v1.EventGroupPaused": lambda a: GroupChanged(_group(a["id"])),
    "akash.deployment.v1.EventGroupClosed": lambda a: GroupChanged(_group(a["id"])),
    "akash.provider.v1beta4.EventProviderCreated": lambda a: ProviderChanged(_text(json.loads(a["owner"]))),
    "akash.provider.v1beta4.EventProviderUpdated": lambda a: ProviderChanged(_text(json.loads(a["owner"]))),
    "akash.audit.v1.EventTrustedAuditorCreated": lambda a: AuditChanged(
        _text(json.loads(a["owner"])), _text(json.loads(a["auditor"]))
    ),
    "akash.audit.v1.EventTrustedAuditorDeleted": lambda a: AuditChanged(
        _text(json.loads(a["owner"])), _text(json.loads(a["auditor"]))
    ),
    "akash.oracle.v2.EventAggregatedPrice": lambda a: _told(a["price"]),
    "akash.oracle.v2.EventPriceStaled": lambda a: PriceStaled(_text(json.loads(a["id"])["denom"])),
}
KNOWN = frozenset(_READERS)
"""full names of the events that are read"""
