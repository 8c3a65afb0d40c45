"""CometBFT's RPC over HTTP: POST /, GET /method?param=…, and the websocket beside them (chain.md §3.4)."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

from aiohttp import web

from . import control
from .http import serve
from .jsonrpc import BadRequest, JsonRpc, failure
from .websocket import Websockets

if TYPE_CHECKING:
    from .node import Node

MAX_BATCH = 10
MAX_BODY = 1_000_000
CHAOS = "/sandbox/chaos"


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

    async def chaos(request: web.Request) -> web.Response:
        """Not of CometBFT: trouble on order (control.py)."""
        try:
            if request.method == "POST":
                control.order(node, json.loads(await request.read()))
        except ValueError as bad:
            return _reply({"error": str(bad)}, 400)
        return _reply(control.switches(node))

    routes = [
        web.post("/", post),
        web.get("/", front),
        web.get("/websocket", sockets.handle),
        web.get(CHAOS, chaos),
        web.post(CHAOS, chaos),
        web.get("/{method}", get),
    ]
    async with serve(node, listen, routes, untroubled=(CHAOS,), max_body=MAX_BODY) as url:
        try:
            yield url
        finally:
            await sockets.close()


def _reply(body: Any, status: int = 200) -> web.Response:
    return web.Response(status=status, text=json.dumps(body, ensure_ascii=False), content_type="application/json")
