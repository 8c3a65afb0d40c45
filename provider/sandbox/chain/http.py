"""An HTTP server that obeys the chaos switches: outages answer with their status, slowness waits, and `cut` breaks off
every connection.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable
from typing import TYPE_CHECKING

from aiohttp import web

if TYPE_CHECKING:
    from .node import Node


@contextlib.asynccontextmanager
async def serve(
    node: Node,
    listen: str,
    routes: Iterable[web.RouteDef],
    *,
    untroubled: Collection[str] = (),
    max_body: int = 1_000_000,
) -> AsyncIterator[str]:
    """Yields the URL; port 0 takes any free one. Paths in `untroubled` always answer."""

    @web.middleware
    async def trouble(
        request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        if request.path in untroubled:
            return await handler(request)
        await node.chaos.dawdle()
        status = node.chaos.rpc_status
        if status is not None:
            return web.Response(status=status, text="chaos\n")
        try:
            return await handler(request)
        except ConnectionResetError:  # who asked has gone in the middle of the question
            return web.Response(status=400)

    app = web.Application(middlewares=[trouble], client_max_size=max_body)
    app.add_routes(routes)
    runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=0.2)
    await runner.setup()
    host, _, port = listen.rpartition(":")
    try:
        await web.TCPSite(runner, host, int(port)).start()
        node.on_cut(lambda: _cut(runner))
        yield f"http://{host}:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def _cut(runner: web.AppRunner) -> None:
    for connection in runner.server.connections if runner.server else ():
        if connection.transport is not None:
            connection.transport.abort()
