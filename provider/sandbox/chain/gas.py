"""What work costs. A cost per record written and per byte of it, fitted to the totals of chain-probes §5: only
*whether* a tx runs out matters.

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
FEES = 19_500
SIGNATURE = 14_500
SEQUENCE = 9_350
"""what an ordered tx costs more than an unordered one (chain-probes §4)"""
MESSAGE = 1_200
READ = 600
ROW = 560

WRITE = {
    "account": 5_000,
    "balance": 4_000,
    "provider": 16_000,
    "audit": 12_000,
    "cert": 2_000,
    "deployment": 11_000,
    "group": 14_000,
    "order": 19_000,
    "bid": 29_000,
    "lease": 22_000,
    "escrow_account": 19_000,
    "escrow_payment": 4_000,
    "grant": 18_000,
    "allowance": 7_000,
    "bme_pending": 12_000,
    "oracle_price": 5_000,
    "oracle_latest": 5_000,
}
"""per record and its indexes"""
WRITE_PER_BYTE = 30


class Meter:
    """Counts; raises sdk 11 when more was used than wanted."""

    def __init__(self, wanted: int) -> None:
        self.wanted, self.used = wanted, 0

    def use(self, amount: int, where: str) -> None:
        self.used += amount
        if self.used > self.wanted:
            text = f"out of gas in location: {where}; gasWanted: {self.wanted}, gasUsed: {self.used}: out of gas"
            raise ChainError("sdk", 11, text)
