"""Keys by the height at which they come up, so that a block costs what is due in it and not what there is. Pure.

The one subtlety: a key that has come up stays due until it is put again or dropped. Who could not look at it this time
is asked again with the next block.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Hashable, Iterator
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)


class Agenda(Generic[K]):
    def __init__(self) -> None:
        self._at: dict[K, int] = {}
        self._due: dict[K, None] = {}
        self._heap: list[tuple[int, int, K]] = []
        """also holds what has been put again or dropped since, at most as much as what is planned"""
        self._number = itertools.count()

    def __len__(self) -> int:
        return len(self._at)

    def __contains__(self, key: K) -> bool:
        return key in self._at

    def __iter__(self) -> Iterator[K]:
        return iter(self._at)

    def put(self, key: K, height: int) -> None:
        """It comes up at `height`, and not at what was planned before."""
        if self._at.get(key) == height and key not in self._due:
            return
        self._at[key] = height
        self._due.pop(key, None)
        heapq.heappush(self._heap, (height, next(self._number), key))
        if len(self._heap) > 2 * len(self._at) + 64:
            self._heap = [(at, next(self._number), one) for one, at in self._at.items() if one not in self._due]
            heapq.heapify(self._heap)

    def drop(self, key: K) -> None:
        self._at.pop(key, None)
        self._due.pop(key, None)

    def due(self, height: int) -> list[K]:
        """What has come up by then; heights only grow."""
        while self._heap and self._heap[0][0] <= height:
            at, _, key = heapq.heappop(self._heap)
            if self._at.get(key) == at:
                self._due[key] = None
        return list(self._due)
