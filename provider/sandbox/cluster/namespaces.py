"""The life of a namespace: born with a service account and the authority's certificate, emptied before it goes."""

from __future__ import annotations

from typing import Any

from provider.sandbox.cluster.kinds import CONFIG_MAPS, NAMESPACES, SERVICE_ACCOUNTS, Kind
from provider.sandbox.cluster.objects import Objects, Write
from provider.sandbox.cluster.status import ApiError

Json = dict[str, Any]
_HOW = Write(manager="kube-controller-manager")


class Namespaces:
    def __init__(self, objects: Objects) -> None:
        self._objects = objects

    def look(self, name: str) -> None:
        found = self._objects.store.get("namespaces", "", name)
        if found is None:
            return
        if "deletionTimestamp" not in found["metadata"]:
            self._furnish(name)
            return
        left = self._empty(name)
        if left == 0:
            spec = {"finalizers": [each for each in found["spec"].get("finalizers", []) if each != "kubernetes"]}
            how = Write(manager="kube-controller-manager", subresource="finalize")
            self._objects.update(NAMESPACES, "", name, found | {"spec": spec}, how)
        else:
            self._say_why(found, left)

    def _furnish(self, name: str) -> None:
        for kind, rest in ((SERVICE_ACCOUNTS, {}), (CONFIG_MAPS, {"data": {"ca.crt": ""}})):
            title = "default" if kind is SERVICE_ACCOUNTS else "kube-root-ca.crt"
            if self._objects.store.get(kind.resource, name, title) is None:
                self._objects.create(kind, name, {"metadata": {"name": title}} | rest, _HOW)

    def _empty(self, name: str) -> int:
        """Delete everything inside; returns how much is still there, waiting for pods to stop or for finalizers."""
        for kind in self._kinds():
            for obj in self._objects.store.list(kind.resource, name):
                if "deletionTimestamp" not in obj["metadata"]:
                    self._delete(kind, name, obj["metadata"]["name"])
        return sum(len(self._objects.store.list(kind.resource, name)) for kind in self._kinds())

    def _delete(self, kind: Kind, namespace: str, name: str) -> None:
        try:
            self._objects.delete(kind, namespace, name, {"propagationPolicy": "Background"})
        except ApiError as no:
            if no.code != 404:
                raise

    def _kinds(self) -> list[Kind]:
        """Each resource once, whatever versions it is served in."""
        return list({kind.resource: kind for kind in self._objects.kinds.all() if kind.namespaced}.values())

    def _say_why(self, found: Json, left: int) -> None:
        finalizers = sorted(
            {
                finalizer
                for kind in self._kinds()
                for obj in self._objects.store.list(kind.resource, found["metadata"]["name"])
                for finalizer in obj["metadata"].get("finalizers", [])
            }
        )
        when = found["metadata"]["deletionTimestamp"]
        content = {"type": "NamespaceContentRemaining", "status": "True", "reason": "SomeResourcesRemain"}
        conditions = [content | {"message": f"Some resources are remaining: {left}", "lastTransitionTime": when}]
        if finalizers:
            text = f"Some content in the namespace has finalizers remaining: {', '.join(finalizers)}"
            kept = {"type": "NamespaceFinalizersRemaining", "status": "True", "reason": "SomeFinalizersRemain"}
            conditions.append(kept | {"message": text, "lastTransitionTime": when})
        self._objects.write_status(NAMESPACES, found, {"phase": "Terminating", "conditions": conditions})
