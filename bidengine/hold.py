"""One promise: an order's room on the cluster, from the moment a bid is weighed to the end of its lease."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from bidengine.placement import Placement
from manifests.ids import LeaseID, OrderID
from manifests.resources import GroupSpec


class HoldState(StrEnum):
    HELD = "held"
    """room is set aside, no bid has been sent"""
    BID = "bid"
    """a bid has been sent or is on chain"""
    LEASED = "leased"


@dataclass(frozen=True, slots=True)
class Hold:
    """`since` is the height at which it came into its state, `why` what brought it there."""

    order: OrderID
    spec: GroupSpec
    placement: Placement
    state: HoldState
    since: int
    lease: LeaseID | None = None
    why: str = ""

    @property
    def owner(self) -> str:
        return self.order.owner

    @property
    def seniority(self) -> tuple[int, int, OrderID]:
        """Leases before bids, older before younger: who goes first where room has become scarce."""
        return (HoldState.LEASED, HoldState.BID, HoldState.HELD).index(self.state), self.since, self.order
