"""Recordings of a real node (../shared/conformance/chain), and small nodes of our own on loopback."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import pytest
from aiohttp import web
from google.protobuf import json_format

from provider.chain import wire
from provider.chain.client import Chain
from provider.chain.endpoints import Endpoints
from provider.chain.keys import Key
from provider.chain.messages import Msg
from provider.chain.tx import once
from provider.sandbox.chain.genesis import Genesis
from provider.sandbox.chain.node import Node
from provider.settings import ChainSettings, NodeSettings

Lines = Callable[..., Iterator[dict[str, Any]]]


@pytest.fixture(scope="session")
def recordings(shared: Path) -> Path:
    found = shared / "conformance" / "chain"
    if not found.is_dir():
        pytest.skip("the recorded chain (../shared/conformance/chain) is not beside this checkout")
    return found


@pytest.fixture(scope="session")
def lines(recordings: Path) -> Lines:
    """`lines("S1-life", "query")`: the lines of one file, or of all with None, that have the key."""

    def read(name: str | None, key: str) -> Iterator[dict[str, Any]]:
        for file in sorted(recordings.glob(f"{name or 'S*'}.jsonl")):
            with file.open() as text:
                for line in text:
                    found = json.loads(line)
                    if key in found:
                        yield found

    return read


@pytest.fixture(scope="session")
def genesis(recordings: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((recordings / "genesis.json").read_text())
    return found


@pytest.fixture(scope="session")
def parse() -> Callable[[str, dict[str, Any]], Any]:
    """proto3 JSON -> wire message."""

    def make(name: str, value: dict[str, Any]) -> Any:
        return json_format.ParseDict(value, wire.message(name)(), ignore_unknown_fields=True, descriptor_pool=wire.POOL)

    return make


class GrpcNode:
    """A node answering what a test wants: `answers[method](request, context)`, and GetLatestBlock with its chain id."""

    def __init__(self, chain_id: str = "sandbox", height: int = 100) -> None:
        self.chain_id, self.height, self.asked = chain_id, height, []
        self.services: dict[str, dict[str, Any]] = {}
        self._server: grpc.aio.Server | None = None
        self.address = ""

    def answers(self, service: str, **methods: Any) -> None:
        self.services.setdefault(service, {}).update(methods)

    async def start(self, port: int = 0) -> GrpcNode:
        self.answers("cosmos.base.tendermint.v1beta1.Service", GetLatestBlock=self._latest)
        self._server = grpc.aio.server()
        handlers = tuple(
            wire.handlers(s, {m: self._seen(m, f) for m, f in ms.items()}) for s, ms in self.services.items()
        )
        self._server.add_generic_rpc_handlers(handlers)
        bound = self._server.add_insecure_port(f"127.0.0.1:{port}")
        await self._server.start()
        self.address = f"127.0.0.1:{bound}"
        return self

    async def stop(self) -> None:
        if self._server is not None:
            await self._server.stop(None)

    def _seen(self, method: str, answer: Any) -> Any:
        async def handle(request: Any, context: Any) -> Any:
            pinned = dict(context.invocation_metadata()).get("x-cosmos-block-height")
            self.asked.append((method, int(pinned) if pinned else None))
            await context.send_initial_metadata((("x-cosmos-block-height", pinned or str(self.height)),))
            return await answer(request, context)

        return handle

    async def _latest(self, request: Any, context: Any) -> Any:
        answer = wire.message("cosmos.base.tendermint.v1beta1.GetLatestBlockResponse")()
        answer.sdk_block.header.chain_id, answer.sdk_block.header.height = self.chain_id, self.height
        return answer


@pytest.fixture
async def grpc_nodes() -> Any:
    """`await grpc_nodes(chain_id=…)` makes one to be started with `start`; all are stopped at the end."""
    started: list[GrpcNode] = []

    async def make(**how: Any) -> GrpcNode:
        node = GrpcNode(**how)
        started.append(node)
        return node

    yield make
    for node in started:
        await node.stop()


@pytest.fixture
def grpc_of() -> Callable[..., Endpoints]:
    """Nodes that only have a gRPC door."""
    return lambda *addresses: _endpoints(NodeSettings(rpc="127.0.0.1:1", grpc=a) for a in addresses)


@pytest.fixture
def rpc_of() -> Callable[..., Endpoints]:
    """Nodes that only have a JSON-RPC door."""
    return lambda *addresses: _endpoints(NodeSettings(rpc=a, grpc="127.0.0.1:1") for a in addresses)


def _endpoints(pairs: Iterable[NodeSettings]) -> Endpoints:
    return Endpoints(tuple(pairs), asyncio.get_running_loop().time)


def header(height: int, **more: Any) -> dict[str, Any]:
    time = f"2026-11-21T{height // 3600:02d}:{height // 60 % 60:02d}:{height % 60:02d}.5Z"
    return {"chain_id": "sandbox", "height": str(height), "time": time, **more}


class RpcNode:
    """CometBFT's JSON-RPC: an empty block a second up to `tip`, or what a test puts into `answers[method]`."""

    def __init__(self, tip: int = 10, chain_id: str = "sandbox", **sync: Any) -> None:
        self.tip, self.chain_id, self.sync = tip, chain_id, sync
        self.answers: dict[str, Any] = {}
        self.asked: list[str] = []
        self.address = ""

    async def handle(self, request: web.Request) -> web.Response:
        call = await request.json()
        self.asked.append(call["method"])
        found = self.answers.get(call["method"]) or getattr(self, call["method"])
        answer = found(call["params"]) if callable(found) else found
        return web.json_response({"jsonrpc": "2.0", "id": call["id"], **answer})

    def status(self, params: Any) -> dict[str, Any]:
        sync = {"latest_block_height": str(self.tip), "latest_block_time": header(self.tip)["time"]}
        sync |= {"earliest_block_height": "1", "catching_up": False, **self.sync}
        return {"result": {"node_info": {"network": self.chain_id}, "sync_info": sync}}

    def block(self, params: Any) -> dict[str, Any]:
        return {"result": {"block": {"header": header(int(params["height"])), "data": {"txs": []}}}}

    def block_results(self, params: Any) -> dict[str, Any]:
        return {"result": {"height": params["height"], "txs_results": None, "finalize_block_events": []}}


@pytest.fixture
async def rpc_node() -> AsyncIterator[Callable[..., Any]]:
    runners = []

    async def start(**how: Any) -> RpcNode:
        node = RpcNode(**how)
        app = web.Application()
        app.router.add_post("/", node.handle)
        runner = web.AppRunner(app)
        runners.append(runner)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        node.address = f"http://127.0.0.1:{runner.addresses[0][1]}/"
        return node

    yield start
    for runner in runners:
        await runner.cleanup()


@dataclass
class SandboxChain:
    """A node that makes a block whenever a transaction waits, and the daemon's own client of it."""

    node: Node
    chain: Chain
    settings: ChainSettings

    async def does(self, key: Key, *msgs: Msg, fee_granter: str = "") -> once.Landed:
        ready = await once.draft(self.chain, key, msgs, self.settings, fee_granter)
        return await once.send(self.chain, key, ready)


@pytest.fixture
async def on_sandbox() -> AsyncIterator[Callable[..., Any]]:
    """`await on_sandbox({address: {denom: amount}})`."""
    async with AsyncExitStack() as open_:

        async def start(balances: dict[str, dict[str, int]], **genesis: Any) -> SandboxChain:
            made = Genesis.default(balances, genesis_time_unix_ns=time.time_ns(), **genesis)
            node = await open_.enter_async_context(Node(made, block_time_s=0.1, virtual_block_time_s=1.0))
            doors = NodeSettings(rpc=node.rpc_url, grpc=node.grpc_url)
            settings = ChainSettings(id=made.chain_id, nodes=(doors,), tx_timeout_s=590)
            chain = await open_.enter_async_context(Chain.connect(settings))
            return SandboxChain(node, chain, settings)

        yield start
