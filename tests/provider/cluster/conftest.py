"""An API server stand-in that answers what the test tells it to, over a real socket: it can refuse, stall, cut and
talk nonsense."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from aiohttp import web

from provider.cluster.kube import Kube
from provider.settings import ClusterSettings

# looptime asks for "the" event loop before a plain test too; without this Python 3.11 makes one then, which nobody
# closes.
asyncio.set_event_loop(None)

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


class ApiServer:
    """`answers` are taken one after the other, the last again and again; `asked` are the requests as they came."""

    def __init__(self) -> None:
        self.answers: list[Answer] = []
        self.asked: list[web.Request] = []
        self.bodies: list[Any] = []
        self.url = ""
        self.kubeconfig = Path()

    @property
    def settings(self) -> ClusterSettings:
        return ClusterSettings(kubeconfig=self.kubeconfig)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request)
        body = await request.read()
        self.bodies.append(json.loads(body) if body else None)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return await answer(request)

    def says(self, body: Any, status: int = 200, headers: dict[str, str] | None = None) -> None:
        async def answer(_: web.Request) -> web.StreamResponse:
            if isinstance(body, bytes):
                return web.Response(body=body, status=status, headers=headers)
            return web.json_response(body, status=status, headers=headers)

        self.answers.append(answer)

    def refuses(self, status: int, message: str, **more: Any) -> None:
        headers = more.pop("headers", None)
        self.says({"kind": "Status", "status": "Failure", "message": message, "code": status, **more}, status, headers)

    def streams(self, *pieces: bytes | float, cut: bool = False) -> None:
        """Send bytes, wait where a number stands; end properly, or by cutting the connection."""

        async def answer(request: web.Request) -> web.StreamResponse:
            response = web.StreamResponse()
            await response.prepare(request)
            for piece in pieces:
                if isinstance(piece, bytes):
                    await response.write(piece)
                else:
                    await asyncio.sleep(piece)
            if cut:
                assert request.transport is not None
                request.transport.abort()
            else:
                await response.write_eof()
            return response

        self.answers.append(answer)


def kubeconfig_text(url: str, token: str = "first") -> str:
    return yaml.safe_dump(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "here", "cluster": {"server": url}}],
            "users": [{"name": "me", "user": {"token": token}}],
            "contexts": [{"name": "here", "context": {"cluster": "here", "user": "me"}}],
            "current-context": "here",
        }
    )


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[ApiServer]:
    out = ApiServer()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", out.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    out.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    out.kubeconfig = tmp_path / "kubeconfig"
    out.kubeconfig.write_text(kubeconfig_text(out.url))
    yield out
    await runner.cleanup()


@pytest.fixture
async def kube(server: ApiServer) -> AsyncIterator[Kube]:
    async with Kube.connect(server.settings) as out:
        yield out
