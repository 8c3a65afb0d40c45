"""What is asked of the chain, from being wanted to being seen in a block: the values that the outbox (chain/tx) and
its file (ledger) share, so that neither knows the other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from manifests.coins import Coin

IntentState = Literal["waiting", "signed", "done", "failed", "refused", "expired", "dropped"]
"""waiting and signed are open; failed: void in a block; refused: a clear no before that; expired: in no block in time;
dropped: never signed, or given up to whoever asked, who asks again"""
TxState = Literal["signed", "included", "failed", "refused", "expired"]


BY_COMMAND = "cli/"
"""begins the key of what a command asks for beside the daemon: neither joins what the other asks"""
SETTLING = ("CreateLease", "CloseBid", "WithdrawLease", "CloseLease", "CloseDeployment")
"""kinds that settle a deployment's escrow and name it in their key (business_key.py)"""


@dataclass(frozen=True, slots=True)
class Moment:
    """The last block known when something happened."""

    height: int
    time_unix_ns: int


@dataclass(frozen=True, slots=True)
class Intent:
    """One message. At most one of a key is open at a time."""

    key: str
    kind: str
    """the message's type name"""
    message: bytes
    """as it is signed: a google.protobuf.Any"""
    priority: int


@dataclass(frozen=True, slots=True)
class Signed:
    """A transaction that may leave, or has left."""

    hash: str
    tx: bytes
    timeout_unix_ns: int
    """void when a block is later than this"""
    sequence: int | None
    """None for an unordered one"""
    gas_limit: int
    fee: Coin
    keys: tuple[str, ...]
    """of its messages, in their order"""
    settles: tuple[tuple[str, str], ...] = ()
    """(key, deployment) of those that settle an escrow"""


@dataclass(frozen=True, slots=True)
class InTheWay:
    """Somebody else's message in the air that settles the escrow which one of ours would settle."""

    ours: str
    """key"""
    theirs: str
    tx: str
    """hash of the transaction theirs travels in"""
    timeout_unix_ns: int


@dataclass(frozen=True, slots=True)
class TxEnd:
    """What became of a transaction."""

    hash: str
    state: TxState
    height: int | None = None
    """of the block that holds it"""
    gas_used: int | None = None
    codespace: str = ""
    code: int = 0
    why: str = ""


@dataclass(frozen=True, slots=True)
class Left:
    """A transaction that an earlier process signed and saw no end of."""

    signed: Signed
    intents: tuple[Intent, ...]
    """in the order of its messages"""
