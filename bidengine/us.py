"""What we are and offer, as a rule may see it when it judges an order."""

from __future__ import annotations

from dataclasses import dataclass, field

from bidengine.policy import Policy
from bidengine.views import MarketParams, Provider, Wallet


@dataclass(frozen=True, slots=True)
class Us:
    provider: Provider
    """as registered on chain now, with what auditors have signed"""
    market: MarketParams
    max_volumes: int
    """most volumes per resource unit"""
    offered_denoms: frozenset[str]
    """denominations we take as payment"""
    reclamation_window_s: int
    """longest notice we promise before taking resources back; 0 promises none"""
    bids_on_order: int
    """bids on the order that count against the market's limit: open, active and closed, not lost (chain.md §2.2)"""
    maintenance: bool
    """no new bids, leases go on"""
    height: int
    now_unix_s: int = 0
    """the chain's time"""
    block_time_ms: int = 6000
    policy: Policy = field(default_factory=Policy)
    promised_to_owner: int = 0
    """orders of the same tenant that we hold room for, bid on or run"""
    wallet: Wallet | None = None
    """None while it is not known"""
    maintenance_why: str = ""
