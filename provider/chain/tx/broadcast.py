"""Hand a transaction to a node, or try it out there. What the node says comes back as a value; only silence is
raised."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import structlog

from provider.chain.endpoints import Endpoint
from provider.chain.nodes import Barred, Doubted, NodeError, Nodes, NotOffered
from provider.chain.tx import gas
from provider.chain.tx.classify import ACCEPTED_ALREADY, Verdict, classify
from provider.chain.tx.gas import FEE_DENOM, Belief
from provider.chain.tx.price import demanded
from provider.chain.wire import message
from provider.errors import AkpError, ConfigError, Refused, Retry, Unreachable

_SERVICE = "cosmos.tx.v1beta1.Service"
_SYNC = 2
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Answer:
    """The node's first check of a transaction. Code 0: it is in that node's mempool, no more (chain.md §4.5)."""

    code: int
    codespace: str
    log: str
    wanted_e18: int = 0
    """of one that refuses the fee: the gas price it wants, in uakt ×10^18, where it has told one that is believed"""

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


async def broadcast(nodes: Nodes, tx: bytes, *, most_price_e18: int, timeout: float | None = None) -> Answer:
    """The first answer of a node, the same bytes given to one after the other; one that wants a gas price above
    `most_price_e18`, or refuses the very price it tells, is passed over. Unreachable and other Retry when no node
    answered, or when one refuses what a silent one before it may have taken: send the same bytes again."""
    request = message("cosmos.tx.v1beta1.BroadcastTxRequest")(tx_bytes=tx, mode=_SYNC)
    trouble: AkpError | None = None
    passed: Answer | None = None
    """over, as the next one may take it"""
    for endpoint in nodes.asked():
        try:
            found, _ = await nodes.call(_SERVICE, "BroadcastTx", request, timeout=timeout, of=endpoint)
            r = found.tx_response
            answer = Answer(r.code, r.codespace, r.raw_log)
        except Refused as no:  # by the node or a proxy before it: nothing was taken
            answer = Answer(1, "undefined", str(no))
        except NodeError:
            raise
        except Barred as no:  # by a proxy that is read-only, say: the next one may take it
            passed = passed or Answer(1, "undefined", str(no))
            continue
        except Retry as silent:
            trouble = silent
            continue
        except ConfigError as foreign:  # a node of another chain was not given it
            trouble = trouble or foreign
            continue
        if classify(answer.codespace, answer.code, answer.log) is Verdict.FEE:
            wanted = await _wanted(nodes, endpoint, tx, most_price_e18)
            if wanted is None:
                passed = answer
                continue
            answer = replace(answer, wanted_e18=wanted)
        if isinstance(trouble, Retry) and not answer.accepted:
            # A nonce that was used already, say: by these very bytes, through the node that did not answer.
            raise Unreachable(f"{trouble}; and another node refuses it: {answer.log}")
        return answer
    if passed is not None and not isinstance(trouble, Retry):
        return passed
    assert trouble is not None  # there is at least one node (settings)
    raise trouble


async def _wanted(nodes: Nodes, endpoint: Endpoint, tx: bytes, most_price_e18: int) -> int | None:
    """The gas price of a node that has refused the fee; 0 when it does not tell, None when it is to be passed over."""
    try:
        wanted = await demanded(nodes, most_price_e18, of=endpoint)
    except Doubted:
        return None
    except AkpError:
        return 0  # who is told of the refusal asks for the price again
    offered, enough = _fees(tx, wanted)
    if offered < enough:
        return wanted
    log.warning(
        "a node is not believed and passed over", node=endpoint.name, asked="BroadcastTx",
        why=f"it refuses a fee of {offered}{FEE_DENOM}, and {enough}{FEE_DENOM} are enough by the gas price it tells",
    )  # fmt: skip
    return None


def _fees(tx: bytes, price_e18: int) -> tuple[int, int]:
    """What a transaction pays, and what it would have to at this price."""
    raw = message("cosmos.tx.v1beta1.TxRaw").FromString(tx)
    fee = message("cosmos.tx.v1beta1.AuthInfo").FromString(raw.auth_info_bytes).fee
    offered = sum(int(coin.amount) for coin in fee.amount if coin.denom == FEE_DENOM)
    return offered, gas.fee(fee.gas_limit, price_e18).amount


async def simulate(nodes: Nodes, tx: bytes, belief: Belief, *, timeout: float = 30.0) -> Simulation:
    """Run it on the last block's state. A node that says more than is believed is passed over. Retry when no node
    answered, Doubted when none is left that is believed."""
    far: list[int] = []
    """what nodes before have said"""

    def doubt(answer: Any) -> str:
        used = answer.gas_info.gas_used
        if used <= belief.usual:
            return ""
        if nodes.only_one and used <= belief.alone:
            log.warning("a simulation far above the usual is believed, there is no second node", gas=used)
            return ""
        if used <= belief.agreed and any(_alike(used, other) for other in far):
            log.warning("a simulation far above the usual is believed, two nodes say about the same", gas=used)
            return ""
        far.append(used)
        return f"it simulates {used} gas, above the {belief.usual} one node is believed (chain.max_gas_multiple)"

    request = message("cosmos.tx.v1beta1.SimulateRequest")(tx_bytes=tx)
    try:
        answer, _ = await nodes.call(_SERVICE, "Simulate", request, timeout=timeout, doubt=doubt)
    except NodeError as error:
        return Simulation(error=error.details)
    except NotOffered:
        return Simulation(offered=False)
    except Refused as error:
        return Simulation(error=str(error))
    return Simulation(gas_used=answer.gas_info.gas_used)


def _alike(a: int, b: int) -> bool:
    """Within a tenth: they may be some blocks apart, and bids have come meanwhile."""
    return 10 * abs(a - b) <= max(a, b)


async def find(nodes: Nodes, tx_hash: str, *, timeout: float | None = None) -> Found | None:
    """By hash; None when the node knows of no block that holds it, or keeps no index of transactions. Retry when no
    node answered."""
    request = message("cosmos.tx.v1beta1.GetTxRequest")(hash=tx_hash)
    try:
        answer, _ = await nodes.call(_SERVICE, "GetTx", request, timeout=timeout)
    except (Refused, NodeError):
        return None
    r = answer.tx_response
    return Found(r.height, r.code, r.codespace, r.raw_log, r.gas_used)
