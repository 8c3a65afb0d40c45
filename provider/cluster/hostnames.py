"""Who has a host name or a port of a leased address: the lease whose ProviderHost or ProviderLeasedIP bears it. What is
claimed is the object's name, so a provider has each once.

The subtle part is the first claim. It is a creation, which the API server grants to one of two that ask at the same
time; a server-side apply would let the second take the name from the first.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from manifests.ids import LeaseID
from manifests.render.names import lease_of, lease_selector
from provider.cluster.kinds import PROVIDER_HOST, PROVIDER_LEASED_IP, kind_of
from provider.cluster.kube import Kube
from provider.errors import Conflict, NotFound, Refused, Retry

CLAIMS = (PROVIDER_HOST, PROVIDER_LEASED_IP)


async def claim(kube: Kube, lease: LeaseID, claims: Iterable[Mapping[str, Any]]) -> frozenset[str]:
    """Make these the lease's where nobody has them; the names that another lease of the same owner has, which keep
    leading there until it gives them up. Refused when another owner has one (kubernetes.md §2.13)."""
    withheld = set()
    for wanted in claims:
        holder = await _holder(kube, wanted)
        if holder is None or holder == lease:
            continue
        if holder.owner != lease.owner:
            raise Refused(f"host name {wanted['metadata']['name']} is in use by another tenant of this provider")
        withheld.add(wanted["metadata"]["name"])
    return frozenset(withheld)


async def release(kube: Kube, lease: LeaseID, namespace: str, keep: Iterable[Mapping[str, Any]]) -> None:
    """Give up what the lease has claimed and does not keep."""
    kept = {(obj["kind"], obj["metadata"]["name"]) for obj in keep}
    for kind in CLAIMS:
        for found in await kube.all(kind, namespace, lease_selector(lease)):
            if (kind.kind, found["metadata"]["name"]) not in kept:
                await kube.delete(kind, namespace, found["metadata"]["name"])


async def _holder(kube: Kube, wanted: Mapping[str, Any]) -> LeaseID | None:
    """Who has the name after we asked for it; None when it has just become ours, or its labels name nobody."""
    metadata = wanted["metadata"]
    try:
        await kube.create(wanted)
    except Conflict:
        try:
            found = await kube.get(kind_of(wanted), metadata["namespace"], metadata["name"])
        except NotFound:
            raise Retry(f"{metadata['name']} was given up this moment") from None
        return lease_of(found["metadata"].get("labels") or {})
    return None
