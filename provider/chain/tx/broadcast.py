"""Hand a transaction to a node, or try it out there. What the node says comes back as a value; only silence is
raised."""

from __future__ import annotations

from dataclasses import dataclass

from provider.chain.nodes import NodeError, Nodes, NotOffered
from provider.chain.tx.classify import ACCEPTED_ALREADY
from provider.chain.wire import message
from provider.errors import Refused

_SERVICE = "cosmos.tx.v1beta1.Service"
_SYNC = 2


@dataclass(frozen=True, slots=True)
class Answer:
    """The node's first check of a transaction. Code 0: it is in that node's mempool, no more (chain.md §4.5)."""

    code: int
    codespace: str
    log: str

    @property
    def accepted(self) -> bool:
        return self.code == 0 or (self.codespace == "sdk" and self.code == ACCEPTED_ALREADY)


@dataclass(frozen=True, slots=True)
class Simulation:
    """`gas_used` when it went well, else the node's text; `offered` is False where the node does not simulate at
    all."""

    gas_used: int = 0
    error: str = ""
    offered: bool = True


@dataclass(frozen=True, slots=True)
class Found:
    """A transaction that a block holds."""

    height: int
    code: int
    codespace: str
    log: str
    gas_used: int


async def broadcast(nodes: Nodes, tx: bytes, *, timeout: float = 15.0) -> Answer:
    """Unreachable and other Retry when no node answered; it may have arrived all the same, so send the same bytes
    again."""
    request = message("cosmos.tx.v1beta1.BroadcastTxRequest")(tx_bytes=tx, mode=_SYNC)
    try:
        answer, _ = await nodes.call(_SERVICE, "BroadcastTx", request, timeout=timeout)
    except Refused as no:  # by the node or a proxy before it: nothing was taken
        return Answer(1, "undefined", str(no))
    r = answer.tx_response
    return Answer(r.code, r.codespace, r.raw_log)


async def simulate(nodes: Nodes, tx: bytes, *, timeout: float = 30.0) -> Simulation:
    """Run it on the last block's state. Retry when no node answered."""
    request = message("cosmos.tx.v1beta1.SimulateRequest")(tx_bytes=tx)
    try:
        answer, _ = await nodes.call(_SERVICE, "Simulate", request, timeout=timeout)
    except NodeError as error:
        return Simulation(error=error.details)
    except NotOffered:
        return Simulation(offered=False)
    except Refused as error:
        return Simulation(error=str(error))
    return Simulation(gas_used=answer.gas_info.gas_used)


async def find(nodes: Nodes, tx_hash: str, *, timeout: float = 15.0) -> Found | None:
    """By hash; None when the node knows of no block that holds it, or keeps no index of transactions. Retry when no
    node answered."""
    request = message("cosmos.tx.v1beta1.GetTxRequest")(hash=tx_hash)
    try:
        answer, _ = await nodes.call(_SERVICE, "GetTx", request, timeout=timeout)
    except (Refused, NodeError):
        return None
    r = answer.tx_response
    return Found(r.height, r.code, r.codespace, r.raw_log, r.gas_used)
