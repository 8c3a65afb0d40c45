"""One open watch: changes after a version, as lines of JSON, filtered as the request asked.

An object that stops matching the selector is reported as deleted, one that starts matching as added: the client's
view of the selection stays right.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import Any

from provider.sandbox.cluster.kinds import Kind
from provider.sandbox.cluster.status import ApiError
from provider.sandbox.cluster.store import Change, Store

Json = dict[str, Any]
BOOKMARK_EVERY_S = 60.0
GARBAGE = b'{"type":"MODIFIED","object":{"meta'


class Watch:
    """`since` None starts with everything there is, as ADDED."""

    def __init__(
        self,
        store: Store,
        kind: Kind,
        namespace: str,
        wanted: Callable[[Json], bool],
        show: Callable[[Json], Json],
        *,
        since: int | None,
        timeout_s: float,
        bookmarks: bool,
        initial: bool = False,
    ) -> None:
        self._store, self._kind, self._namespace, self._wanted, self._show = store, kind, namespace, wanted, show
        self._since, self._timeout_s, self._bookmarks, self._initial = since, timeout_s, bookmarks, initial
        self._waiting: deque[Change] = deque()
        self._more = asyncio.Event()
        self._ending: bytes | None = None

    def cut(self, *, garbage: bool) -> None:
        """End it now, in the middle of a line when `garbage`."""
        self._ending = GARBAGE if garbage else b""
        self._more.set()

    async def lines(self) -> AsyncIterator[bytes]:
        """Until the time is over or somebody cuts it."""
        stop = self._store.listen(self._hear)
        loop = asyncio.get_running_loop()
        started = told = loop.time()
        try:
            for event in self._start():
                yield event
            while self._ending is None and (left := started + self._timeout_s - loop.time()) > 0:
                self._more.clear()
                while self._waiting:
                    news = self._event(self._waiting.popleft())
                    if news:
                        yield news
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(min(left, BOOKMARK_EVERY_S)):
                        await self._more.wait()
                if self._bookmarks and loop.time() - told >= BOOKMARK_EVERY_S:
                    told = loop.time()
                    yield self._bookmark(self._store.version)
            if self._ending:
                yield self._ending
            elif self._ending is None and self._bookmarks:
                yield self._bookmark(self._store.version)
        finally:
            stop()

    def _start(self) -> list[bytes]:
        if self._since is None:
            found = [obj for obj in self._store.list(self._kind.resource, self._namespace) if self._wanted(obj)]
            events = [_line("ADDED", self._show(obj)) for obj in found]
            return [*events, self._bookmark(self._store.version, first=True)] if self._initial else events
        try:
            missed = self._store.since(self._since)
        except ApiError as gone:
            self._ending = b""
            return [_line("ERROR", gone.body())]
        return [event for event in map(self._event, filter(self._concerns, missed)) if event]

    def _hear(self, change: Change) -> None:
        if self._concerns(change):
            self._waiting.append(change)
            self._more.set()

    def _concerns(self, change: Change) -> bool:
        resource, namespace, _ = change.key
        return resource == self._kind.resource and self._namespace in ("", namespace)

    def _event(self, change: Change) -> bytes | None:
        was = change.before is not None and self._wanted(change.before)
        now = change.after is not None and self._wanted(change.after)
        if not was and not now:
            return None
        kind = "MODIFIED" if was and now else "ADDED" if now else "DELETED"
        return _line(kind, self._show(change.last))

    def _bookmark(self, version: int, *, first: bool = False) -> bytes:
        meta: Json = {"resourceVersion": str(version)}
        if first:
            meta["annotations"] = {"k8s.io/initial-events-end": "true"}
        return _line("BOOKMARK", {"kind": self._kind.kind, "apiVersion": self._kind.api_version, "metadata": meta})


def _line(kind: str, obj: Json) -> bytes:
    return json.dumps({"type": kind, "object": obj}, separators=(",", ":")).encode() + b"\n"
