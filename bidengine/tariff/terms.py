"""What a price file says, as values: rates, rules about who pays more or less, what a lease costs us, and currencies.

Amounts are dollars ×10^18, a month unless their name says otherwise; shares are ×10^18 too (20 % is 2·10^17).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bidengine.autoprice import AutoPolicy
from manifests.coins import E18

UACT = "uact"


@dataclass(frozen=True, slots=True)
class Currency:
    """A denomination we take. Its price is of a whole coin (10^6 micro-units): fixed, or asked of the oracle."""

    usd_e18: int | None = E18
    oracle: str = ""
    """the oracle's name for the coin; "" where the price is fixed"""
    fallback_usd_e18: int | None = None
    """counts when the oracle's price is missing or too old"""
    max_age_s: int = 600
    haircut_e18: int = 0
    """so much less than its price the coin counts for, because turning it into dollars costs"""


@dataclass(frozen=True, slots=True)
class Reclamation:
    """What a promise of notice costs, per hour of the window."""

    share_e18: int = 0
    """of the price"""
    usd_e18: int = 0


@dataclass(frozen=True, slots=True)
class Floor:
    """What a lease costs us. What is not named costs nothing here; GPU keys are those of the prices."""

    usd_per_kwh_e18: int = 0
    cpu_watts_e18: int = 0
    """per core"""
    gpu_watts_e18: Mapping[str, int] = field(default_factory=dict)
    """per card"""
    cpu_usd_e18: int = 0
    memory_usd_e18: int = 0
    storage_usd_e18: Mapping[str, int] = field(default_factory=dict)
    gpu_usd_e18: Mapping[str, int] = field(default_factory=dict)
    fees_usd_e18: int = 0
    """transaction fees of one lease, once"""
    expected_lease_hours: int = 24
    """over which they are spread"""
    margin_e18: int = 0
    """what must be earned on top, as a share of the costs"""


@dataclass(frozen=True, slots=True)
class Tariff:
    """None, or a key that is missing, is "no price": an order that needs it is declined."""

    cpu_usd_e18: int
    """per core"""
    memory_usd_e18: int
    """per GiB"""
    storage_usd_e18: Mapping[str, int]
    """per GiB by class: `ephemeral`, `ram`, or the name of a persistent class"""
    gpu_usd_e18: Mapping[str, int]
    """per card by key (tariff/cards.py), e.g. `*` or nvidia/a100/80Gi/sxm"""
    endpoint_usd_e18: int | None = None
    ip_usd_e18: int | None = None
    minimum_usd_e18: int = 0
    """per lease"""
    change_e18: int = 0
    """on everything, as a share: -2·10^17 is a discount of 20 %"""
    attributes: Mapping[tuple[str, str], int] = field(default_factory=dict)
    """placement attribute an order demands -> factor ×10^18"""
    signed_by: Mapping[str, int] = field(default_factory=dict)
    """auditor an order names, or `*` for any -> factor ×10^18; the highest counts"""
    reclamation: Reclamation = Reclamation()
    floor: Floor = Floor()
    currencies: Mapping[str, Currency] = field(default_factory=lambda: {UACT: Currency()})
    auto: AutoPolicy = field(default_factory=AutoPolicy)
    owners: Mapping[str, Tariff] = field(default_factory=dict)
    """tenant -> the whole tariff in force for them"""

    def of(self, owner: str) -> Tariff:
        return self.owners.get(owner, self)
