"""The REST gateway on a port of its own. Heights travel in headers (chain-probes §1 row 11)."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from aiohttp import web

from .http import serve
from .rest import Rest, RestAnswer

if TYPE_CHECKING:
    from .node import Node

HEIGHT = "x-cosmos-block-height"


@contextlib.asynccontextmanager
async def serve_rest(node: Node, listen: str) -> AsyncIterator[str]:
    """Yields the URL; port 0 takes any free one."""
    rest = Rest(node)

    async def get(request: web.Request) -> web.Response:
        height = request.headers.get(HEIGHT, "0")
        return _reply(rest.get(request.path_qs, int(height) if height.lstrip("-").isdigit() else 0))

    async def post(request: web.Request) -> web.Response:
        try:
            body = json.loads(await request.read())
        except ValueError as broken:
            return _reply(RestAnswer(400, {"code": 3, "message": str(broken), "details": []}))
        return _reply(rest.post(request.path, body))

    routes = [web.get("/{path:.*}", get), web.post("/{path:.*}", post)]
    async with serve(node, listen, routes) as url:
        yield url


def _reply(answer: RestAnswer) -> web.Response:
    headers = {}
    if answer.height is not None:
        headers = {"X-Cosmos-Block-Height": str(answer.height), f"Grpc-Metadata-{HEIGHT.title()}": str(answer.height)}
    text = json.dumps(answer.body, ensure_ascii=False, separators=(",", ":"))
    return web.Response(status=answer.status, text=text, content_type="application/json", headers=headers)
