"""A mirror of one kind of object: what the API server has, as it last told us, and who changed.

Three loops, one in another, each with one reason to end: the stream of one watch (Kube.watch, ends when cut),
`_follow` (watches one after the other from the last version heard, ends when that version is no longer kept), and
`run` (lists, compares, follows, never ends). The subtle one is the compare: a deletion that happened while nobody
watched is never told, it is found by its absence from the next list.

While the API server does not answer, the mirror keeps its last known state and says since when (`stale_s`).
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any, Generic, Protocol, TypeVar

import structlog

from provider.cluster.api.kinds import Kind
from provider.cluster.api.kube import Event, Gone, Object, Page
from provider.errors import ConfigError, NotFound, Refused, Retry

T = TypeVar("T")
log = structlog.get_logger()

FIRST_BACKOFF_S, MAX_BACKOFF_S = 0.5, 30.0
ABSENT_S = 300.0
"""A kind the cluster lacks, and may lack, is asked for again after this."""


class Source(Protocol):
    """What a mirror needs of Kube."""

    def list(self, kind: Kind, namespace: str | None = None, labels: str = "") -> AsyncIterator[Page]: ...

    def watch(
        self, kind: Kind, since: str, namespace: str | None = None, labels: str = ""
    ) -> AbstractAsyncContextManager[AsyncIterator[Event]]: ...


class Mirror(Generic[T]):
    """- `keep` makes of each object what is stored, None to leave it out; an update that leaves it equal is not a
      change.
    - `changed(old, new)` is called once per change, in order, after the store has it; old None: new here, new None:
      gone.
    - A deletion missed while not watching is called as one.
    - `listed()` returns after the first complete list; a list that breaks off half-way changes nothing.
    - A "no" to the very first list is the operator's to cure (ConfigError), or means empty when `optional`; so is one
      to the very first watch of what could be listed. Later ones are trouble that passes, of a kind that may be absent
      as well.
    """

    def __init__(
        self,
        kube: Source,
        kind: Kind,
        *,
        keep: Callable[[Object], T | None],
        labels: str = "",
        namespace: str | None = None,
        optional: bool = False,
    ) -> None:
        self.kind = kind
        self._kube, self._keep, self._labels, self._namespace, self._optional = kube, keep, labels, namespace, optional
        self._store: dict[str, dict[str, T]] = {}
        self._listed = asyncio.Event()
        self._behind_since: float | None = None
        self._had = False
        """the cluster has this kind"""
        self._watched = False

    def get(self, namespace: str, name: str) -> T | None:
        """`namespace` is "" for kinds without one."""
        return self._store.get(namespace, {}).get(name)

    def within(self, namespace: str) -> Mapping[str, T]:
        """Name -> what is kept of it, in one namespace."""
        return self._store.get(namespace, {})

    def all(self) -> Collection[T]:
        return [kept for named in self._store.values() for kept in named.values()]

    def items(self) -> list[tuple[tuple[str, str], T]]:
        return [((ns, name), kept) for ns, named in self._store.items() for name, kept in named.items()]

    def __len__(self) -> int:
        return sum(len(named) for named in self._store.values())

    @property
    def readable(self) -> bool:
        """Whether the cluster has this kind and lets us read it; of one that may be missing, an empty mirror says
        nothing by itself."""
        return self._had

    async def listed(self) -> None:
        await self._listed.wait()

    @property
    def stale_s(self) -> float:
        """How long the API server has not been heard; 0 while the watch stands. Before the first list, since `run`
        began."""
        return 0.0 if self._behind_since is None else asyncio.get_running_loop().time() - self._behind_since

    @property
    def fresh(self) -> bool:
        return self._listed.is_set() and self._behind_since is None

    async def run(self, changed: Callable[[T | None, T | None], None]) -> None:
        """Never returns. Raises ConfigError when the first list or watch is refused, and whatever `changed` raises."""
        self._behind()
        clock = asyncio.get_running_loop().time
        failures = 0
        while True:
            began = clock()
            try:
                version = await self._list(changed)
                await self._follow(version, changed)
            except Gone as gone:
                log.info("list anew", kind=str(self.kind), why=str(gone))
            except Retry as trouble:
                log.warning("cluster does not answer", kind=str(self.kind), why=str(trouble))
            except Refused as no:
                if self._optional and self._lacks(no):
                    log.info("cluster has no such kind", kind=str(self.kind), why=str(no))
                    self._take_over({}, changed)
                    self._had = False
                    await asyncio.sleep(ABSENT_S)
                    continue
                if not self._listed.is_set() or not (self._watched or isinstance(no, NotFound)):
                    raise self._cure(no) from no
                log.warning("cluster refuses", kind=str(self.kind), why=str(no))
            self._behind()
            failures = 0 if clock() - began > MAX_BACKOFF_S else failures + 1
            await asyncio.sleep(_backoff(failures))

    async def _list(self, changed: Callable[[T | None, T | None], None]) -> str:
        """Read everything, then take over the differences at once; the version the list is of."""
        version = ""
        found: dict[str, dict[str, T]] = {}
        async for page in self._kube.list(self.kind, self._namespace, self._labels):
            version = page.version
            for obj in page.items:
                namespace, name = _key(obj)
                kept = self._keep(obj)
                if kept is not None:
                    found.setdefault(namespace, {})[name] = kept
        self._had = True
        self._take_over(found, changed)
        return version

    def _take_over(self, found: Mapping[str, Mapping[str, T]], changed: Callable[[T | None, T | None], None]) -> None:
        for namespace, named in list(self._store.items()):
            for name in [name for name in named if name not in found.get(namespace, {})]:
                self._put(namespace, name, None, changed)
        for namespace, there in found.items():
            for name, kept in there.items():
                self._put(namespace, name, kept, changed)
        self._behind_since = None
        self._listed.set()

    async def _follow(self, version: str, changed: Callable[[T | None, T | None], None]) -> None:
        """Watch after watch from the last version heard. Ends only with Gone (or Refused)."""
        clock = asyncio.get_running_loop().time
        failures = 0
        while True:
            began = clock()
            try:
                async with self._kube.watch(self.kind, version, self._namespace, self._labels) as events:
                    self._behind_since, self._watched = None, True
                    async for event in events:
                        failures = 0
                        version = event.version
                        self._take(event, changed)
            except Gone:
                raise
            except Retry as trouble:
                self._behind()
                log.info("watch interrupted", kind=str(self.kind), why=str(trouble))
            failures = 0 if clock() - began > MAX_BACKOFF_S else failures + 1
            await asyncio.sleep(_backoff(failures))

    def _take(self, event: Event, changed: Callable[[T | None, T | None], None]) -> None:
        if event.type == "BOOKMARK":
            return
        namespace, name = _key(event.object)
        self._put(namespace, name, None if event.type == "DELETED" else self._keep(event.object), changed)

    def _put(self, namespace: str, name: str, new: T | None, changed: Callable[[T | None, T | None], None]) -> None:
        named = self._store.setdefault(namespace, {})
        old = named.get(name)
        if new is None:
            named.pop(name, None)
        else:
            named[name] = new
        if not named:
            del self._store[namespace]
        if old != new:
            changed(old, new)

    def _behind(self) -> None:
        if self._behind_since is None:
            self._behind_since = asyncio.get_running_loop().time()

    def _lacks(self, no: Refused) -> bool:
        """Whether the cluster has no such kind. Of one that it had this is believed only after a while: an API server
        that has just started does not know custom kinds yet, nor everybody's rights."""
        return not self._had or (isinstance(no, NotFound) and self.stale_s >= ABSENT_S)

    def _cure(self, no: Refused) -> ConfigError:
        if isinstance(no, NotFound):
            cure = (
                "Install the custom resources of the chart."
                if self.kind.group == "akash.network"
                else "Use a newer cluster."
            )
            return ConfigError("cluster", f"the API server does not know {self.kind} ({no})", cure)
        return ConfigError(
            "cluster",
            f"{self.kind} may not be {'watched' if self._listed.is_set() else 'listed'} ({no})",
            "Give the daemon's account the rights of the chart's role.",
        )


def _key(obj: Mapping[str, Any]) -> tuple[str, str]:
    metadata = obj["metadata"]
    return metadata.get("namespace") or "", metadata["name"]


def _backoff(failures: int) -> float:
    """Jittered, so that a dozen mirrors do not come back to a troubled API server in step."""
    return min(FIRST_BACKOFF_S * 2.0 ** min(failures, 10), MAX_BACKOFF_S) * random.uniform(0.5, 1.0)  # noqa: S311 - not a secret
