"""What to do about an order now, from what the chain says and what we hold. Nothing is remembered: ask again any time.

The answer is a tuple of steps to take in their order, never empty. The table (chain.md §6.1, §6.4):

    our lease    our bid        order            hold      →
    any          any            any              any       Nothing: the lease flow has it
    none         open           open             any       Keep until the bid times out, then CloseBid (the hold stays:
                                                           the tenant may accept until the chain closes the bid)
    none         open           over, a block    any       Release, CloseBid: we have lost and nobody tells us
                                has told it
    none         open           active, closed,  any       CloseBid, before the time-out only once that is sure: it is
                                or unknown                 an answer of one node. The hold goes then, or with the bid
    none         active         any              any       Keep: the lease is about to be seen
    none         lost, closed   any              yes / no  Release / Nothing: one bid per order, for ever
    none         none           open             bid       Keep until the transaction can no longer be included, then
                                                           Release, Consider
    none         none           open             leased    Release, Consider: the lease is not there (any more)
    none         none           open             other     Consider
    none         none           not open         yes / no  Release / Nothing

A bid is closed only when the chain shows it open and ours.
"""

from __future__ import annotations

from dataclasses import dataclass

from bidengine.room import Hold, HoldState
from bidengine.views import Bid, CloseReason, Lease, Order


@dataclass(frozen=True, slots=True)
class Consider:
    """Screen, fit, price and bid."""


@dataclass(frozen=True, slots=True)
class Keep:
    """Leave it; look again at `until` (a height), or when something happens if that is None."""

    until: int | None = None


@dataclass(frozen=True, slots=True)
class CloseBid:
    """Take our open bid back, which frees its deposit."""

    reason: CloseReason
    why: str
    lost: bool = False
    """because the order is over"""
    unsure: bool = False
    """of that a second node must be asked, and the hold stays until it has said the same"""


@dataclass(frozen=True, slots=True)
class Release:
    """Give the room back."""


@dataclass(frozen=True, slots=True)
class Nothing:
    """Over, or another's business."""


Step = Consider | Keep | CloseBid | Release | Nothing

SENT_BLOCKS = 20
"""A transaction not seen in so many blocks is not coming; it would be refused as a duplicate if it came after all."""


def outlook(
    order: Order | None,
    our_bid: Bid | None,
    our_lease: Lease | None,
    hold: Hold | None,
    *,
    height: int,
    bid_timeout_s: int,
    block_time_ms: int,
    order_over: bool = False,
    sent_blocks: int = SENT_BLOCKS,
) -> tuple[Step, ...]:
    """See the table above. `order` is None when the chain does not have it, `order_over` once a block has told its end,
    `our_lease` is ours whatever its state, a `bid_timeout_s` of 0 never gives up a bid."""
    open_order = order is not None and order.state == "open"
    if our_lease is not None:
        return (Nothing(),)
    match our_bid.state if our_bid is not None else None:
        case "open" if our_bid is not None:
            until = bid_timeout_height(our_bid.created_at, bid_timeout_s, block_time_ms)
            return _bidding(order, order_over, until, height, bid_timeout_s)
        case "active":
            return (Keep(),)
        case None if open_order:
            return _unbid(hold, height, sent_blocks)
        case _:
            return (Release(),) if hold is not None else (Nothing(),)


def bid_timeout_height(created_at: int, bid_timeout_s: int, block_time_ms: int) -> int | None:
    """The first height at which a bid is older than the timeout; None when there is none. Counted from the height the
    chain gave the bid, so a restart does not prolong it (product.md D4)."""
    if bid_timeout_s <= 0:
        return None
    return created_at + -(-bid_timeout_s * 1000 // max(block_time_ms, 1))


def blocks_within(period_s: int, block_time_ms: int) -> int:
    """Whole blocks that pass in a period, at least one."""
    return max(1, period_s * 1000 // max(1, block_time_ms))


def _bidding(
    order: Order | None, order_over: bool, until: int | None, height: int, bid_timeout_s: int
) -> tuple[Step, ...]:
    state = "gone" if order is None else order.state
    left_open = f"the order is {state} and the bid was left open"
    if order_over:
        return Release(), CloseBid(CloseReason.UNSPECIFIED, left_open, lost=True)
    if until is not None and height >= until:  # ours to give up, whatever the order is
        return (CloseBid(CloseReason.UNSPECIFIED, f"not accepted within {bid_timeout_s} s"),)
    if state != "open":
        return (CloseBid(CloseReason.UNSPECIFIED, left_open, lost=True, unsure=True),)
    return (Keep(until),)


def _unbid(hold: Hold | None, height: int, sent_blocks: int) -> tuple[Step, ...]:
    if hold is None or hold.state is HoldState.HELD:
        return (Consider(),)
    if hold.state is HoldState.LEASED:
        return Release(), Consider()
    until = hold.since + sent_blocks
    return (Keep(until),) if height < until else (Release(), Consider())
