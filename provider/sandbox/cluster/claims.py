"""PersistentVolumeClaims: bound to a made-up volume when their class exists, and kept while a pod uses them."""

from __future__ import annotations

from typing import Any

from provider.sandbox.cluster.kinds import CLAIMS, VOLUMES
from provider.sandbox.cluster.objects import Objects, Write
from provider.sandbox.cluster.persistent import Volumes

Json = dict[str, Any]
_PROTECTION = "kubernetes.io/pvc-protection"


class Claims:
    def __init__(self, objects: Objects, volumes: Volumes) -> None:
        self._objects, self._volumes = objects, volumes

    def look(self, namespace: str, name: str) -> None:
        claim = self._objects.store.get("persistentvolumeclaims", namespace, name)
        if claim is None:
            return
        if "deletionTimestamp" in claim["metadata"]:
            self._release(claim)
        elif claim["status"].get("phase") != "Bound":
            self._bind(claim)
        elif claim["status"].get("capacity") != {"storage": claim["spec"]["resources"]["requests"]["storage"]}:
            self._grow(claim)

    def _bind(self, claim: Json) -> None:
        spec, meta = claim["spec"], claim["metadata"]
        storage_class = self._objects.store.get("storageclasses.storage.k8s.io", "", spec.get("storageClassName", ""))
        if storage_class is None:
            return
        size = spec["resources"]["requests"]["storage"]
        waiting = self._volumes.reserved(claim)
        if waiting is not None:
            size = waiting["spec"]["capacity"]["storage"]
        volume = waiting["metadata"]["name"] if waiting else spec.get("volumeName") or f"pvc-{meta['uid']}"
        how = Write(manager="kube-controller-manager")
        made = {
            "metadata": {"name": volume},
            "spec": {
                "capacity": {"storage": size},
                "accessModes": spec["accessModes"],
                "storageClassName": spec["storageClassName"],
                "persistentVolumeReclaimPolicy": storage_class.get("reclaimPolicy", "Delete"),
                "volumeMode": spec["volumeMode"],
                "claimRef": {
                    "kind": "PersistentVolumeClaim",
                    "namespace": meta["namespace"],
                    "name": meta["name"],
                    "uid": meta["uid"],
                },
            },
        }
        if self._objects.store.get("persistentvolumes", "", volume) is None:
            stored = self._objects.create(VOLUMES, "", made, how)
            self._objects.write_status(VOLUMES, stored, {"phase": "Bound"})
        change = {"spec": {"volumeName": volume}}
        bound = self._objects.patch(CLAIMS, meta["namespace"], meta["name"], how, "merge", change)
        state = {"phase": "Bound", "accessModes": spec["accessModes"], "capacity": {"storage": size}}
        self._objects.write_status(CLAIMS, bound, state)

    def _grow(self, claim: Json) -> None:
        size = {"storage": claim["spec"]["resources"]["requests"]["storage"]}
        self._objects.write_status(CLAIMS, claim, claim["status"] | {"capacity": size})

    def _release(self, claim: Json) -> None:
        meta = claim["metadata"]
        if _PROTECTION not in meta.get("finalizers", []) or self._in_use(meta["namespace"], meta["name"]):
            return
        kept = [each for each in meta["finalizers"] if each != _PROTECTION]
        how = Write(manager="kube-controller-manager")
        self._objects.patch(
            CLAIMS, meta["namespace"], meta["name"], how, "merge", {"metadata": {"finalizers": kept or None}}
        )
        volume = claim["spec"].get("volumeName")
        if not kept and volume:
            self._volumes.look(volume)

    def _in_use(self, namespace: str, name: str) -> bool:
        return any(
            volume.get("persistentVolumeClaim", {}).get("claimName") == name
            for pod in self._objects.store.list("pods", namespace)
            for volume in pod["spec"].get("volumes", [])
        )
