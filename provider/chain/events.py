"""What happened in a block, as values: ABCI typed events become dataclasses. Pure.

The one subtlety: an event says only *that* something about an id changed; nobody acts on more than the id without asking the
chain, except for money (CoinReceived), which is visible nowhere else.
"""

from __future__ import annotations

from dataclasses import dataclass

from manifests.coins import Coin, DecCoin
from manifests.ids import BidID, DeploymentID, GroupID, LeaseID, OrderID


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
class CoinReceived:
    """Bank money arriving at an account."""

    receiver: str
    coins: tuple[Coin, ...]
    msg_index: int | None
    """which message of the transaction moved it; None for the fee and for block events"""


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
    | CoinReceived
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


@dataclass(frozen=True, slots=True)
class Block:
    height: int
    time_unix_ns: int
    txs: tuple[TxResult, ...]
    block_events: tuple[Event, ...]
    """finalize_block_events: what the chain did by itself (chain.md §3.1)"""

    @property
    def events(self) -> tuple[Event, ...]:
        return (*(e for tx in self.txs for e in tx.events), *self.block_events)
