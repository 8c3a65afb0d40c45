"""Taking connections: a cap on how many there are, and an end for those that say nothing.

The one subtlety: asyncio's own server wraps a connection in TLS before anybody can count it, and reserves 256 KiB for
it. So the gateway accepts by itself, closes what is over the cap at once, and hands the rest to
`connect_accepted_socket`, which tells when a handshake failed. A client must finish its handshake and then its first
request's head in time; later requests are bounded by aiohttp's keep-alive timeout.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

import structlog
from aiohttp import web

from provider.errors import ConfigError
from provider.tasks import spawn

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Limits:
    connections: int = 1_000
    """open at the same time, those in their handshake included"""
    handshake_s: float = 10.0
    head_s: float = 10.0
    """from the end of the handshake to the end of the first request's head"""
    idle_s: float = 120.0
    """between two requests of one connection"""
    farewell_s: float = 5.0
    """for requests being answered when the gateway stops"""


class Serving:
    """A gateway that is listening. `port` is the bound one, `connections` how many are open."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.connections = 0


@contextlib.asynccontextmanager
async def serve(
    app: web.Application, context: ssl.SSLContext | None, listen: str, limits: Limits = Limits()
) -> AsyncIterator[Serving]:
    """Serve `app` at `listen` ("host:port", port 0 for any free one) as long as the block lasts. ConfigError when the
    address cannot be bound. `context` is a tls.PeerContext; None serves without TLS, for tests."""
    runner = web.AppRunner(
        app, access_log=None, handle_signals=False, keepalive_timeout=limits.idle_s, shutdown_timeout=limits.farewell_s
    )
    trouble: Exception | None = None
    await runner.setup()
    try:
        with _bind(listen) as listening:
            serving = Serving(listening.getsockname()[1])
            async with asyncio.TaskGroup() as group:
                door = spawn(group, "gateway door", _door(listening, _need(runner.server), context, limits, serving))
                log.info("gateway listens", address=listen, port=serving.port)
                try:
                    yield serving
                except Exception as error:  # of the block, not ours: to be raised as it is, not inside a group
                    trouble = error
                finally:
                    door.cancel()
    finally:
        await runner.cleanup()
    if trouble is not None:
        raise trouble


async def _door(
    listening: socket.socket,
    make: Callable[[], asyncio.Protocol],
    context: ssl.SSLContext | None,
    limits: Limits,
    serving: Serving,
) -> None:
    loop = asyncio.get_running_loop()
    async with asyncio.TaskGroup() as hellos:
        while True:
            try:
                connection, _ = await loop.sock_accept(listening)
            except OSError as trouble:  # no descriptors left, or a client gone before we looked
                log.warning("cannot accept a connection", why=str(trouble))
                await asyncio.sleep(0.1)
                continue
            if serving.connections >= limits.connections:
                connection.close()
                continue
            serving.connections += 1
            spawn(hellos, "gateway hello", _hello(connection, make, context, limits, serving))


async def _hello(
    connection: socket.socket,
    make: Callable[[], asyncio.Protocol],
    context: ssl.SSLContext | None,
    limits: Limits,
    serving: Serving,
) -> None:
    def over() -> None:
        serving.connections -= 1

    guard = Guard(make(), limits.head_s, over)
    times = {} if context is None else {"ssl_handshake_timeout": limits.handshake_s, "ssl_shutdown_timeout": 5.0}
    try:
        await asyncio.get_running_loop().connect_accepted_socket(lambda: guard, connection, ssl=context, **times)
    except (OSError, asyncio.CancelledError) as failure:  # OSError: a broken, vanished or silent client
        guard.never_made()
        if isinstance(failure, asyncio.CancelledError):
            raise


class Guard(asyncio.Protocol):
    """Passes everything on to aiohttp's protocol, ends the connection when no request head arrives in time, and says
    when it is over. It says so once, whether the connection was made or not."""

    def __init__(self, inner: asyncio.Protocol, head_s: float, over: Callable[[], None]) -> None:
        self._inner, self._head_s, self._over = inner, head_s, over
        self._tail = b""
        self._timer: asyncio.TimerHandle | None = None
        self._open = True

    def never_made(self) -> None:
        self._finish()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._timer = asyncio.get_running_loop().call_later(self._head_s, transport.abort)
        self._inner.connection_made(transport)

    def data_received(self, data: bytes) -> None:
        if self._timer is not None:
            if b"\r\n\r\n" in self._tail + data:
                self._disarm()
            self._tail = (self._tail + data)[-3:]
        self._inner.data_received(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self._disarm()
        self._finish()
        self._inner.connection_lost(exc)

    def eof_received(self) -> bool | None:
        return self._inner.eof_received()

    def pause_writing(self) -> None:
        self._inner.pause_writing()

    def resume_writing(self) -> None:
        self._inner.resume_writing()

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _finish(self) -> None:
        if self._open:
            self._open = False
            self._over()


def _bind(listen: str) -> socket.socket:
    host, _, port = listen.rpartition(":")
    host = host.strip("[]")
    family = socket.AF_INET6 if ":" in host or not host else socket.AF_INET
    try:
        if not 0 <= int(port) < 1 << 16:
            raise ValueError("no such port")
        bound = socket.create_server(
            (host, int(port)), family=family, backlog=1024, dualstack_ipv6=not host and socket.has_dualstack_ipv6()
        )
    except (OSError, ValueError) as trouble:
        raise ConfigError(
            "gateway.listen", f"cannot listen at {listen!r} ({trouble})", "Name a free host:port."
        ) from None
    bound.setblocking(False)
    return bound


def _need(server: web.Server | None) -> Callable[[], asyncio.Protocol]:
    if server is None:
        raise RuntimeError("the runner has not been set up")
    return server
