"""Looks at our nodes: at start at all, then now and then at those that nobody asks anyway, so that another is known
to be well before it is needed, and one that failed is tried out without anybody waiting for it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from provider.chain.breaker import State
from provider.chain.comet import Comet
from provider.chain.endpoints import Endpoint, Endpoints
from provider.chain.nodes import Nodes
from provider.errors import AkpError, ConfigError, Unreachable

LOOK_S = 10.0


class Lookout:
    """`await look.check()`, then `run()` for ever."""

    def __init__(self, endpoints: Endpoints, comet: Comet, nodes: Nodes, *, every_s: float = LOOK_S) -> None:
        self._endpoints, self._comet, self._nodes, self._every_s = endpoints, comet, nodes, every_s

    async def check(self) -> None:
        """Every node's chain id. ConfigError when one serves another chain, which outweighs silence; Unreachable when
        none answers at one of the doors."""
        everyone = self._endpoints.all
        found = await self.look(everyone)
        for error in found:
            if isinstance(error, ConfigError):
                raise error
        for kind in ("rpc", "grpc"):
            if all(e.silent(kind) for e in everyone):
                told = "; ".join(e.door(kind).trouble for e in everyone)
                raise Unreachable(f"no node answers: {told}. Another one can be named in chain.nodes")

    async def run(self) -> None:
        """Never raises: what it finds out is in the endpoints."""
        while True:
            await asyncio.sleep(self._every_s)
            await self.look(e for e in self._endpoints.all if self._neglected(e))

    async def look(self, which: Iterable[Endpoint]) -> list[AkpError]:
        """At both doors of each, all at once; what went wrong."""
        looks = [look for e in which for look in (self._comet.look(e), self._nodes.look(e))]
        found = await asyncio.gather(*looks, return_exceptions=True)
        for error in found:
            if isinstance(error, BaseException) and not isinstance(error, AkpError):
                raise error
        return [error for error in found if isinstance(error, AkpError)]

    def _neglected(self, endpoint: Endpoint) -> bool:
        """Whether nobody's questions have told lately how it is, and it has rested if it failed."""
        now = self._endpoints.now()
        if any(door.breaker.state(now) is State.OPEN for door in endpoint.doors):
            return False
        return any(door.seen is None or door.seen < now - self._every_s for door in endpoint.doors)
