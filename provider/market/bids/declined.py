"""Orders that got no bid, remembered only to save work: which of them are worth another look, and from when on.

A final no is never looked at again. Another waits until something has changed that may cure it. Where a pricer gave no
price only new prices or time cut the wait short: a script costs processor time, so a room that moves is no reason to
ask it sooner. Times are the loop's, in seconds.
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass

from bidengine.reasons import Decline, Reason
from manifests.ids import OrderID

PRICER = frozenset({Reason.PRICER_FAILED, Reason.PRICER_DECLINED})
UNPRICED_AGAIN_S, UNPRICED_AGAIN_AT_MOST_S = 15.0, 600.0
"""A pricer is asked again after the first, then twice as late each time."""
_NOW = float("-inf")
_NEVER = float("inf")


@dataclass(slots=True)
class _Entry:
    no: Decline
    from_s: float = _NEVER
    """from when on it may be considered once more"""
    unpriced: int = 0
    """how often in a row a pricer gave no price"""


class Declined:
    def __init__(self) -> None:
        self._entries: dict[OrderID, _Entry] = {}

    def __contains__(self, order: OrderID) -> bool:
        return order in self._entries

    def __getitem__(self, order: OrderID) -> Decline:
        return self._entries[order].no

    def put(self, order: OrderID, no: Decline) -> float | None:
        """Remember; the seconds after which to look again, for a pricer's no."""
        unpriced = self._entries[order].unpriced if order in self._entries else 0
        entry = self._entries[order] = _Entry(no)
        if no.reason not in PRICER:
            return None
        entry.unpriced = unpriced + 1
        return min(UNPRICED_AGAIN_S * 2.0 ** min(unpriced, 30), UNPRICED_AGAIN_AT_MOST_S)

    def may(self, order: OrderID, now_s: float) -> bool:
        """Whether it may be considered, which uses up the leave given by `again`."""
        entry = self._entries.get(order)
        if entry is None:
            return True
        if entry.from_s > now_s:
            return False
        entry.from_s = _NEVER
        return True

    def left_s(self, order: OrderID, now_s: float) -> float | None:
        """How long until it may be considered; None when only something else that happens can bring that about."""
        entry = self._entries.get(order)
        return max(0.0, entry.from_s - now_s) if entry is not None and entry.from_s != _NEVER else None

    def again(self, order: OrderID, from_s: float = _NOW) -> None:
        """It may be considered once more, at once or from then on; nothing to do for one that is not declined."""
        if order in self._entries:
            self._entries[order].from_s = from_s

    def curable(self, known: Container[OrderID], *, anew: bool = False, prices_changed: bool = False) -> list[OrderID]:
        """Those that may be considered now that something has changed. `anew`: the policy has, and with it what counts
        as final; only what the chain has refused for good stays refused. Those not in `known` are over."""
        self.forget(known)
        out = []
        for order, entry in self._entries.items():
            if prices_changed:
                entry.unpriced = 0
            if entry.no.reason in PRICER and not prices_changed:
                continue
            if not entry.no.final or (anew and entry.no.reason is not Reason.CHAIN_REFUSED):
                entry.from_s = _NOW
                out.append(order)
        return out

    def drop(self, order: OrderID) -> None:
        self._entries.pop(order, None)

    def forget(self, known: Container[OrderID]) -> None:
        """Orders that are over."""
        for order in [order for order in self._entries if order not in known]:
            del self._entries[order]
