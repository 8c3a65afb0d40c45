"""PersistentVolumes: what becomes of one whose claim is gone, and who may have one that was reserved.

As the controller does it: a claim that is gone leaves its volume Released, and the reclaim policy says whether it then
goes; a volume whose claimRef names a claim without its uid waits for the claim of that name and is Available.
"""

from __future__ import annotations

from typing import Any

from provider.sandbox.cluster.kinds import VOLUMES
from provider.sandbox.cluster.objects import Objects, Write

Json = dict[str, Any]
_HOW = Write(manager="kube-controller-manager")


class Volumes:
    def __init__(self, objects: Objects) -> None:
        self._objects = objects

    def look(self, name: str) -> None:
        volume = self._objects.store.get("persistentvolumes", "", name)
        if volume is None:
            return
        reference = volume["spec"].get("claimRef") or {}
        if not reference.get("uid"):
            self._is(volume, "Available")
        elif self._claim(reference) is not None:
            self._is(volume, "Bound")
        elif volume["spec"]["persistentVolumeReclaimPolicy"] == "Retain":
            self._is(volume, "Released")
        else:
            self._objects.remove(VOLUMES, "", name)

    def reserved(self, claim: Json) -> Json | None:
        """The volume that waits for this claim, which takes it."""
        meta = claim["metadata"]
        for volume in self._objects.store.list("persistentvolumes", ""):
            reference = volume["spec"].get("claimRef") or {}
            if (reference.get("namespace"), reference.get("name")) == (meta["namespace"], meta["name"]):
                if reference.get("uid") not in (None, meta["uid"]):
                    continue
                change = {"spec": {"claimRef": {"uid": meta["uid"]}}}
                return self._objects.patch(VOLUMES, "", volume["metadata"]["name"], _HOW, "merge", change)
        return None

    def _claim(self, reference: Json) -> Json | None:
        found = self._objects.store.get("persistentvolumeclaims", reference["namespace"], reference["name"])
        return found if found is not None and found["metadata"]["uid"] == reference["uid"] else None

    def _is(self, volume: Json, phase: str) -> None:
        if (volume.get("status") or {}).get("phase") != phase:
            self._objects.write_status(VOLUMES, volume, {"phase": phase})
