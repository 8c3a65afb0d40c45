"""CometBFT's RPC over HTTP: POST /, GET /method?param=…, and the websocket beside them (chain.md §3.4)."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING, Any

from aiohttp import web

from .jsonrpc import BadRequest, JsonRpc, failure
from .websocket import Websockets

if TYPE_CHECKING:
    from .node import Node

MAX_BATCH = 10
MAX_BODY = 1_000_000


@contextlib.asynccontextmanager
async def serve_rpc(node: Node, listen: str) -> AsyncIterator[str]:
    """Yields the URL; port 0 takes any free one."""
    rpc = JsonRpc(node)
    sockets = Websockets(node, rpc)

    async def post(request: web.Request) -> web.Response:
        try:
            body = json.loads(await request.read())
        except ValueError as broken:
            return _reply(
                failure(-1, BadRequest(-32700, "Parse error. Invalid JSON", f"error unmarshaling request: {broken}")),
                500,
            )
        if not isinstance(body, list):
            reply = await rpc.answer_json(body)
            return web.Response() if reply is None else _reply(reply)
        if len(body) > MAX_BATCH:
            text = f"batch request exceeds maximum of {MAX_BATCH} requests"
            return _reply(failure(-1, BadRequest(-32600, "Invalid Request", text)), 500)
        replies = [r for r in [await rpc.answer_json(one) for one in body] if r is not None]
        return _reply(replies) if replies else web.Response()

    async def get(request: web.Request) -> web.Response:
        name = request.match_info["method"]
        if name not in rpc.methods.table:
            raise web.HTTPNotFound(text="404 page not found\n")
        reply = await rpc.answer_uri(name, request.query)
        return _reply(reply, 500 if "error" in reply else 200)

    async def front(_request: web.Request) -> web.Response:
        lines = "".join(f"{name} {', '.join(m.params)}\n" for name, m in sorted(rpc.methods.table.items()))
        return web.Response(text=lines)

    @web.middleware
    async def outage(
        request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        status = node.chaos.rpc_status
        return await handler(request) if status is None else web.Response(status=status, text="chaos\n")

    app = web.Application(middlewares=[outage], client_max_size=MAX_BODY)
    app.add_routes(
        [web.post("/", post), web.get("/", front), web.get("/websocket", sockets.handle), web.get("/{method}", get)]
    )
    runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=0.2)
    await runner.setup()
    host, _, port = listen.rpartition(":")
    try:
        await web.TCPSite(runner, host, int(port)).start()
        node.on_cut(lambda: _cut(runner))
        yield f"http://{host}:{runner.addresses[0][1]}"
    finally:
        await sockets.close()
        await runner.cleanup()


def _cut(runner: web.AppRunner) -> None:
    for connection in runner.server.connections if runner.server else ():
        if connection.transport is not None:
            connection.transport.abort()


def _reply(body: Any, status: int = 200) -> web.Response:
    return web.Response(status=status, text=json.dumps(body, ensure_ascii=False), content_type="application/json")
