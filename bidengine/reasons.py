"""A "no" with its reason: why an order gets no bid, in a fixed code for machines and a sentence for people.

`final` tells whether time can cure it: a final decline is never looked at again; another waits for room, money or a
setting.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Reason(StrEnum):
    """Fixed codes, most telling last: when several apply, the later one is reported. Part of the API: never renamed."""

    ORDER_GONE = "order-gone"
    MAINTENANCE = "maintenance"
    ORDER_TOO_OLD = "order-too-old"
    MAX_BIDS_REACHED = "max-bids-reached"
    OWNER_DENIED = "owner-denied"
    DENOM_UNSUPPORTED = "denom-unsupported"
    GROUP_INVALID = "group-invalid"
    LIMITS_EXCEEDED = "limits-exceeded"
    VOLUMES_EXCEEDED = "volumes-exceeded"
    ATTRIBUTES_MISMATCH = "attributes-mismatch"
    AUDIT_MISSING = "audit-missing"
    CAPABILITY_MISSING = "capability-missing"
    RECLAMATION_UNSUPPORTED = "reclamation-unsupported"
    NO_CPU = "no-cpu"
    NO_MEMORY = "no-memory"
    NO_STORAGE = "no-storage"
    NO_GPU = "no-gpu"
    NO_ENDPOINT = "no-endpoint"
    FRAGMENTED = "fragmented"
    PRICE_UNKNOWN = "price-unknown"
    PRICE_TOO_HIGH = "price-too-high"
    WALLET_TOO_LOW = "wallet-too-low"
    CHAIN_REFUSED = "chain-refused"


@dataclass(frozen=True, slots=True)
class Decline:
    reason: Reason
    detail: str
    final: bool
