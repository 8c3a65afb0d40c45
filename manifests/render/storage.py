"""The volumes of a service: which are claims that outlive a pod, which are memory, which are the container's own
disk.

A volume of no class that is mounted somewhere becomes an emptyDir of its size; the reference mounts a volume that is
not there and the API server refuses the pod (kubernetes.md §2.8).
"""

from __future__ import annotations

from typing import Any

from manifests.manifest import Service, StorageParams
from manifests.render import names
from manifests.render.site import Site
from manifests.resources import Storage
from manifests.units import format_count


def claimed(service: Service) -> tuple[Storage, ...]:
    """Persistent volumes; one is enough to make the service a StatefulSet."""
    return tuple(s for s in service.resources.storage if s.persistent)


def in_memory(service: Service) -> tuple[Storage, ...]:
    """Volumes of class `ram`: counted as the container's memory."""
    return tuple(s for s in service.resources.storage if not s.persistent and s.storage_class == "ram")


def on_disk(service: Service) -> tuple[Storage, ...]:
    """The rest: the container's root file system and whatever else lives on the node's disk."""
    return tuple(s for s in service.resources.storage if not s.persistent and s.storage_class != "ram")


def pod_volumes(service: Service) -> list[dict[str, Any]]:
    """`volumes` of the pod; persistent ones come from the StatefulSet's claims instead."""
    mounted = {mount.name for mount in mounts(service)}
    volumes: list[dict[str, Any]] = []
    for storage in service.resources.storage:
        limit = {"sizeLimit": format_count(storage.quantity_bytes)}
        if storage in in_memory(service):
            volumes.append(
                {"name": names.volume(service.name, storage.name), "emptyDir": {"medium": "Memory", **limit}}
            )
        elif storage in on_disk(service) and storage.name in mounted:
            volumes.append({"name": names.volume(service.name, storage.name), "emptyDir": limit})
    return volumes


def volume_mounts(service: Service) -> list[dict[str, Any]]:
    out: list[dict[str, Any]] = []
    for mount in mounts(service):
        entry: dict[str, Any] = {"name": names.volume(service.name, mount.name), "mountPath": mount.mount}
        out.append({**entry, "readOnly": True} if mount.read_only else entry)
    return out


def mounts(service: Service) -> tuple[StorageParams, ...]:
    """Where the tenant wants volumes to appear; a volume without a path (or at the root, where the image already
    is) is not mounted."""
    asked = (service.params.storage or ()) if service.params else ()
    return tuple(m for m in asked if m.mount not in ("", "/"))


def claim_templates(service: Service, site: Site) -> list[dict[str, Any]]:
    """`volumeClaimTemplates`, immutable once made: one claim per persistent volume and replica (kubernetes.md
    §2.10)."""
    return [_claim(service, storage, site) for storage in claimed(service)]


def claims(service: Service) -> dict[str, int]:
    """Name -> bytes of the claims that are made of the templates: one for each volume of each replica."""
    return {
        f"{claim_stem(service, storage)}-{replica}": storage.quantity_bytes
        for storage in claimed(service)
        for replica in range(service.count)
    }


def claim_stem(service: Service, storage: Storage) -> str:
    """What the names of a volume's claims begin with; the replica's number follows, by the StatefulSet's rule."""
    return f"{names.volume(service.name, storage.name)}-{service.name}"


def _claim(service: Service, storage: Storage, site: Site) -> dict[str, Any]:
    spec: dict[str, Any] = {
        "accessModes": ["ReadWriteOnce"],
        "volumeMode": "Filesystem",
        "resources": {"requests": {"storage": format_count(storage.quantity_bytes)}},
    }
    asked = storage.storage_class or "default"
    # `default` is the cluster's own default class, which has no fixed name
    if name := site.storage_classes.get(asked, "" if asked == "default" else asked):
        spec["storageClassName"] = name
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": names.volume(service.name, storage.name)},
        "spec": spec,
    }
