"""A circuit breaker: a door that failed is left alone for a while, then one caller tries it, and only that one's
success lets everybody back in.

Pure: the time is an argument, in seconds of any clock that only goes forward.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

FIRST_REST_S = 2.0
LONGEST_REST_S = 60.0
PROBE_S = 15.0
"""a probe that has not come back after this long (its caller was cancelled) is given to somebody else"""


class State(Enum):
    CLOSED = "closed"
    """all is well, everybody may pass"""
    OPEN = "open"
    """it failed a moment ago, nobody should"""
    HALF_OPEN = "half-open"
    """it has rested; one probe decides"""


@dataclass(slots=True)
class Breaker:
    """Each failure in a row doubles the rest, up to a minute. Calls that were under way together and fail together
    count once: they tell of the same trouble."""

    failures: int = 0
    rests_until: float = 0.0
    _probe_until: float = 0.0

    def state(self, now: float) -> State:
        if not self.failures:
            return State.CLOSED
        return State.OPEN if now < self.rests_until else State.HALF_OPEN

    def admits(self, now: float) -> bool:
        """Whether a caller may pass now. Half open, the first who asks becomes the probe."""
        state = self.state(now)
        if state is State.HALF_OPEN and now >= self._probe_until:
            self._probe_until = now + PROBE_S
            return True
        return state is State.CLOSED

    def failed(self, now: float) -> None:
        if self.state(now) is State.OPEN:
            return
        self.rests_until = now + min(FIRST_REST_S * 2.0 ** min(self.failures, 10), LONGEST_REST_S)
        self.failures += 1
        self._probe_until = 0.0

    def answered(self) -> None:
        self.failures, self.rests_until, self._probe_until = 0, 0.0, 0.0
