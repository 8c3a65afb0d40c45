"""Subscriptions at /websocket: who listens for which events, and what each block tells them (chain.md §3.5).

The failure that hurts clients most is built in, as on a real node: who does not read fast enough loses events while
the socket stays open. `Chaos.silent_websockets` does the same to everybody.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aiohttp import WSCloseCode, WSMsgType, web

from provider.tasks import spawn

from .blockstore import Block, tx_hash
from .comet_json import b64, block_id_json, block_json, events_json, header_json, tx_result_json
from .jsonrpc import BadRequest, JsonRpc, failure, success
from .search import Condition, QueryInvalid, composite, composite_of_tx, matches, parse

if TYPE_CHECKING:
    from .node import Node

MAX_SUBSCRIPTIONS = 5
MAX_QUERY = 512
BUFFER = 200
PING_S = 27.0


@dataclass(slots=True)
class _Client:
    socket: web.WebSocketResponse
    outbox: asyncio.Queue[dict[str, Any]] = field(default_factory=lambda: asyncio.Queue(BUFFER))
    subscriptions: dict[str, tuple[Any, tuple[Condition, ...]]] = field(default_factory=dict)
    """query -> (id of the request, its conditions)"""


class Websockets:
    def __init__(self, node: Node, rpc: JsonRpc) -> None:
        self._node, self._rpc = node, rpc
        self._clients: list[_Client] = []
        self._stop = node.on_block(self._announce)

    async def close(self) -> None:
        self._stop()
        for client in list(self._clients):
            await client.socket.close(code=WSCloseCode.GOING_AWAY)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse(heartbeat=PING_S)
        await socket.prepare(request)
        client = _Client(socket)
        self._clients.append(client)
        try:
            async with asyncio.TaskGroup() as group:
                writer = spawn(group, "sandbox websocket writer", _write(client))
                async for frame in socket:
                    if frame.type is WSMsgType.TEXT:
                        for reply in await self._replies(client, frame.data):
                            await client.outbox.put(reply)
                writer.cancel()
        finally:
            self._clients.remove(client)
        return socket

    async def _replies(self, client: _Client, text: str) -> list[dict[str, Any]]:
        try:
            body = json.loads(text)
        except ValueError as broken:
            return [
                failure(-1, BadRequest(-32700, "Parse error. Invalid JSON", f"error unmarshaling request: {broken}"))
            ]
        found = [await self._reply(client, one) for one in (body if isinstance(body, list) else [body])]
        return [reply for reply in found if reply is not None]

    async def _reply(self, client: _Client, request: Any) -> dict[str, Any] | None:
        name = request.get("method") if isinstance(request, dict) else None
        if name not in ("subscribe", "unsubscribe", "unsubscribe_all"):
            return await self._rpc.answer_json(request)
        id_, params = request.get("id"), request.get("params")
        query = (
            params.get("query", "")
            if isinstance(params, dict)
            else params[0]
            if isinstance(params, list) and params
            else ""
        )
        try:
            if name == "subscribe":
                self._subscribe(client, id_, str(query))
            elif name == "unsubscribe_all":
                client.subscriptions.clear()
            elif client.subscriptions.pop(str(query), None) is None:
                raise QueryInvalid("subscription not found")
        except QueryInvalid as no:
            return failure(id_, BadRequest(-32603, "Internal error", str(no)))
        return success(id_, {})

    def _subscribe(self, client: _Client, id_: Any, query: str) -> None:
        if len(client.subscriptions) >= MAX_SUBSCRIPTIONS:
            raise QueryInvalid(f"max_subscriptions_per_client {MAX_SUBSCRIPTIONS} reached")
        if len(query) > MAX_QUERY:
            raise QueryInvalid("maximum query length exceeded")
        conditions = parse(query)
        if query in client.subscriptions:
            raise QueryInvalid("already subscribed")
        client.subscriptions[query] = id_, conditions

    def _announce(self, block: Block) -> None:
        """Every event of one visible block, in CometBFT's order."""
        if not self._clients or self._node.chaos.silent_websockets:
            return
        store, events = self._node.store, events_json(block.events)
        header = header_json(block, store)
        finalized = {"events": events, "tx_results": [tx_result_json(r) for r in block.results]}
        whole = {
            "block": block_json(block, store),
            "block_id": block_id_json(store, block.height),
            "result_finalize_block": finalized,
        }
        self._tell("NewBlock", whole, composite(block.events, tm_event="NewBlock"))
        self._tell("NewBlockHeader", {"header": header}, {"tm.event": ["NewBlockHeader"]})
        counted = {"height": str(block.height), "events": events, "num_txs": str(len(block.txs))}
        self._tell("NewBlockEvents", counted, composite(block.events, tm_event="NewBlockEvents"))
        for index, (tx, result) in enumerate(zip(block.txs, block.results, strict=True)):
            place = {"height": str(block.height)} | ({"index": index} if index else {})
            value = {"TxResult": place | {"tx": b64(tx), "result": tx_result_json(result)}}
            self._tell("Tx", value, composite_of_tx(result, tx_hash(tx), block.height))

    def _tell(self, kind: str, value: dict[str, Any], events: dict[str, list[str]]) -> None:
        for client in self._clients:
            for query, (id_, conditions) in client.subscriptions.items():
                if matches(conditions, events):
                    data = {"type": f"tendermint/event/{kind}", "value": value}
                    push = success(id_, {"query": query, "data": data, "events": events})
                    for _ in range(2 if self._node.chaos.duplicate_events else 1):
                        with contextlib.suppress(asyncio.QueueFull):  # the slow lose events and are not told
                            client.outbox.put_nowait(push)


async def _write(client: _Client) -> None:
    with contextlib.suppress(ConnectionError):  # the reader notices too and ends the pair
        while True:
            await client.socket.send_str(json.dumps(await client.outbox.get(), ensure_ascii=False))
