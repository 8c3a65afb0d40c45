"""How much gas a transaction may use, and what that costs. Pure.

One simulation prices a whole batch. What it cannot see: the nonce that an unordered transaction writes, and what other
people's transactions add before ours is included; the adjustment covers the latter (chain-probes.md §4, recorded
scenarios 27).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from manifests.coins import E18, Coin
from provider.chain import messages as ask

FEE_DENOM = "uakt"
UNORDERED_EXTRA = 4_000
"""a simulation of an unordered transaction is 3,870 too low"""
_BASE = 60_000
_WITHOUT_SIMULATION: dict[type, int] = {
    ask.CreateBid: 140_000,
    ask.CloseBid: 300_000,
    ask.WithdrawLease: 300_000,
    ask.CreateLease: 240_000,
    ask.CloseLease: 300_000,
    ask.CloseDeployment: 600_000,
    ask.CloseGroup: 300_000,
    ask.CreateDeployment: 250_000,
}
_MAY_END_A_DEPLOYMENT = (ask.CloseBid, ask.WithdrawLease, ask.CloseLease, ask.CloseDeployment, ask.CloseGroup)
_THE_END = 5_000_000
"""its open bids are closed with it, each for some 69,000 (chain-probes.md §5)"""
MOST = 50_000_000
"""no simulation is believed above this, whoever says it; twenty groups with twenty bids each take some 28,000,000"""


@dataclass(frozen=True, slots=True)
class Belief:
    """Up to what a simulation is believed: of any node; when two say about the same; of a node that is the only
    one."""

    usual: int
    agreed: int = 0
    alone: int = 0


def limit(simulated: int, adjustment: float, *, unordered: bool, times: int = 1) -> int:
    """The gas limit for simulated gas; `times` is 2 for a transaction that has run out of gas before."""
    factor = Fraction(str(adjustment)) * times
    return _ceil((simulated + (UNORDERED_EXTRA if unordered else 0)) * factor)


def guess(messages: Iterable[ask.Msg]) -> int:
    """What a simulation would roughly have said, where the node offers none; from measured costs (chain-probes.md
    §5)."""
    return _BASE + sum(_WITHOUT_SIMULATION.get(type(m), 120_000) for m in messages)


def belief(messages: Sequence[ask.Msg], multiple: int) -> Belief:
    """Of any node so many times what is usual, and room for one deployment that ends with many bids. A deployment may
    have far more than those: more is believed where it is not one node's word, and of an only node what may be such an
    end."""
    ends = any(isinstance(m, _MAY_END_A_DEPLOYMENT) for m in messages)
    usual = min(MOST, multiple * guess(messages) + (_THE_END if ends else 0))
    return Belief(usual, agreed=MOST, alone=MOST if ends else usual)


def fee(gas_limit: int, price_e18: int) -> Coin:
    """Rounded up, as the node's own check does."""
    return Coin(FEE_DENOM, -(-gas_limit * price_e18 // E18))


def _ceil(value: Fraction) -> int:
    return -(-value.numerator // value.denominator)
