"""Run a program that is not to be trusted with time or memory: input on its stdin, output and errors as bytes, limits.

It runs in a session of its own, and its whole process group is killed at the end, whatever the end is: the program's
own, the time limit, too much output, or our being cancelled. So a child it has left behind neither lives on nor keeps
us waiting by holding the output open. The one that leaves the session too is not found; it is waited for `GRACE_S`,
not longer.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, cast

GRACE_S = 1.0
STDERR_KEPT = 4096
"""bytes; the last are kept, because that is where the reason is"""


@dataclass(frozen=True, slots=True)
class Ended:
    """`code` is negative for a signal, as usual; `killed_for` tells when it was us who ended it."""

    code: int
    stdout: bytes
    stderr: bytes
    killed_for: Literal["", "timeout", "output"] = ""


async def run(
    program: Sequence[str],
    given: bytes,
    environ: Mapping[str, str],
    *,
    timeout_s: float,
    most_bytes: int,
    starting: asyncio.Lock,
) -> Ended:
    """Raises OSError when it cannot be started. `most_bytes` limits stdout. `starting` is shared by those who may start
    many at once: each start stops the loop for a millisecond or more, and others must get their turn in between."""
    seen = _Seen(most_bytes)
    life = _life(seen, program, given, environ, timeout_s, starting)
    whole = asyncio.get_running_loop().create_task(life, name=f"run {program[0]}")
    try:
        # Never cancelled itself: when a start is cut short, asyncio may wait for ever for the child (CPython 3.11).
        return await asyncio.shield(whole)
    except asyncio.CancelledError:
        seen.over.set()
        await asyncio.wait({whole})
        _ = whole.cancelled() or whole.exception()  # nobody will ask what became of it
        raise


async def _life(
    seen: _Seen,
    program: Sequence[str],
    given: bytes,
    environ: Mapping[str, str],
    timeout_s: float,
    starting: asyncio.Lock,
) -> Ended:
    loop = asyncio.get_running_loop()
    async with starting:
        if seen.over.is_set():  # given up before it was its turn
            return Ended(-signal.SIGKILL, b"", b"")
        transport, _ = await loop.subprocess_exec(lambda: seen, *program, env=dict(environ), start_new_session=True)
    in_time = False
    try:
        stdin = cast("asyncio.WriteTransport", transport.get_pipe_transport(0))
        stdin.write(given)
        stdin.close()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await seen.over.wait()
                in_time = True
    finally:
        _kill(transport.get_pid())
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(GRACE_S):
                await seen.closed.wait()
        transport.close()
    code = transport.get_returncode()
    return Ended(
        code=-signal.SIGKILL if code is None else code,
        stdout=bytes(seen.stdout),
        stderr=bytes(seen.stderr),
        killed_for="output" if seen.too_much else "" if in_time else "timeout",
    )


class _Seen(asyncio.SubprocessProtocol):
    """`over` is set when the program has ended, has said too much or is not wanted any more, `closed` when it has ended
    and nobody holds its output."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._open = {1, 2}
        self.stdout, self.stderr = bytearray(), bytearray()
        self.too_much = False
        self.over, self.closed, self._exited = asyncio.Event(), asyncio.Event(), False

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        if fd == 2:
            self.stderr += data
            del self.stderr[:-STDERR_KEPT]
        elif len(self.stdout) + len(data) > self._most_bytes:
            self.too_much = True
            self.over.set()
        else:
            self.stdout += data

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        self._open.discard(fd)
        self._close()

    def process_exited(self) -> None:
        self._exited = True
        self.over.set()
        self._close()

    def _close(self) -> None:
        if self._exited and not self._open:
            self.closed.set()


def _kill(leader: int) -> None:
    """The group outlives its leader, and its number is not given to others while a member lives."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(leader, signal.SIGKILL)
