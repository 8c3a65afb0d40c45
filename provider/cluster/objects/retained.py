"""Volumes that outlive their lease: kept for a while so that their tenant can come back for the data.

A namespace takes its claims along, and a claim its volume, unless the volume's reclaim policy is Retain. So the policy
is changed before the namespace is deleted, and changed back when the time is over: what deletes data is always the
volume's own driver. Volumes that retain by themselves are the operator's, and are left alone.

A volume that is given to another lease is reserved for a claim of the same name there, and keeps its policy: should
that claim already have another volume, the controller would delete this one under the policy Delete.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from manifests.ids import LeaseID, lease_namespace
from manifests.render.names import lease_labels, lease_of
from provider.cluster.api.kinds import PERSISTENT_VOLUME, PERSISTENT_VOLUME_CLAIM
from provider.cluster.api.kube import Kube, Object
from provider.cluster.api.quantity import whole
from provider.cluster.inventory.volumes import Claim
from provider.errors import NotFound, Refused

LABEL = "akash.network/retained"
KEPT = f"{LABEL}=true"
UNTIL = "akash.network/retained-until"
"""An annotation: Unix seconds."""
POLICY = "persistentVolumeReclaimPolicy"


@dataclass(frozen=True, slots=True)
class Retained:
    """`claim_name` is that of the claim it was made for; `phase` is Kubernetes' (Bound, Released, Available …);
    `until_unix_s` is 0 where it is not said: then it stays until somebody deletes it."""

    name: str
    lease: LeaseID | None
    claim_name: str
    storage_class: str
    size_bytes: int
    until_unix_s: int
    phase: str

    @property
    def bound(self) -> bool:
        return self.phase == "Bound"

    @property
    def released(self) -> bool:
        """Its claim is gone and nobody has been given it."""
        return self.phase in ("Released", "Failed")

    @property
    def claim(self) -> Claim:
        """What it takes of its class; of no lease."""
        return Claim("", self.name, self.storage_class, self.size_bytes, bound=True)


def retained(obj: Mapping[str, Any]) -> Retained:
    metadata, spec = obj["metadata"], obj.get("spec") or {}
    until = (metadata.get("annotations") or {}).get(UNTIL, "")
    return Retained(
        metadata["name"],
        lease_of(metadata.get("labels") or {}),
        (spec.get("claimRef") or {}).get("name", ""),
        spec.get("storageClassName") or "",
        whole((spec.get("capacity") or {}).get("storage", 0)),
        int(until) if until.isdigit() else 0,
        (obj.get("status") or {}).get("phase", ""),
    )


async def keep(kube: Kube, lease: LeaseID, until_unix_s: int) -> list[str]:
    """Mark the lease's volumes, before its namespace is deleted; their names. Refused without the right to: the
    caller must then not go on."""
    out = []
    for claim in await kube.all(PERSISTENT_VOLUME_CLAIM, lease_namespace(lease)):
        name: str = (claim.get("spec") or {}).get("volumeName") or ""
        volume = await _found(kube, name) if name else None
        if volume is None or not _is_ours(volume):
            continue
        marks = {"labels": {LABEL: "true", **lease_labels(lease)}, "annotations": {UNTIL: str(until_unix_s)}}
        await kube.patch(PERSISTENT_VOLUME, None, name, {"metadata": marks, "spec": {POLICY: "Retain"}})
        out.append(name)
    return out


async def delete(kube: Kube, name: str) -> None:
    """For good. One that nobody has claimed since it was given goes as an object too, which its driver notices."""
    volume = await kube.get(PERSISTENT_VOLUME, None, name)
    found = _kept(volume)
    if found.bound:
        raise Refused(f"volume {name} is in use by {found.lease}")
    await kube.patch(PERSISTENT_VOLUME, None, name, {"spec": {POLICY: "Delete"}})
    if not found.released:
        await kube.delete(PERSISTENT_VOLUME, None, name)


async def give(kube: Kube, name: str, lease: LeaseID) -> str:
    """Reserve it for the claim of the same name in another lease of the same tenant; that name."""
    found = _kept(await kube.get(PERSISTENT_VOLUME, None, name))
    if found.lease is None or found.lease.owner != lease.owner:
        raise Refused(f"volume {name} is not of {lease.owner}")
    if found.bound:
        raise Refused(f"volume {name} is in use by {found.lease}")
    namespace = lease_namespace(lease)
    try:
        await kube.get(PERSISTENT_VOLUME_CLAIM, namespace, found.claim_name)
    except NotFound:
        pass
    else:
        raise Refused(f"lease {lease} already has a claim {found.claim_name}; give it the volume before its manifest")
    wanted = {"kind": "PersistentVolumeClaim", "apiVersion": "v1", "namespace": namespace, "name": found.claim_name}
    gone = {"uid": None, "resourceVersion": None}
    change = {"metadata": {"labels": lease_labels(lease)}, "spec": {"claimRef": {**wanted, **gone}}}
    await kube.patch(PERSISTENT_VOLUME, None, name, change)
    return found.claim_name


async def _found(kube: Kube, name: str) -> Object | None:
    try:
        return await kube.get(PERSISTENT_VOLUME, None, name)
    except NotFound:
        return None


def _is_ours(volume: Mapping[str, Any]) -> bool:
    marked = (volume["metadata"].get("labels") or {}).get(LABEL) == "true"
    return marked or (volume.get("spec") or {}).get(POLICY) == "Delete"


def _kept(volume: Mapping[str, Any]) -> Retained:
    """Nobody else's volume is touched, whatever name was typed."""
    if (volume["metadata"].get("labels") or {}).get(LABEL) != "true":
        raise Refused(f"volume {volume['metadata']['name']} is none that was kept after a lease")
    return retained(volume)
