"""State with a memory: every key keeps its values by height, and layers of unwritten changes lie on top of one
another.

Keys are tuples and sort as tuples, so that `(owner, dseq, gseq)` comes in the order of the real node: owner as text,
numbers as numbers (chain-probes "Ordering" 1–2). Values are immutable (bytes, int, …); None means absent. Nothing is
ever pruned.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator
from typing import Any, Protocol

Key = tuple[Any, ...]


class Reader(Protocol):
    def get(self, table: str, key: Key) -> Any: ...

    def scan(self, table: str, prefix: Key = (), *, text: bool = False) -> Iterator[tuple[Key, Any]]:
        """Rows whose key starts with the prefix, in key order; with `text`, its last part begins a text."""
        ...


class Store:
    """The committed versions. Reading needs a height: `at(h)`."""

    def __init__(self) -> None:
        self._rows: dict[str, dict[Key, tuple[list[int], list[Any]]]] = {}
        self._keys: dict[str, list[Key]] = {}

    def at(self, height: int) -> Snapshot:
        return Snapshot(self, height)

    def write(self, height: int, changes: dict[str, dict[Key, Any]]) -> None:
        for table, rows in changes.items():
            known, keys = self._rows.setdefault(table, {}), self._keys.setdefault(table, [])
            for key, value in rows.items():
                versions = known.get(key)
                if versions is None:
                    versions = known[key] = ([], [])
                    insort(keys, key)
                heights, values = versions
                if heights and heights[-1] == height:
                    values[-1] = value
                elif not values or values[-1] != value:
                    heights.append(height)
                    values.append(value)

    def value(self, table: str, key: Key, height: int) -> Any:
        versions = self._rows.get(table, {}).get(key)
        if versions is None:
            return None
        at = bisect_right(versions[0], height)
        return versions[1][at - 1] if at else None

    def keys(self, table: str, prefix: Key, *, text: bool) -> Iterator[Key]:
        keys = self._keys.get(table, [])
        for i in range(bisect_left(keys, prefix), len(keys)):
            if not _starts(keys[i], prefix, text):
                return
            yield keys[i]


class Snapshot:
    """The state as it was when a height was committed."""

    def __init__(self, store: Store, height: int) -> None:
        self._store, self.height = store, height

    def get(self, table: str, key: Key) -> Any:
        return self._store.value(table, key, self.height)

    def scan(self, table: str, prefix: Key = (), *, text: bool = False) -> Iterator[tuple[Key, Any]]:
        for key in self._store.keys(table, prefix, text=text):
            value = self._store.value(table, key, self.height)
            if value is not None:
                yield key, value


class Layer:
    """Changes on top of a reader, thrown away or handed down with `merge`."""

    def __init__(self, below: Reader) -> None:
        self._below = below
        self.changes: dict[str, dict[Key, Any]] = {}

    def get(self, table: str, key: Key) -> Any:
        mine = self.changes.get(table)
        if mine is not None and key in mine:
            return mine[key]
        return self._below.get(table, key)

    def put(self, table: str, key: Key, value: Any) -> None:
        """Value None deletes."""
        self.changes.setdefault(table, {})[key] = value

    def scan(self, table: str, prefix: Key = (), *, text: bool = False) -> Iterator[tuple[Key, Any]]:
        mine = {k: v for k, v in self.changes.get(table, {}).items() if _starts(k, prefix, text)}
        if not mine:
            yield from self._below.scan(table, prefix, text=text)
            return
        rows = dict(self._below.scan(table, prefix, text=text)) | mine
        for key in sorted(rows):
            if rows[key] is not None:
                yield key, rows[key]

    def merge(self, into: Layer) -> None:
        for table, rows in self.changes.items():
            into.changes.setdefault(table, {}).update(rows)


def _starts(key: Key, prefix: Key, text: bool) -> bool:
    last = len(prefix) - 1
    if text and prefix:
        return key[:last] == prefix[:last] and len(key) > last and str(key[last]).startswith(prefix[last])
    return key[: last + 1] == prefix
