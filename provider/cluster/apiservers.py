"""Where the API servers are, which the network policies of leases name: one is opened to those who may ask it, and all
are closed to the rest where they have public addresses.

The subtle part is that addresses come and go while a control plane is restarted, one node after the other, and that a
single API server takes its own away before it ends. So none at all is never believed, and a change is told only once
it has lasted.
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
        """address and port of each, sorted; those known last while the cluster names none"""
        self._told: tuple[Address, ...] = ()
        self._timer: asyncio.TimerHandle | None = None

    def look(self) -> None:
        """What the cluster says may have changed."""
        self.now = tuple(sorted({address for found in self._seen() for address in found})) or self.now
        if not self._told:
            self._told = self.now  # for the first time: nothing was rendered without them
            return
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self.now != self._told:
            self._timer = asyncio.get_running_loop().call_later(LASTED_S, self._lasted)

    def _lasted(self) -> None:
        self._timer = None
        log.info("the API servers' addresses have changed", before=_texts(self._told), now=_texts(self.now))
        self._told = self.now
        self._changed()


def _texts(addresses: Iterable[Address]) -> list[str]:
    return [f"{address}:{port}" for address, port in addresses]
