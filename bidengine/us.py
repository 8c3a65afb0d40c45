"""What we are and offer, as a rule may see it when it judges an order."""

from __future__ import annotations

from dataclasses import dataclass

from bidengine.views import MarketParams, Provider


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
