"""What can be made to go wrong with the sandbox's node: switches to set, and outages that end by themselves.

A switch changes what the servers say, never what the chain is: behind a lagging or silent node the blocks go on. The
two exceptions are orders to the node itself: `Node.cut_connections` and `Node.reset`.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass


@dataclass(slots=True)
class Chaos:
    """Set a field at any time; everything starts harmless."""

    lag_blocks: int = 0
    """every answer and announcement is as of this many blocks ago"""
    late_results: int = 0
    """this many newest heights are in `status`, but their block_results cannot be found yet"""
    catching_up: bool = False
    """`status` says so"""
    silent_websockets: bool = False
    """subscribers hear nothing, their sockets stay open"""
    duplicate_events: bool = False
    """every event is in block_results twice, and every push over a websocket comes twice"""
    lose_txs: int = 0
    """this many of the next accepted transactions vanish from the mempool (and stay in its cache)"""
    mempool_full: bool = False
    """no transaction gets in"""
    refuse_simulations: int = 0
    """this many of the next simulations fail without a reason that would concern the transaction"""
    prune_below: int = 0
    """blocks and states below this height are gone"""
    slow_s: float = 0.0
    """every answer, over any door, takes this much longer"""
    producing: bool = True
    """False: no blocks by themselves; `step` still works"""
    _rpc_status: int = 0
    _rpc_until: float = 0.0
    _grpc_status: str = ""
    _grpc_until: float = 0.0

    def fail_rpc(self, status: int = 503, for_s: float | None = None) -> None:
        """Answer HTTP (RPC, REST and websocket hand-shakes) with this status for a while; None: until `heal`."""
        self._rpc_status, self._rpc_until = status, _until(for_s)

    def fail_grpc(self, for_s: float | None = None, status: str = "UNAVAILABLE") -> None:
        """Answer every gRPC call with this status for a while; None: until `heal`. RESOURCE_EXHAUSTED is gRPC's 429."""
        self._grpc_status, self._grpc_until = status, _until(for_s)

    def heal(self) -> None:
        """End both outages."""
        self._rpc_until = self._grpc_until = 0.0

    @property
    def rpc_status(self) -> int | None:
        """The HTTP status to answer with now, None when all is well."""
        return self._rpc_status if _now() < self._rpc_until else None

    @property
    def grpc_status(self) -> str | None:
        return self._grpc_status if _now() < self._grpc_until else None

    @property
    def grpc_down(self) -> bool:
        return self.grpc_status is not None

    async def dawdle(self) -> None:
        """What every door does before it answers."""
        if self.slow_s > 0:
            await asyncio.sleep(self.slow_s)


def _now() -> float:
    return asyncio.get_running_loop().time()


def _until(for_s: float | None) -> float:
    return float("inf") if for_s is None else _now() + for_s
