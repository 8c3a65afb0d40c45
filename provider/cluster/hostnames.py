"""Who has a host name: the lease whose ProviderHost bears it. The name is the object's name, so a provider has each
once.

The subtle part is the first claim. It is a creation, which the API server grants to one of two that ask at the same
time; a server-side apply would let the second take the name from the first.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from manifests.ids import LeaseID
from manifests.render.names import lease_of, lease_selector
from provider.cluster.kinds import PROVIDER_HOST
from provider.cluster.kube import Kube
from provider.errors import Conflict, NotFound, Refused, Retry


async def claim(kube: Kube, lease: LeaseID, hosts: Iterable[Mapping[str, Any]]) -> frozenset[str]:
    """Make these ProviderHosts the lease's where nobody has them; the names that another lease of the same owner has,
    which keep leading there until it gives them up. Refused when another owner has one (kubernetes.md §2.13)."""
    withheld = set()
    for host in hosts:
        holder = await _holder(kube, host)
        if holder is None or holder == lease:
            continue
        if holder.owner != lease.owner:
            raise Refused(f"host name {host['metadata']['name']} is in use by another tenant of this provider")
        withheld.add(host["metadata"]["name"])
    return frozenset(withheld)


async def release(kube: Kube, lease: LeaseID, namespace: str, keep: Iterable[Mapping[str, Any]]) -> None:
    """Give up the names the lease has and does not keep."""
    kept = {obj["metadata"]["name"] for obj in keep if obj["kind"] == PROVIDER_HOST.kind}
    for found in await kube.all(PROVIDER_HOST, namespace, lease_selector(lease)):
        if found["metadata"]["name"] not in kept:
            await kube.delete(PROVIDER_HOST, namespace, found["metadata"]["name"])


async def _holder(kube: Kube, host: Mapping[str, Any]) -> LeaseID | None:
    """Who has the name after we asked for it; None when it has just become ours, or its labels name nobody."""
    metadata = host["metadata"]
    try:
        await kube.create(host)
    except Conflict:
        try:
            found = await kube.get(PROVIDER_HOST, metadata["namespace"], metadata["name"])
        except NotFound:
            raise Retry(f"host name {metadata['name']} was given up this moment") from None
        return lease_of(found["metadata"].get("labels") or {})
    return None
