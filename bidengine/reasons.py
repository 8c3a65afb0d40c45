"""A "no" with its reason: why an order gets no bid, in a fixed code for machines and a sentence for people.

`final` tells whether time can cure it: a final decline is never looked at again; another waits for room, money or a
setting.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Reason(StrEnum):
    """Fixed codes (product.md §6.3), most telling last: when several apply, the later one is reported. Part of the API:
    never renamed."""

    ORDER_GONE = "skip.order_gone"
    MAINTENANCE = "skip.maintenance"
    ORDER_TOO_OLD = "skip.order_too_old"
    MAX_BIDS_REACHED = "skip.max_bids"
    QUOTA_REACHED = "skip.policy.quota"
    LISTS_UNKNOWN = "skip.policy.lists"
    OWNER_NOT_ALLOWED = "skip.owner_not_allowed"
    OWNER_DENIED = "skip.owner_denied"
    DENOM_UNSUPPORTED = "skip.denom"
    GROUP_INVALID = "skip.policy.group"
    ORDER_ATTRIBUTES = "skip.policy.order_attributes"
    LIMITS_EXCEEDED = "skip.policy.limits"
    VOLUMES_EXCEEDED = "skip.policy.volumes"
    ATTRIBUTES_MISMATCH = "skip.attributes"
    AUDIT_MISSING = "skip.audit_signature"
    CAPABILITY_MISSING = "skip.capability"
    TEE_UNSUPPORTED = "skip.tee"
    RECLAMATION_UNSUPPORTED = "skip.reclaim_window"
    NO_AGGREGATE = "skip.capacity.aggregate"
    NO_STORAGE_CLASS = "skip.capacity.storage_class"
    NO_GPU_MODEL = "skip.capacity.gpu_model"
    NO_IP = "skip.capacity.ip"
    NO_NODE_PORT = "skip.capacity.nodeport"
    NO_NODE_FIT = "skip.capacity.node_fit"
    CPU_ON_GPU_NODE = "skip.capacity.cpu_on_gpu_node"
    NO_RUNTIME_CLASS = "skip.capacity.runtime_class"
    ORACLE_STALE = "skip.oracle_stale"
    PRICER_FAILED = "skip.price.pricer_failed"
    """a script or service that was asked for the price gave none"""
    PRICER_DECLINED = "skip.price.pricer_declined"
    """... said that it does not want the order"""
    PRICE_UNKNOWN = "skip.price.no_rate"
    PRICE_BELOW_FLOOR = "skip.price.below_floor"
    PRICE_TOO_HIGH = "skip.price.above_max"
    WALLET_TOO_LOW = "skip.wallet_low"
    CHAIN_REFUSED = "fail.tx"
    """`code` says more: fail.tx.market.24"""


@dataclass(frozen=True, slots=True)
class Decline:
    reason: Reason
    detail: str
    final: bool
    chain_code: str = ""
    """codespace and code of a refusal by the chain, e.g. market.24"""

    @property
    def code(self) -> str:
        """For the ledger, metrics and people: the reason, as precise as it is known."""
        return f"{self.reason}.{self.chain_code}" if self.chain_code else self.reason.value
