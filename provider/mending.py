"""When what somebody has changed is made as it was again: at once, and less and less often where the change comes back,
so that two who disagree do not keep the API server busy. Pure.

Only a mending that was achieved counts. What stands for a while afterwards begins anew.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)

FIRST_S, MOST_S = 10.0, 3600.0
QUIET_S = 600.0
"""What has stood at least this long, and twice the wait that was due, begins anew."""


@dataclass(slots=True)
class _Mended:
    times: int
    last_s: float
    awaited: bool = False

    def wait_s(self, most_s: float) -> float:
        return min(FIRST_S * 2.0 ** min(self.times - 1, 30), most_s)


class Mending(Generic[K]):
    """Of leases, or of objects, by key. Times are those of one clock, in seconds; `most_s` is the longest wait."""

    def __init__(self, most_s: float = MOST_S) -> None:
        self._most_s = most_s
        self._mended: dict[K, _Mended] = {}

    def times(self, key: K) -> int:
        """How often lately."""
        found = self._mended.get(key)
        return found.times if found is not None else 0

    def wait_s(self, key: K, now_s: float) -> float | None:
        """None: mend it now. Else look at it again after this; 0 when that was said before."""
        found, left_s = self._mended.get(key), self.left_s(key, now_s)
        if found is None or not left_s:
            return None
        if found.awaited:
            return 0.0
        found.awaited = True
        return left_s

    def left_s(self, key: K, now_s: float) -> float:
        """How long until it may be mended again; 0 when it may now."""
        found = self._mended.get(key)
        return 0.0 if found is None else max(0.0, found.last_s + found.wait_s(self._most_s) - now_s)

    def mended(self, key: K, now_s: float) -> None:
        before = self._mended.get(key)
        again = before is not None and now_s - before.last_s <= max(2 * before.wait_s(self._most_s), QUIET_S)
        self._mended[key] = _Mended(before.times + 1 if before is not None and again else 1, now_s)

    def forget(self, key: K) -> None:
        self._mended.pop(key, None)
