"""Garbage collection: what is owned goes with its owner, before it (foreground) or after it, or stays as an orphan."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from provider.sandbox.cluster.kinds import Kind
from provider.sandbox.cluster.objects import Objects, Write
from provider.sandbox.cluster.store import Change, Key

Json = dict[str, Any]
_HOW = Write(manager="kube-controller-manager")


class Dependents:
    """Keeps who is owned by which uid; `look` is called for every changed key."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects
        self._owned: dict[str, dict[Key, None]] = defaultdict(dict)
        self._dead: dict[Key, set[str]] = defaultdict(set)

    def hear(self, change: Change) -> None:
        for owner in (change.before or {}).get("metadata", {}).get("ownerReferences", []):
            self._owned[owner["uid"]].pop(change.key, None)
        for owner in (change.after or {}).get("metadata", {}).get("ownerReferences", []):
            self._owned[owner["uid"]][change.key] = None
        if change.after is None:
            self._dead[change.key].add(change.last["metadata"]["uid"])

    def look(self, resource: str, namespace: str, name: str) -> None:
        key = (resource, namespace, name)
        for uid in self._dead.pop(key, ()):
            for dependent in list(self._owned.pop(uid, ())):
                self._delete(dependent)
        live = self._objects.store.get(*key)
        if live is not None:
            self._finish(key, live)

    def _finish(self, key: Key, live: Json) -> None:
        """Carry out the foreground and orphan policies of an object being deleted."""
        finalizers = live["metadata"].get("finalizers", [])
        if "deletionTimestamp" not in live["metadata"] or not {"foregroundDeletion", "orphan"} & set(finalizers):
            return
        uid = live["metadata"]["uid"]
        dependents = list(self._owned.get(uid, ()))
        if "orphan" in finalizers:
            for dependent in dependents:
                self._disown(dependent, uid)
        elif dependents:
            for dependent in dependents:
                self._delete(dependent, "Foreground")
            if self._owned.get(uid):
                return
        left = [each for each in finalizers if each not in ("foregroundDeletion", "orphan")]
        self._patch(key, {"metadata": {"finalizers": left or None}})

    def _delete(self, key: Key, policy: str = "Background") -> None:
        live = self._objects.store.get(*key)
        if live is not None and "deletionTimestamp" not in live["metadata"]:
            kind = self._kind(live)
            if kind is not None:
                self._objects.delete(kind, key[1], key[2], {"propagationPolicy": policy})

    def _disown(self, key: Key, uid: str) -> None:
        live = self._objects.store.get(*key)
        if live is not None:
            kept = [each for each in live["metadata"].get("ownerReferences", []) if each["uid"] != uid]
            self._patch(key, {"metadata": {"ownerReferences": kept or None}})

    def _patch(self, key: Key, change: Json) -> None:
        live = self._objects.store.get(*key)
        kind = self._kind(live) if live is not None else None
        if kind is not None:
            self._objects.patch(kind, key[1], key[2], _HOW, "merge", change)

    def _kind(self, obj: Json) -> Kind | None:
        return self._objects.kinds.by_kind(obj["apiVersion"], obj["kind"])
