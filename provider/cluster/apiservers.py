"""Where the API servers are, which the network policies of leases name: one is opened to those who may ask it, and all
are closed to the rest where they have public addresses.

The subtle part is that addresses come and go while a control plane is restarted, one node after the other, and that a
single API server takes its own away before it ends. So none at all is never believed, and a change counts only once it
has lasted: leases that are looked at meanwhile keep their policies.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

import structlog

Address = tuple[str, int]
log = structlog.get_logger()
LASTED_S = 30.0


class ApiServers:
    """`seen()` is what the cluster says now; `changed()` is called when that has become another and stayed so."""

    def __init__(self, seen: Callable[[], Iterable[tuple[Address, ...]]], changed: Callable[[], None]) -> None:
        self._seen, self._changed = seen, changed
        self.now: tuple[Address, ...] = ()
        """address and port of each, sorted"""
        self._latest: tuple[Address, ...] = ()
        """the same as last seen, those known before while the cluster names none"""
        self._timer: asyncio.TimerHandle | None = None

    def look(self) -> None:
        """What the cluster says may have changed."""
        self._latest = tuple(sorted({address for found in self._seen() for address in found})) or self._latest
        if not self.now:
            self.now = self._latest  # for the first time: nothing was rendered without them
            return
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._latest != self.now:
            self._timer = asyncio.get_running_loop().call_later(LASTED_S, self._lasted)

    def _lasted(self) -> None:
        self._timer = None
        log.info("the API servers' addresses have changed", before=_texts(self.now), now=_texts(self._latest))
        self.now = self._latest
        self._changed()


def _texts(addresses: Iterable[Address]) -> list[str]:
    return [f"{address}:{port}" for address, port in addresses]
