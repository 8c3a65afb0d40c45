"""As what each object was written, so that somebody's change of it can be told from a new rendering and from news that
have not come yet, and is undone less and less often where it comes back (mending.py). Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from enum import Enum, auto
from typing import Any, Generic, TypeVar

from provider.mending import Mending

K = TypeVar("K", bound=Hashable)


class Unlike(Enum):
    """Why an object is not as rendered, and what follows."""

    OUTDATED = auto()
    """it is rendered otherwise by now: write it"""
    UNSEEN = auto()
    """what was written is not shown yet: leave it"""
    CHANGED = auto()
    """somebody has changed it: write it"""
    FOUGHT_OVER = auto()
    """somebody changes it again and again: leave it for now"""


class Written(Generic[K]):
    """Times are those of one clock, in seconds; versions those at which an object was not as rendered."""

    def __init__(self) -> None:
        self._as: dict[K, tuple[Mapping[str, Any], str]] = {}
        self._mending: Mending[K] = Mending()

    def unlike(self, key: K, rendered: Mapping[str, Any], version: str, now_s: float) -> Unlike:
        """Of an object that is there, at this version, and not as rendered."""
        before, was = self._as.get(key, (None, ""))
        if before != rendered:
            return Unlike.OUTDATED
        if version == was:
            return Unlike.UNSEEN
        return Unlike.CHANGED if self._mending.wait_s(key, now_s) is None else Unlike.FOUGHT_OVER

    def put(self, key: K, rendered: Mapping[str, Any], version: str = "") -> None:
        """It was written because it was not so at this version; without one it was not there, or is as rendered."""
        self._as[key] = rendered, version

    def undone(self, key: K, now_s: float) -> None:
        """A change of somebody's was, by the last `put`."""
        self._mending.mended(key, now_s)

    def forget(self, over: Callable[[K], bool]) -> list[K]:
        """Of these nothing is known any more; which they were."""
        gone = [key for key in self._as if over(key)]
        for key in gone:
            del self._as[key]
            self._mending.forget(key)
        return gone
