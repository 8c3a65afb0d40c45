"""Nodes without sockets: the daemon's own `Nodes` and `Comet` with the wire taken out below them. What travels is what
travels on a real one, bytes of protobuf and JSON-RPC; what goes wrong is the node's chaos and four troubles of the way
to it."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Generator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from json import dumps
from typing import Any
from urllib.parse import urlsplit

import grpc

from provider.chain.comet import Comet
from provider.chain.endpoints import Endpoints
from provider.chain.nodes import HEIGHT, Nodes
from provider.chain.wire import POOL, message
from provider.sandbox.chain.errors import QueryError
from provider.sandbox.chain.jsonrpc import JsonRpc
from provider.sandbox.chain.node import Node
from provider.sandbox.chain.services import Services
from tests.provider.schedules.mortal import living


@dataclass
class Way:
    """To one node."""

    node: Node
    silent_until_s: float = 0.0
    """questions get no answer"""
    lies: int = 0
    """this many of the next broadcasts are taken, and answered with an error"""
    swallowed: int = 0
    """this many of the next broadcasts get lost on the way there, and are answered with an error"""

    def __post_init__(self) -> None:
        self.services, self.rpc = Services(self.node), JsonRpc(self.node)


class Doors:
    """`http://n0.test` is the first node, and so on; each answer takes up to `latest_s`."""

    def __init__(self, nodes: Sequence[Node], dice: random.Random, latest_s: float = 0.03) -> None:
        self.ways = [Way(node) for node in nodes]
        self._dice, self._latest_s = dice, latest_s

    def nodes(self, endpoints: Endpoints, chain_id: str) -> Nodes:
        return _Nodes(self, endpoints, chain_id)

    def comet(self, endpoints: Endpoints, chain_id: str) -> Comet:
        return _Comet(self, endpoints, chain_id)

    def way(self, address: str) -> Way:
        return self.ways[int((urlsplit(address).hostname or "").removeprefix("n").partition(".")[0])]

    async def pass_through(self, way: Way, timeout: float) -> bool:
        """False when nothing came back in time."""
        life = living()
        if life is not None:
            life.step()
        await asyncio.sleep(self._dice.uniform(0.001, self._latest_s))
        await way.node.chaos.dawdle()
        if asyncio.get_running_loop().time() < way.silent_until_s:
            await asyncio.sleep(timeout)
            return False
        return True


class _Nodes(Nodes):
    def __init__(self, doors: Doors, endpoints: Endpoints, chain_id: str) -> None:
        super().__init__(endpoints, chain_id)
        self._doors = doors

    def _stub(self, address: str, service: str) -> Any:
        return _Stub(self._doors, self._doors.way(address), service)


class _Stub:
    def __init__(self, doors: Doors, way: Way, service: str) -> None:
        self._doors, self._way, self._service = doors, way, service

    def __getattr__(self, method: str) -> Any:
        return partial(_Call, self._doors, self._way, f"{self._service}.{method}")


class _Call:
    """What a stub's method returns: awaited once, then asked for its metadata."""

    def __init__(self, doors: Doors, way: Way, method: str, request: Any, *, timeout: float, metadata: Any) -> None:
        self._doors, self._way, self._method, self._request = doors, way, method, request
        self._timeout, self._height = timeout, int(dict(metadata).get(HEIGHT, 0))
        self._served: int | None = None

    def __await__(self) -> Generator[Any, None, Any]:
        return self._ask().__await__()

    async def initial_metadata(self) -> Any:
        return () if self._served is None else ((HEIGHT, str(self._served)),)

    async def _ask(self) -> Any:
        way, described = self._way, POOL.FindMethodByName(self._method)
        if not await self._doors.pass_through(way, self._timeout):
            raise _error("DEADLINE_EXCEEDED", "Deadline Exceeded")
        if (trouble := way.node.chaos.grpc_status) is not None:
            raise _error(trouble, "refused by chaos")
        carries = self._method.endswith("BroadcastTx")
        if carries and way.swallowed > 0:
            way.swallowed -= 1
            raise _error("UNAVAILABLE", "Socket closed")
        path = "/" + self._method.replace(f".{described.name}", f"/{described.name}")
        try:
            answer, self._served = way.services.ask(path, self._request.SerializeToString(), self._height)
        except QueryError as no:
            served = ((HEIGHT, str(way.node.served_height(self._height))),) if no.status == "NOT_FOUND" else ()
            raise _error(no.status, no.text, served) from None
        life = living()
        if life is not None:
            life.stepped()
        if carries and way.lies > 0:
            way.lies -= 1
            raise _error("UNAVAILABLE", "Socket closed")
        return message(described.output_type.full_name).FromString(answer)


class _Comet(Comet):
    def __init__(self, doors: Doors, endpoints: Endpoints, chain_id: str) -> None:
        super().__init__(endpoints, chain_id)
        self._http: Any = _Http(doors)

    async def __aenter__(self) -> Comet:
        return self


class _Http:
    """What `Comet` uses of aiohttp.ClientSession."""

    def __init__(self, doors: Doors) -> None:
        self._doors = doors

    @asynccontextmanager
    async def post(self, address: str, *, json: Any) -> AsyncIterator[_Reply]:
        way = self._doors.way(address)
        if not await self._doors.pass_through(way, 10.0):
            raise TimeoutError
        if (status := way.node.chaos.rpc_status) is not None:
            yield _Reply(status, b"refused by chaos")
        else:
            yield _Reply(200, dumps(await way.rpc.answer_json(json)).encode())

    async def close(self) -> None:
        pass


@dataclass
class _Reply:
    status: int
    body: bytes

    async def read(self) -> bytes:
        return self.body


def _error(status: str, text: str, metadata: Any = ()) -> grpc.aio.AioRpcError:
    return grpc.aio.AioRpcError(grpc.StatusCode[status], metadata, (), details=text)
