"""What goes first when many messages wait: what ends a wrong, then what saves money, then what earns it. Pure."""

from __future__ import annotations

from enum import IntEnum

from provider.chain import messages as ask


class Priority(IntEnum):
    """Smaller goes first; within one, whoever came first."""

    CLOSE = 0
    RECLAIM = 1
    DRY = 2
    """a withdrawal that must come before the account is empty"""
    BID = 3
    ROUTINE = 4


def usual(msg: ask.Msg) -> Priority:
    """Of a message whose sender did not say."""
    match msg:
        case ask.CloseBid():
            return Priority.CLOSE
        case ask.StartReclaim():
            return Priority.RECLAIM
        case ask.CreateBid():
            return Priority.BID
    return Priority.ROUTINE
