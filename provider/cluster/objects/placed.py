"""What may stand in a lease's namespace, known without asking, so that what is left over is found with few calls.

A namespace is looked through once by each process, by lists of the kinds whose mirrors may be behind; one that is not
there yet holds nothing. From then on whatever we apply is noted before it is applied, and the mirrors tell of the rest.
So more may be noted than there is, never less of ours: to delete what is gone does no harm, and what is kept is never
deleted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from provider.cluster.api.kinds import NAMESPACE, Kind
from provider.cluster.api.kube import Kube
from provider.cluster.api.mirror import Mirror
from provider.cluster.objects.apply import PRUNED, named, prune
from provider.errors import NotFound

Named = tuple[Kind, str]


class Placed:
    """`mirrors` are those that show whatever of their kind is labelled as rendered."""

    def __init__(self, kube: Kube, mirrors: Sequence[Mirror[Any]]) -> None:
        self._kube, self._mirrors = kube, mirrors
        self._noted: dict[str, set[Named]] = {}
        """namespace -> names, of the namespaces that were looked through"""
        self._going: dict[str, set[Named]] = {}
        """namespace -> what was deleted there and is shown still: finalizers take their time"""

    async def expect(self, namespace: str, objects: Iterable[Mapping[str, Any]]) -> None:
        """These are about to be applied."""
        if namespace not in self._noted and not self._shown(namespace) and not await self._stands(namespace):
            self._noted[namespace] = set()
        if namespace in self._noted:
            self._noted[namespace] |= _names(objects)

    async def prune(self, namespace: str, keep: Sequence[Mapping[str, Any]]) -> list[str]:
        """Delete what is not in `keep`; what was deleted, as `plural/name`."""
        noted = self._noted.get(namespace)
        unseen = () if noted is not None else self._unseen()
        out = await prune(self._kube, namespace, keep, unseen, [*self._shown(namespace), *(noted or ())])
        self._noted[namespace] = _names(keep)
        self._going[namespace] = self._shown(namespace) - self._noted[namespace]
        return out

    def strays(self, namespace: str) -> list[Named]:
        """What the mirrors show there that was not in the last `keep`, nor deleted then: somebody has copied an object
        with its labels."""
        noted, shown = self._noted.get(namespace), self._shown(namespace)
        if noted is None:
            return []
        self._going[namespace] = self._going.get(namespace, set()) & shown
        return sorted(shown - noted - self._going[namespace], key=str)

    def forget(self, namespace: str) -> None:
        """It is over."""
        self._noted.pop(namespace, None)
        self._going.pop(namespace, None)

    def _shown(self, namespace: str) -> set[Named]:
        return {(mirror.kind, name) for mirror in self._mirrors for name in mirror.within(namespace)}

    def _unseen(self) -> list[Kind]:
        """What only a list can tell: kinds whose mirror may be behind."""
        seen = {mirror.kind for mirror in self._mirrors if mirror.fresh}
        return [kind for kind in PRUNED if kind not in seen]

    async def _stands(self, namespace: str) -> bool:
        try:
            await self._kube.get(NAMESPACE, None, namespace)
        except NotFound:
            return False
        return True


def _names(objects: Iterable[Mapping[str, Any]]) -> set[Named]:
    return {(kind, name) for kind, name in named(objects) if kind in PRUNED}
