"""The gRPC side of our nodes: one call, asked of the best node, and of the next one when that does not answer.

Foreign errors end here: a status code becomes one of provider.errors. The one subtlety is a node that lags: it answers
readily, but about the past. Answers carry the height they are true for, and `floor` is the height we have already
acted upon.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from types import TracebackType
from typing import Any

import grpc
import structlog

from provider.chain import wire
from provider.chain.endpoints import Endpoint, Endpoints, check_chain_id
from provider.errors import AkpError, ConfigError, NotFound, Refused, Retry, Unreachable

HEIGHT = "x-cosmos-block-height"
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


class Nodes:
    """`async with Nodes(addresses, chain_id) as nodes: answer, height = await nodes.call("akash.market.v1beta5.Query",
    "Order", request)`"""

    def __init__(self, addresses: Sequence[str], chain_id: str) -> None:
        self._chain_id = chain_id
        self._endpoints = Endpoints(addresses, lambda: asyncio.get_running_loop().time())
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

    async def check(self, timeout: float = 5.0) -> None:
        """Ask every node for its chain id. ConfigError when one serves another chain; Unreachable when none answers."""
        await check_all(self._endpoints, lambda e: self._check(e, timeout))

    async def call(
        self, service: str, method: str, request: Any, *, height: int | None = None, timeout: float = 15.0
    ) -> tuple[Any, int | None]:
        """The answer, and the height it is true for where the node says so.

        NotFound and Refused are the node's word and end the call; Unreachable, Lagging and other troubles of a node
        send it to the next one, and are raised when no node is left. The request goes out unchanged, so a broadcast is
        the same bytes everywhere.
        """
        trouble: Retry | None = None
        floor = self.floor  # blocks that come while a node answers do not make its answer a late one
        for endpoint in self._endpoints.in_order():
            try:
                if not endpoint.checked:
                    await self._check(endpoint, timeout)
                answer = await self._ask(endpoint, service, method, request, height, timeout, floor)
            except NodeError:
                raise
            except Retry as found:
                trouble = found
                if isinstance(found, Unreachable):
                    self._endpoints.failed(endpoint)
                    log.warning("node does not answer", node=endpoint.address, asked=method, why=str(found))
            else:
                self._endpoints.answered(endpoint)
                return answer
        assert trouble is not None  # there is at least one address (settings)
        raise trouble

    async def _check(self, endpoint: Endpoint, timeout: float) -> None:
        request = wire.message("cosmos.base.tendermint.v1beta1.GetLatestBlockRequest")()
        answer, _ = await self._ask(
            endpoint, "cosmos.base.tendermint.v1beta1.Service", "GetLatestBlock", request, 0, timeout, self.floor
        )
        check_chain_id("chain.grpc", endpoint.address, answer.sdk_block.header.chain_id, self._chain_id)
        endpoint.checked = True

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
        call = getattr(self._stub(endpoint.address, service), method)(request, timeout=timeout, metadata=metadata)
        try:
            answer = await call
            served = _height(await call.initial_metadata())
        except grpc.aio.AioRpcError as error:
            served = _height(error.initial_metadata())
            if not _stale(method, service, height, served, floor):
                raise foreign(error, f"{method} at {endpoint.address}") from None
        if _stale(method, service, height, served, floor):
            raise Lagging(
                f"the node at {endpoint.address} is at height {served}, {floor} was already seen", after_s=0.5
            )
        return answer, served

    def _stub(self, address: str, service: str) -> Any:
        found = self._stubs.get((address, service))
        if found is None:
            if address not in self._channels:
                self._channels[address] = wire.channel(address)
            found = self._stubs[address, service] = wire.stub(self._channels[address], service)
        return found


async def check_all(endpoints: Endpoints, check: Any) -> None:
    """Run `check(endpoint)` on all at once; a wrong chain outweighs silence, one good node outweighs silent ones."""
    everyone = endpoints.in_order()
    found = await asyncio.gather(*(check(e) for e in everyone), return_exceptions=True)
    for error in found:
        if error is not None and (isinstance(error, ConfigError) or not isinstance(error, AkpError)):
            raise error
    silent = [(e, error) for e, error in zip(everyone, found, strict=True) if isinstance(error, AkpError)]
    for endpoint, error in silent:
        endpoints.failed(endpoint)
        log.warning("node does not answer", node=endpoint.address, why=str(error))
    if len(silent) == len(everyone):
        raise Unreachable(f"no node answers: {'; '.join(str(error) for _, error in silent)}")


def foreign(error: grpc.aio.AioRpcError, what: str) -> AkpError:
    """One of ours for a gRPC status (chain-probes.md §2): the mapping is by code, only heights are told apart by
    text."""
    code, text = error.code(), error.details() or ""
    said = f"{what}: {text or code.name}"
    if "height in the future" in text:
        return Lagging(said, after_s=0.5)
    if code is grpc.StatusCode.NOT_FOUND:
        return NotFound(said)
    if code in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.CANCELLED):
        return Unreachable(said)
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
