"""What a decision may see of the market: orders, bids, leases, escrow and providers as plain values.

The chain package makes these from wire messages; nothing here knows how they travel. States are the chain's own words.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from functools import cached_property

from manifests.attributes import gpu_capabilities, storage_groups
from manifests.coins import Coin, DecCoin
from manifests.ids import BidID, DeploymentID, GroupID, LeaseID, OrderID
from manifests.resources import Attributes, GroupSpec, Resources


@dataclass(frozen=True, slots=True)
class Order:
    id: OrderID
    state: str
    """open, active, closed"""
    spec: GroupSpec
    created_at: int
    """height"""
    reclamation_min_window_s: int | None = None
    """Seconds of notice the tenant demands before resources are taken back, or None (chain.md §2.8)."""


@dataclass(frozen=True, slots=True)
class ResourceOffer:
    """What a bid promises for one resource unit, with the GPU model actually chosen."""

    resources: Resources
    count: int


@dataclass(frozen=True, slots=True)
class Bid:
    id: BidID
    state: str
    """open, active, lost, closed"""
    price: DecCoin
    created_at: int
    offer: tuple[ResourceOffer, ...] = ()
    reclamation_window_s: int | None = None


class CloseReason(IntEnum):
    """Why a lease ended (chain.md §1.6): 1–9999 the tenant, 10000–19999 the provider, 20000+ the network."""

    INVALID = 0
    OWNER = 1
    UNSTABLE = 10000
    DECOMMISSION = 10001
    UNSPECIFIED = 10002
    MANIFEST_TIMEOUT = 10003
    INSUFFICIENT_FUNDS = 20000


def reason_name(reason: int) -> str:
    """In words, as `akp leases close --reason` takes them; a number that has no name as it is."""
    return CloseReason(reason).name.lower().replace("_", "-") if reason in tuple(CloseReason) else f"reason {reason}"


LIVE = ("active", "reclaiming")
"""States of a lease that is still owed resources; the chain lists leases by one state at a time."""


@dataclass(frozen=True, slots=True)
class Reclamation:
    window_s: int
    started_at: int
    """height; 0 when not started"""
    deadline_unix_s: int
    reason: int = 0
    """what notice was given for; the lease itself gets the reason it is closed with (chain-probes.md §9)"""


@dataclass(frozen=True, slots=True)
class Lease:
    id: LeaseID
    state: str
    """active, insufficient_funds, closed, reclaiming"""
    price: DecCoin
    """per block"""
    created_at: int
    closed_on: int = 0
    reason: int = 0
    reclamation: Reclamation | None = None

    @property
    def live(self) -> bool:
        """Still owed resources, and still paying: a reclaiming lease is live (chain.md §10.15)."""
        return self.state in LIVE


@dataclass(frozen=True, slots=True)
class Deployment:
    id: DeploymentID
    state: str
    """active, closed"""
    hash: bytes
    """32 bytes: SHA-256 of the canonical manifest"""
    groups: tuple[Group, ...]


@dataclass(frozen=True, slots=True)
class Group:
    id: GroupID
    state: str
    """open, paused, insufficient_funds, closed"""
    spec: GroupSpec


@dataclass(frozen=True)
class Provider:
    """Without slots: what follows from the attributes is worked out once, not for every order."""

    owner: str
    host_uri: str
    attributes: Attributes
    audited: dict[str, Attributes] = field(default_factory=dict)
    """auditor address -> attributes it has signed for this provider"""

    @cached_property
    def storage_kinds(self) -> tuple[Attributes, ...]:
        return storage_groups(self.attributes)

    @cached_property
    def cards(self) -> Attributes:
        return gpu_capabilities(self.attributes)


@dataclass(frozen=True, slots=True)
class Deposit:
    """One contribution to an escrow account. Oldest first they are used up, and what is left goes back to its owner."""

    owner: str
    height: int
    source: str
    """balance, or grant: then the owner granted it to the account's, and gets the grant back too"""
    left: DecCoin


@dataclass(frozen=True, slots=True)
class EscrowAccount:
    """A deployment's escrow. `funds` may be negative: the debt of an overdrawn account."""

    deployment: DeploymentID
    state: str
    """open, closed, overdrawn"""
    settled_at: int
    funds: tuple[DecCoin, ...]
    deposits: tuple[Deposit, ...] = ()
    transferred: tuple[DecCoin, ...] = ()
    """what ever left it, debts aside"""

    @property
    def wedged(self) -> bool:
        """Open with a debt, which uakt has left behind while minting was halted: nothing is paid from it any more,
        though withdrawals succeed (chain-probes.md §6)."""
        return self.state == "open" and bool(self.funds) and self.funds[0].amount_e18 < 0


@dataclass(frozen=True, slots=True)
class LockedBid:
    """A bid of ours with what is locked for it."""

    bid: Bid
    account_state: str
    """open, closed; the deposit is back when it is closed"""
    deposits: tuple[Deposit, ...]


@dataclass(frozen=True, slots=True)
class EscrowPayment:
    """What one lease has earned. Amounts lag: they move only when the account is settled (chain.md §5.2)."""

    lease: LeaseID
    state: str
    rate: DecCoin
    balance_e18: int
    unsettled_e18: int
    withdrawn: Coin


@dataclass(frozen=True, slots=True)
class BidDeposit:
    """What one account has put up for one bid, and has not got back."""

    bid: BidID
    account: str
    coin: Coin


@dataclass(frozen=True, slots=True)
class MarketParams:
    bid_min_deposits: tuple[Coin, ...]
    order_max_bids: int
    min_reclamation_window_s: int
    max_reclamation_window_s: int


@dataclass(frozen=True, slots=True)
class OraclePrice:
    """What the chain's oracle says of one coin. A price that is no longer fed keeps its value and its time; only
    `healthy` tells (chain-probes.md §7)."""

    denom: str
    """the oracle's name, e.g. akt"""
    usd_e18: int
    """of a whole coin, averaged over the oracle's window"""
    time_unix_ns: int
    healthy: bool
    why: str = ""
    """what is wrong with it"""


@dataclass(frozen=True, slots=True)
class FeeAccount:
    """An account that pays our fees and no deposits: a hot key's, or that of whoever grants fees."""

    account: str
    balance: Mapping[str, int]
    """denomination -> micro-units"""
    kept: tuple[Coin, ...]
    """no bid is made while it holds less"""

    def lacking(self) -> tuple[Coin, ...]:
        return _short(self.balance, self.kept)


@dataclass(frozen=True, slots=True)
class Wallet:
    """What the account that pays the deposits of our bids can spend."""

    account: str
    balance: Mapping[str, int]
    """denomination -> micro-units, less the deposits that are on their way"""
    deposit: Coin
    """of one bid"""
    kept: tuple[Coin, ...] = ()
    """never to be touched by deposits: for fees, and what the operator wants kept"""
    sources: tuple[str, ...] = ("balance",)
    """what pays a deposit, in the order in which the chain takes it: balance, grant (chain.md §2.2)"""
    granted: int = 0
    """of the deposit's denomination, what others let us use for deposits, less what is on its way"""
    fees: FeeAccount | None = None
    """None where this account pays the fees too"""

    def lacking(self) -> tuple[Coin, ...]:
        """What this account misses for one more bid; () when it can be paid."""
        granted = self.granted if "grant" in self.sources else 0
        from_grants = min(self.deposit.amount, granted)
        if "balance" not in self.sources:
            missing = self.deposit.amount - from_grants
            return (Coin(self.deposit.denom, missing),) if missing else ()
        if self.sources[0] == "balance":  # the chain takes all there is before it looks at grants
            from_grants = min(from_grants, max(0, self.deposit.amount - self.balance.get(self.deposit.denom, 0)))
        needed = Coin(self.deposit.denom, self.deposit.amount - from_grants)
        return _short(self.balance, (needed, *self.kept))


def _short(balance: Mapping[str, int], wanted: Iterable[Coin]) -> tuple[Coin, ...]:
    """What is missing of all of it together."""
    needed: dict[str, int] = {}
    for coin in wanted:
        needed[coin.denom] = needed.get(coin.denom, 0) + coin.amount
    short = {denom: amount - balance.get(denom, 0) for denom, amount in needed.items()}
    return tuple(Coin(denom, amount) for denom, amount in short.items() if amount > 0)
