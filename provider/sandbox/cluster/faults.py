"""Troubles to order: what a test, or a curious operator, switches on to see how the daemon takes it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from provider.sandbox.cluster.status import ApiError
from provider.sandbox.cluster.watch import Watch

_REASONS = {
    401: "Unauthorized",
    403: "Forbidden",
    404: "NotFound",
    409: "Conflict",
    429: "TooManyRequests",
    500: "InternalError",
    503: "ServiceUnavailable",
    504: "Timeout",
}
_LOST = -1


@dataclass(slots=True)
class _Order:
    left: int
    code: int
    method: str
    path: re.Pattern[str]
    retry_after_s: int | None
    after: int
    """matching requests that are served first"""


class Faults:
    """`fail_next` answers the next matching requests with an error; `lose_next` serves one and loses the answer;
    `stalled` lets requests wait; `cut_watches` ends what is open.
    """

    def __init__(self) -> None:
        self._orders: list[_Order] = []
        self._going = asyncio.Event()
        self._going.set()
        self._stalled = re.compile("")
        self.watches: set[Watch] = set()
        self.met = 0
        """requests that an ordered error has met"""

    def fail_next(
        self, count: int = 1, status: int = 500, *, method: str = "", path: str = "", retry_after_s: int | None = None,
        after: int = 0,
    ) -> None:  # fmt: skip
        """`path` is a regular expression searched in the path and query; an empty method means any."""
        self._orders.append(_Order(count, status, method.upper(), re.compile(path), retry_after_s, after))

    def lose_next(self, *, method: str = "", path: str = "", after: int = 0) -> None:
        """What it asks is done, and the connection breaks before the answer."""
        self._orders.append(_Order(1, _LOST, method.upper(), re.compile(path), None, after))

    @property
    def waiting(self) -> int:
        """Errors ordered that have not all been met."""
        return len(self._orders)

    def heal(self) -> None:
        """Forget every error that was ordered."""
        self._orders.clear()

    @asynccontextmanager
    async def stalled(self, path: str = "") -> AsyncIterator[None]:
        """Matching requests that arrive inside wait until the end."""
        self._stalled = re.compile(path)
        self._going.clear()
        try:
            yield
        finally:
            self._going.set()

    def cut_watches(self, *, garbage: bool = False) -> None:
        """End every open watch now, in the middle of a line when `garbage`."""
        for watch in self.watches:
            watch.cut(garbage=garbage)

    async def meet(self, method: str, path: str) -> bool:
        """Called for every request before it is served; whether its answer is to be lost."""
        if not self._going.is_set() and self._stalled.search(path):
            await self._going.wait()
        for order in self._orders:
            if order.left and order.method in ("", method) and order.path.search(path):
                if order.after:
                    order.after -= 1
                    continue
                order.left -= 1
                self.met += 1
                self._orders = [each for each in self._orders if each.left]
                if order.code == _LOST:
                    return True
                details = {"retryAfterSeconds": order.retry_after_s} if order.retry_after_s is not None else None
                reason = _REASONS.get(order.code, "InternalError")
                raise ApiError(order.code, reason, f"ordered by the test: {reason}", details)
        return False
