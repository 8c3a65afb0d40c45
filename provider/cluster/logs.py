"""The log lines of a lease's pods, merged as they come.

A pod that has not started yet is passed over, not an error, and while following it is tried again, as are pods that
appear later. The subtle part is re-opening a stream that ended (the container restarted, the API server closed it):
lines are asked for with their time stamps, which are kept to go on after the last line seen, neither twice nor with a
gap, and cut off again.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from manifests.render.names import MANAGED, SERVICE
from provider.cluster.api.kinds import POD
from provider.cluster.api.kube import Kube
from provider.cluster.inventory.pods import pod_facts
from provider.errors import AkpError, NotFound, Refused, Retry
from provider.tasks import spawn

LOOK_AGAIN_S = 3.0
"""While following: how often pods are looked for, and the pause before a stream that ended is opened again."""
LONGEST_LINE = 256 * 1024
"""A longer line is handed on in pieces."""
WAITING = 256
"""Lines kept for a slow reader; then the reading of pods pauses."""


@dataclass(frozen=True, slots=True)
class Line:
    """`pod` is the pod's name, which begins with the service's; `text` has no newline."""

    pod: str
    text: str


@asynccontextmanager
async def logs(
    kube: Kube, namespace: str, service: str = "", *, follow: bool = False, tail: int | None = None
) -> AsyncIterator[AsyncIterator[Line]]:
    """Lines of one service, or of all when `service` is "": the last `tail` (None: all) of each pod, and what follows.

    Without `follow` the iterator ends with the last line, and raises NotFound when there is no pod at all; with it, it
    ends only when the reader leaves. Trouble with the API server is raised by the iterator."""
    lines: asyncio.Queue[Line | AkpError | None] = asyncio.Queue(WAITING)
    try:
        async with asyncio.TaskGroup() as readers:
            feed = spawn(readers, f"logs {namespace}", _feed(kube, namespace, service, follow, tail, lines))
            yield _lines(lines)
            feed.cancel()
    except BaseExceptionGroup as several:  # what the reader raised, wrapped by the task group
        if len(several.exceptions) == 1:
            raise several.exceptions[0] from None
        raise


async def _lines(queue: asyncio.Queue[Line | AkpError | None]) -> AsyncIterator[Line]:
    while (line := await queue.get()) is not None:
        if isinstance(line, AkpError):
            raise line
        yield line


async def _feed(
    kube: Kube,
    namespace: str,
    service: str,
    follow: bool,
    tail: int | None,
    lines: asyncio.Queue[Line | AkpError | None],
) -> None:
    """Find pods, start a reader for each, end when all have ended (never while following)."""
    known: set[str] = set()
    selector = f"{MANAGED}=true,{SERVICE}={service}" if service else f"{MANAGED}=true"
    try:
        async with asyncio.TaskGroup() as readers:
            while True:
                for obj in await kube.all(POD, namespace, selector):
                    pod = pod_facts(obj)
                    if pod.uid not in known:
                        known.add(pod.uid)
                        reader = _Reader(kube, namespace, pod.name, pod.service, follow, tail, lines)
                        spawn(readers, f"log {pod.name}", reader.run())
                if not follow:
                    break
                await asyncio.sleep(LOOK_AGAIN_S)
        if not known:
            await lines.put(NotFound("no running pods"))
    except* AkpError as several:
        await lines.put(_first(several))
    await lines.put(None)


class _Reader:
    """One pod's log. `_last` is the stamp of the last line handed on."""

    def __init__(
        self,
        kube: Kube,
        namespace: str,
        pod: str,
        container: str,
        follow: bool,
        tail: int | None,
        lines: asyncio.Queue[Line | AkpError | None],
    ) -> None:
        self._kube, self._path, self._pod, self._container = kube, POD.path(namespace, pod, "log"), pod, container
        self._follow, self._tail, self._lines = follow, tail, lines
        self._last = ""

    async def run(self) -> None:
        while True:
            try:
                await self._read()
            except NotFound:
                return  # the pod is gone
            except Refused:
                pass  # 400: its container has not started
            except Retry:
                if not self._follow:
                    raise
            if not self._follow:
                return
            await asyncio.sleep(LOOK_AGAIN_S)

    async def _read(self) -> None:
        query = [("timestamps", "true")]
        query += [("container", self._container)] if self._container else []
        query += [("follow", "true")] if self._follow else []
        if self._last:
            query.append(("sinceTime", self._last))
        elif self._tail is not None:
            query.append(("tailLines", str(self._tail)))
        async with self._kube.stream(self._path, query, quiet_s=None if self._follow else 60.0) as stream:
            rest, inside = b"", False
            while chunk := await stream.chunk():
                *whole, rest = (rest + chunk).split(b"\n")
                for line in whole:
                    await self._hand_on(line, inside)
                    inside = False
                if len(rest) > LONGEST_LINE:
                    await self._hand_on(rest, inside)
                    rest, inside = b"", True
            if rest:
                await self._hand_on(rest, inside)

    async def _hand_on(self, line: bytes, inside: bool) -> None:
        """`inside` is the rest of a line whose beginning, and stamp, is gone already."""
        text = line.decode(errors="replace")
        if not inside:
            stamp, _, text = text.partition(" ")
            if self._last and stamp <= self._last:
                return
            self._last = stamp
        await self._lines.put(Line(self._pod, text))


def _first(several: BaseExceptionGroup[AkpError]) -> AkpError:
    found: BaseException = several
    while isinstance(found, BaseExceptionGroup):
        found = found.exceptions[0]
    assert isinstance(found, AkpError)
    return found
