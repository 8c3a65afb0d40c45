"""The small HTTP door for machines: /metrics, /healthz (the process turns over) and /readyz (it can do its work).

Plain HTTP, meant for the pod's own network. Readiness names what is missing, so `kubectl describe` tells the reason.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from aiohttp import web

from provider.errors import ConfigError
from provider.metrics import Metrics


class Health:
    """`problems()` yields a sentence for each thing that keeps the daemon from its work; none means ready."""

    def __init__(self, listen: str | None, metrics: Metrics, problems: Callable[[], Iterable[str]]) -> None:
        self.listen = listen
        self.port = 0
        self._metrics, self._problems = metrics, problems
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Health:
        if not self.listen:
            return self
        app = web.Application()
        app.add_routes(
            [web.get("/metrics", self._metrics_page), web.get("/healthz", self._alive), web.get("/readyz", self._ready)]
        )
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        host, _, port = self.listen.rpartition(":")
        site = web.TCPSite(self._runner, host.strip("[]") or None, int(port))
        try:
            await site.start()
        except OSError as bad:
            await self._runner.cleanup()
            raise ConfigError(
                "metrics.listen", f"cannot listen on {self.listen}: {bad.strerror}", "Choose a free address."
            ) from None
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def _metrics_page(self, request: web.Request) -> web.Response:
        return web.Response(
            body=self._metrics.text(), headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"}
        )

    async def _alive(self, request: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def _ready(self, request: web.Request) -> web.Response:
        missing = list(self._problems())
        return web.Response(status=503 if missing else 200, text="\n".join(missing or ["ready"]) + "\n")
