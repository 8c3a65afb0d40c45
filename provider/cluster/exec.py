"""Running a command in a service's pod, over the API server's websocket.

Every frame begins with a byte that says its channel (kubernetes.md §4): 0 input, 1 output, 2 errors, 3 the result, 4
the size of the terminal; 255 closes one, which only protocol v5 knows. The subtle part is the result: "the command
ended with code 3" and "the command could not be run" both arrive on channel 3, and only the first has an exit code.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp

from provider.cluster.api.kinds import POD
from provider.cluster.api.kube import Kube
from provider.cluster.inventory.pods import PodFacts
from provider.errors import NotFound, Refused, Retry, Unreachable

STDIN, STDOUT, STDERR, RESULT, RESIZE, CLOSE = 0, 1, 2, 3, 4, 255
V5, V4 = "v5.channel.k8s.io", "v4.channel.k8s.io"
HEARTBEAT_S = 20.0
STDIN_PIECE = 32 * 1024

NOT_THERE = "command could not be executed because it does not exist"


@dataclass(frozen=True, slots=True)
class Result:
    """`message` is "" when the command ran, whatever its code; else why it could not, in the words clients know.
    `cause` is what Kubernetes said of that: for a log only, since it may name nodes and their paths."""

    exit_code: int
    message: str = ""
    cause: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """A command that has ended, with all it said."""

    result: Result
    stdout: bytes
    stderr: bytes


class Session:
    """A command being run. Iterate for (channel, bytes) of STDOUT and STDERR; `result` stands when the iteration has
    ended."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self.result: Result | None = None

    async def send(self, data: bytes) -> None:
        """Bytes for its standard input."""
        for at in range(0, len(data), STDIN_PIECE):
            await self._write(bytes([STDIN]) + data[at : at + STDIN_PIECE])

    async def end_input(self) -> bool:
        """Close its standard input; False when the API server is too old (before v5) to be told."""
        if self._socket.protocol != V5:
            return False
        await self._write(bytes([CLOSE, STDIN]))
        return True

    async def resize(self, width: int, height: int) -> None:
        await self._write(bytes([RESIZE]) + json.dumps({"Width": width, "Height": height}).encode())

    async def __aiter__(self) -> AsyncIterator[tuple[int, bytes]]:
        async for message in self._socket:
            if message.type is not aiohttp.WSMsgType.BINARY or not message.data:
                continue
            channel, data = message.data[0], message.data[1:]
            if channel == RESULT:
                self.result = _result(data)
            elif channel in (STDOUT, STDERR) and data:
                yield channel, data
        if self.result is None:
            raise Unreachable("the connection to the command broke off before it ended")

    async def _write(self, frame: bytes) -> None:
        try:
            await self._socket.send_bytes(frame)
        except (aiohttp.ClientError, OSError) as bad:
            raise Unreachable(f"the connection to the command broke off: {bad}") from bad


@asynccontextmanager
async def session(
    kube: Kube,
    namespace: str,
    pod: str,
    container: str,
    command: Sequence[str],
    *,
    stdin: bool = False,
    tty: bool = False,
) -> AsyncIterator[Session]:
    """Start a command; leaving ends the connection (and, by the kubelet's doing, mostly the command). NotFound without
    the pod."""
    path = POD.path(namespace, pod, "exec")
    query = [("container", container), *(("command", word) for word in command), ("stdout", "true")]
    query += [("stderr", "true")] if not tty else []  # a terminal has one output
    query += [("stdin", "true")] if stdin else []
    query += [("tty", "true")] if tty else []
    try:
        socket = await kube.websocket(path, query, (V5, V4), heartbeat_s=HEARTBEAT_S)
    except aiohttp.WSServerHandshakeError as no:
        raise _refused(path, no.status) from no
    except (aiohttp.ClientError, OSError) as bad:
        raise Unreachable(f"exec {path}: {bad}") from bad
    try:
        yield Session(socket)
    finally:
        await socket.close()


async def run(
    kube: Kube, namespace: str, pod: str, container: str, command: Sequence[str], *, stdin: bytes | None = None
) -> Outcome:
    """Run a command to its end. Bound it with asyncio.timeout; what it says is kept in memory."""
    said: dict[int, list[bytes]] = {STDOUT: [], STDERR: []}
    async with session(kube, namespace, pod, container, command, stdin=stdin is not None) as running:
        if stdin is not None:
            await running.send(stdin)
            await running.end_input()
        async for channel, data in running:
            said[channel].append(data)
    assert running.result is not None
    return Outcome(running.result, b"".join(said[STDOUT]), b"".join(said[STDERR]))


def pick(pods: Iterable[PodFacts], index: int) -> PodFacts:
    """The pod a tenant means by a number: pods of the service by name. Those that have ended or are going do not
    count, or the numbers would shift with every eviction (kubernetes.md §4). Refused in the words clients know
    (gateway-auth.md §6.4)."""
    alive = sorted((p for p in pods if not p.finished and not p.going), key=lambda p: p.name)
    if not alive:
        raise Refused("service with that name is not running")
    if not 0 <= index < len(alive):
        raise Refused(f"pod index out of range: valid range is [0, {len(alive) - 1}]")
    if not alive[index].ready:
        raise Refused("service with that name is not running: the service is not ready")
    return alive[index]


def _result(data: bytes) -> Result:
    """Read the Status on channel 3."""
    try:
        status: Mapping[str, Any] = json.loads(data)
        if status.get("status") == "Success":
            return Result(0)
        for cause in (status.get("details") or {}).get("causes") or []:
            if cause.get("reason") == "ExitCode":
                return Result(int(cause["message"]))
        said = str(status.get("message") or "")
    except (ValueError, KeyError, TypeError, AttributeError):
        said = data.decode(errors="replace")
    if "no such file or directory" in said or "executable file not found" in said:
        return Result(0, NOT_THERE, said)
    return Result(0, "command execution failed", said)


def _refused(path: str, status: int) -> Retry | Refused:
    if status == 404:
        return NotFound(f"exec {path}: no such pod (404)")
    if status == 429 or status >= 500:
        return Retry(f"exec {path}: HTTP {status}")
    return Refused(f"exec {path}: HTTP {status}")
