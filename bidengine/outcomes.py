"""Codes for what became of an order, beside the reasons for no bid (reasons.py) and as fixed as they are (product.md
§6.3).

`rank` says how much a code settles: whoever keeps one code for an order replaces it only by one that settles more.
"""

from __future__ import annotations

BID = "bid"
"""sent, waiting for an answer"""
UNKNOWN = "lost.unknown"
WITHDRAWN = "lost.withdrawn"
TIMEOUT = "lost.timeout"
ORDER_CLOSED = "lost.order_closed"
LOST_PRICE = "lost.price"
LOST_NOT_PRICE = "lost.not_price"
WON = "won"
NO_MANIFEST = "won.no_manifest"
FAILED_START = "won.failed_start"

LOST_TO_SOMEBODY = 3
"""from this rank on a tenant has chosen"""
OURS = 4
"""from this rank on it is, or was, our lease"""
_RANKS = {
    TIMEOUT: 2,
    ORDER_CLOSED: 2,
    LOST_PRICE: LOST_TO_SOMEBODY,
    LOST_NOT_PRICE: LOST_TO_SOMEBODY,
    WON: OURS,
}


def rank(outcome: str) -> int:
    """0 what we say ourselves (skip.*, fail.*, bid), then lost without a winner, lost to one, won, and how a lease
    failed."""
    return _RANKS.get(outcome, OURS + 1 if outcome.startswith("won.") else 1 if outcome.startswith("lost.") else 0)
