"""The gRPC side of our nodes: one call, asked of the best node, and of the next one when that does not answer.

Foreign errors end here: a status code becomes one of provider.errors. The one subtlety is a node that lags: it answers
readily, but about the past. Answers carry the height they are true for, and `floor` is the height we have already
acted upon.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any

import grpc
import structlog

from provider.chain import wire
from provider.chain.endpoints import Endpoint, Endpoints, check_chain_id
from provider.errors import AkpError, ConfigError, NotFound, Pruned, Refused, Retry, Unreachable

HEIGHT = "x-cosmos-block-height"
ANSWER_S = 15.0
LOOK_S = 5.0
"""longest waits for an answer, and for the latest block of a node that is only looked at"""
log = structlog.get_logger()


class NodeError(Retry):
    """The node answered UNKNOWN or INTERNAL: an error of its own, a failed simulation, or a limit. `details` is its
    text."""

    def __init__(self, what: str, details: str) -> None:
        self.details = details
        super().__init__(what)


class NotOffered(Refused):
    """The node does not know the method: an old or foreign one, or one with the service switched off."""


class Lagging(Retry):
    """The node has not reached the height asked for."""


class Barred(Retry):
    """A proxy before the node let us not in, which the chain itself never says; the node has not seen the call."""


class Doubted(Retry):
    """The node's answer is not believed by who asked."""


class Nodes:
    """`async with Nodes(endpoints, chain_id) as nodes: answer, height = await nodes.call("akash.market.v1beta5.Query",
    "Order", request)`"""

    def __init__(self, endpoints: Endpoints, chain_id: str) -> None:
        self._chain_id, self._endpoints = chain_id, endpoints
        self._channels: dict[str, grpc.aio.Channel] = {}
        self._stubs: dict[tuple[str, str], Any] = {}
        self.floor = 0
        """An unpinned answer must not be older than this height was when it was asked for."""

    async def __aenter__(self) -> Nodes:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for channel in self._channels.values():
            await channel.close(None)

    async def call(
        self,
        service: str,
        method: str,
        request: Any,
        *,
        height: int | None = None,
        timeout: float | None = None,
        of: Endpoint | None = None,
        doubt: Callable[[Any], str] = lambda answer: "",
    ) -> tuple[Any, int | None]:
        """The answer, and the height it is true for where the node says so.

        NotFound and Refused are the node's word and end the call; Unreachable, Lagging and other troubles of a node
        send it to the next one, and are raised when no node is left. So do a height that one node has thrown away and
        another may still keep, and an error of the node's own, unless it answers a simulation. The request goes out
        unchanged, so a broadcast is the same bytes everywhere. `of` is one node to be asked and no other. `doubt` says
        why an answer is not believed, "" when it is: then the node is passed over, and Doubted when no other is left.
        """
        trouble: AkpError | None = None
        floor = self.floor  # blocks that come while a node answers do not make its answer a late one
        for endpoint in self.asked() if of is None else [of]:
            if isinstance(trouble, Lagging | Pruned | NodeError | Doubted) and endpoint.silent("grpc"):
                break
            try:
                if not endpoint.grpc.checked:
                    await self.look(endpoint)
                answer, served = await self._ask(endpoint, service, method, request, height, timeout or ANSWER_S, floor)
                if why := doubt(answer):
                    log.warning("a node is not believed and passed over", node=endpoint.name, asked=method, why=why)
                    raise Doubted(f"{method} at {endpoint.grpc.address}: {why}")
                return answer, served
            except (Retry, Pruned) as found:
                if isinstance(found, NodeError) and method == "Simulate":
                    raise
                if not isinstance(trouble, NodeError | Doubted):  # an answer tells more than silence
                    trouble = found
            except ConfigError as found:
                trouble = trouble or found
            except NotOffered as unknown:
                lost = await self._lost(endpoint)
                if lost is None:
                    raise unknown from None
                trouble = trouble or lost
        assert trouble is not None  # there is at least one address (settings)
        raise trouble

    @property
    def only_one(self) -> bool:
        return len(self._endpoints.all) == 1

    def asked(self) -> Iterator[Endpoint]:
        """As `call` asks them, the best first; take the next only when it is to be asked."""
        return self._endpoints.asked("grpc")

    async def look(self, endpoint: Endpoint) -> None:
        """Ask one node for its latest block. ConfigError when it serves another chain, Retry when it gives none."""
        request = wire.message("cosmos.base.tendermint.v1beta1.GetLatestBlockRequest")()
        since, best = self._endpoints.now(), self._endpoints.best
        try:
            answer, _ = await self._ask(
                endpoint, "cosmos.base.tendermint.v1beta1.Service", "GetLatestBlock", request, 0, LOOK_S, self.floor
            )
        except Refused as no:  # every node has one
            nobody = Unreachable(f"no node there: {no}")
            self._failed(endpoint, "GetLatestBlock", nobody)
            raise nobody from None
        header = answer.sdk_block.header
        try:
            check_chain_id(endpoint, endpoint.grpc.address, header.chain_id, self._chain_id)
        except ConfigError as error:
            self._failed(endpoint, "GetLatestBlock", error)
            raise
        endpoint.grpc.checked = True
        self._endpoints.answered(endpoint, "grpc", height=header.height or None, best=best, since=since)

    async def _lost(self, endpoint: Endpoint) -> AkpError | None:
        """After a method that was not known: why there is no node behind the address now, such as a proxy that lacks
        its own; None when there is one."""
        try:
            await self.look(endpoint)
        except (Retry, ConfigError) as found:
            return found
        return None

    def _failed(self, endpoint: Endpoint, method: str, error: AkpError) -> None:
        self._endpoints.failed(endpoint, "grpc", str(error))
        log.warning("node does not answer", node=endpoint.name, asked=method, why=str(error))

    async def _ask(
        self,
        endpoint: Endpoint,
        service: str,
        method: str,
        request: Any,
        height: int | None,
        timeout: float,
        floor: int,
    ) -> tuple[Any, int | None]:
        metadata = ((HEIGHT, str(height)),) if height else ()
        call = getattr(self._stub(endpoint.grpc.address, service), method)(request, timeout=timeout, metadata=metadata)
        since, best = self._endpoints.now(), self._endpoints.best
        error: AkpError | None = None
        try:
            answer = await call
            served = _height(await call.initial_metadata())
        except grpc.aio.AioRpcError as status:
            served = _height(status.initial_metadata())
            error = foreign(status, f"{method} at {endpoint.grpc.address}")
        _heed_cancellation()
        if isinstance(error, Retry) and not isinstance(error, NodeError | Lagging):
            self._failed(endpoint, method, error)  # busy ones are left alone for a while too
            raise error
        self._endpoints.answered(endpoint, "grpc", height=None if height else served, best=best, since=since)
        if _stale(method, service, height, served, floor):
            said = f"the node at {endpoint.grpc.address} is at height {served}, {floor} was already seen"
            raise Lagging(said, after_s=0.5)
        if error is not None:
            raise error
        return answer, served

    def _stub(self, address: str, service: str) -> Any:
        found = self._stubs.get((address, service))
        if found is None:
            if address not in self._channels:
                self._channels[address] = wire.channel(address)
            found = self._stubs[address, service] = wire.stub(self._channels[address], service)
        return found


def _heed_cancellation() -> None:
    """A call that comes to its end in the very moment its task is told to end answers as if nothing had happened, and
    the task would go on for ever."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


def foreign(error: grpc.aio.AioRpcError, what: str) -> AkpError:
    """One of ours for a gRPC status (chain-probes.md §2): the mapping is by code, only heights are told apart by
    text."""
    code, text = error.code(), error.details() or ""
    said = f"{what}: {text or code.name}"
    if "height in the future" in text:
        return Lagging(said, after_s=0.5)
    if "failed to load state at height" in text:
        return Pruned(said)
    if code is grpc.StatusCode.NOT_FOUND:
        return NotFound(said)
    if code in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.CANCELLED):
        return Unreachable(said)
    if code in (grpc.StatusCode.PERMISSION_DENIED, grpc.StatusCode.UNAUTHENTICATED):
        return Barred(said)
    if code in (grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.ABORTED):
        return Retry(said)
    if code is grpc.StatusCode.UNIMPLEMENTED:
        return NotOffered(said)
    if code in (grpc.StatusCode.UNKNOWN, grpc.StatusCode.INTERNAL):
        return NodeError(said, text)
    return Refused(said)


def _stale(method: str, service: str, height: int | None, served: int | None, floor: int) -> bool:
    """Queries and simulations can be stale, refusals included: an order that was just made is not known yet. A
    broadcast that a lagging node took is taken."""
    if height is not None or served is None or served >= floor:
        return False
    return service.endswith(".Query") or method == "Simulate"


def _height(metadata: Any) -> int | None:
    for key, value in metadata or ():
        if key == HEIGHT and str(value).isdigit():
            return int(value)
    return None
