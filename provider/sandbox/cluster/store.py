"""Objects by resource, namespace and name, one version counter for all, and the history that watches are fed from.

Objects in here are never changed in place: a write puts a new one. Whoever reads may keep what was read.
"""

from __future__ import annotations

import bisect
import builtins
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from provider.sandbox.cluster.status import too_old

Json = dict[str, Any]
Key = tuple[str, str, str]  # resource, namespace ("" when there is none), name


@dataclass(frozen=True, slots=True)
class Change:
    """`before` is None for a new object, `after` for a deleted one; `last` is the object to show either way."""

    version: int
    key: Key
    before: Json | None
    after: Json | None
    last: Json


class Store:
    """Versions start high, as if the cluster had lived before: version 1 is long forgotten, as on any real server."""

    def __init__(self, *, history: int = 10_000) -> None:
        self.version = 1000
        self.oldest = self.version
        self._limit = history
        self._objects: dict[str, dict[tuple[str, str], Json]] = {}
        self._history: list[Change] = []
        self._listeners: list[Callable[[Change], None]] = []

    def get(self, resource: str, namespace: str, name: str) -> Json | None:
        return self._objects.get(resource, {}).get((namespace, name))

    def list(self, resource: str, namespace: str = "") -> builtins.list[Json]:
        """In the order the real server lists: by namespace, then name."""
        found = self._objects.get(resource, {})
        return [found[key] for key in sorted(found) if not namespace or key[0] == namespace]

    def list_at(self, version: int, resource: str, namespace: str = "") -> builtins.list[Json]:
        """As `list` would have answered at an earlier version: the changes since, undone."""
        found = dict(self._objects.get(resource, {}))
        for change in reversed(self.since(version)):
            if change.key[0] == resource:
                if change.before is None:
                    found.pop(change.key[1:], None)
                else:
                    found[change.key[1:]] = change.before
        return [found[key] for key in sorted(found) if not namespace or key[0] == namespace]

    def resources(self) -> builtins.list[str]:
        return [resource for resource, found in self._objects.items() if found]

    def put(self, resource: str, new: Json) -> Json:
        """Store under the next version, stamped into `metadata.resourceVersion`."""
        self.version += 1
        meta = new["metadata"] | {"resourceVersion": str(self.version)}
        new = new | {"metadata": meta}
        place = (meta.get("namespace", ""), meta["name"])
        objects = self._objects.setdefault(resource, {})
        before = objects.get(place)
        objects[place] = new
        self._tell(Change(self.version, (resource, *place), before, new, new))
        return new

    def remove(self, resource: str, namespace: str, name: str) -> Json | None:
        before = self._objects.get(resource, {}).pop((namespace, name), None)
        if before is None:
            return None
        self.version += 1
        last = before | {"metadata": before["metadata"] | {"resourceVersion": str(self.version)}}
        self._tell(Change(self.version, (resource, namespace, name), before, None, last))
        return last

    def since(self, version: int) -> builtins.list[Change]:
        """Changes after a version; 410 when the history no longer goes back that far."""
        if version < self.oldest:
            raise too_old(version, self.oldest)
        start = bisect.bisect_right(self._history, version, key=lambda change: change.version)
        return self._history[start:]

    def forget(self) -> None:
        """Expire the whole history, as compaction does."""
        self.version += 1
        self.oldest = self.version
        self._history.clear()

    def listen(self, listener: Callable[[Change], None]) -> Callable[[], None]:
        """Hear of every change at once; call the result to stop."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def _tell(self, change: Change) -> None:
        self._history.append(change)
        if len(self._history) > self._limit:
            dropped = len(self._history) // 4
            self.oldest = self._history[dropped - 1].version
            del self._history[:dropped]
        for listener in list(self._listeners):
            listener(change)
