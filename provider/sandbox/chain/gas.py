"""What work costs. A fixed cost per record written, fitted to the totals of chain-probes §5: only *whether* a tx runs
out matters.

The totals land within some percent of a real node (a bid 121 k, a lease 164 k, closing grows with every bid closed),
because most of the real cost is writing records with their indexes. Gas numbers are never equal to those of a real
node.
"""

from __future__ import annotations

from .errors import ChainError

UNLIMITED = 2**64 - 1
"""gas_wanted of a simulation"""

READ_PARAMS = 1042
PER_BYTE = 10
FEES = 16_500
SIGNATURE = 14_500
SEQUENCE = 9_350
"""what an ordered tx costs more than an unordered one (chain-probes §4)"""
MESSAGE = 1_200
READ = 600
ROW = 560

WRITE = {
    "account": 7_000,
    "balance": 4_000,
    "provider": 21_000,
    "audit": 16_000,
    "cert": 32_000,
    "deployment": 14_000,
    "group": 18_500,
    "order": 24_500,
    "bid": 32_500,
    "lease": 26_500,
    "escrow_account": 25_500,
    "escrow_payment": 9_500,
}


class Meter:
    """Counts; raises sdk 11 when more was used than wanted."""

    def __init__(self, wanted: int) -> None:
        self.wanted, self.used = wanted, 0

    def use(self, amount: int, where: str) -> None:
        self.used += amount
        if self.used > self.wanted:
            text = f"out of gas in location: {where}; gasWanted: {self.wanted}, gasUsed: {self.used}: out of gas"
            raise ChainError("sdk", 11, text)
