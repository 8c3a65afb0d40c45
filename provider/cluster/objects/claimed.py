"""Whether a manifest's volumes are those its lease has, or may have besides.

Claims are never pruned, since a tenant's data goes with the namespace only; and service names are not on chain, so a
service that is called otherwise would leave its claims and be given others, again and again, for the price of one. The
reference refuses every other set of services (kubernetes.md §3.6); here only volumes bind a service to its name.

The subtle part is what stands: the API server is asked, not a mirror, and what the stored manifest claims counts
before its claims are made, but for a service that vanishes and was never deployed: it leaves nothing behind. Claims of
others in the namespace, a backup's for one, are not the tenant's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from bidengine.needs import Volumes
from manifests.errors import Invalid
from manifests.ids import LeaseID, lease_namespace
from manifests.manifest import ManifestGroup, Service
from manifests.render.crd import read_manifest
from manifests.render.names import SERVICE
from manifests.render.storage import claim_stem, claimed, claims
from manifests.units import shown_bytes
from provider.cluster.api.kinds import MANIFEST, PERSISTENT_VOLUME_CLAIM, STATEFUL_SET
from provider.cluster.api.kube import Kube, Object
from provider.cluster.api.quantity import whole
from provider.errors import NotFound

CURE = "Keep each volume with the service that has it, or make a new deployment"
_MOST_NAMED = 5


async def objection(
    kube: Kube, manifest_namespace: str, lease: LeaseID, group: ManifestGroup, bought: Volumes
) -> str | None:
    """Why a manifest of the lease is refused for its volumes, in words for its tenant; None when it is not. A lease
    that has bought none costs no request."""
    if not bought.count:
        return None
    before = await _stored(kube, manifest_namespace, lease)
    known = (*group.services, *(before.services if before is not None else ()))
    there = await kube.all(PERSISTENT_VOLUME_CLAIM, lease_namespace(lease))
    of = {claim["metadata"]["name"]: service for claim in there if (service := _service_of(claim, known))}
    if before is not None:
        before = await _without_undeployed(kube, lease, before, group, set(of.values()))
    standing = {claim["metadata"]["name"]: _asked(claim) for claim in there if claim["metadata"]["name"] in of}
    return why_not(before, standing, group, bought)


def why_not(
    before: ManifestGroup | None, standing: Mapping[str, int], after: ManifestGroup, bought: Volumes
) -> str | None:
    """`before` is the stored manifest, `standing` name -> bytes of the claims that are there."""
    kept = {service.name for service in after.services}
    for service in before.services if before is not None else ():
        if claimed(service) and service.name not in kept:
            volumes = ", ".join(storage.name for storage in claimed(service))
            return (
                f"service {service.name!r} has volumes ({volumes}) and may not vanish or be called otherwise: what is"
                f" on them stays with its name. {CURE}"
            )
    there = {**(_all(before) if before is not None else {}), **standing}
    asked = _all(after)
    more = sorted(name for name, size in asked.items() if size > there.get(name, 0))
    if not more:
        return None  # whatever an earlier daemon has left there
    whole_lot = [max(asked.get(name, 0), there.get(name, 0)) for name in asked.keys() | there.keys()]
    if len(whole_lot) <= bought.count and sum(whole_lot) <= bought.size_bytes:
        return None
    return (
        f"with {_named(more)} the lease would have {len(whole_lot)} volumes of {shown_bytes(sum(whole_lot))} in all;"
        f" {bought.count} of {shown_bytes(bought.size_bytes)} were ordered, and those its services have had stay"
        f" ({_named(sorted(there))}). {CURE}"
    )


async def _without_undeployed(
    kube: Kube, lease: LeaseID, before: ManifestGroup, after: ManifestGroup, claiming: set[str]
) -> ManifestGroup:
    """The stored manifest without services that vanish and of which there is nothing; `claiming` have claims."""
    kept = {service.name for service in after.services}
    nothing = {s.name for s in before.services if claimed(s)} - kept - claiming
    if nothing:  # a service with volumes is a StatefulSet, whose claims may be about to be made
        sets = await kube.all(STATEFUL_SET, lease_namespace(lease))
        nothing -= {found["metadata"]["name"] for found in sets}
    return replace(before, services=tuple(s for s in before.services if s.name not in nothing))


def _service_of(claim: Object, known: Iterable[Service]) -> str:
    """By the label that a claim has of its StatefulSet, or by its name should somebody have taken that off; "" for what
    is of no service."""
    metadata = claim["metadata"]
    if label := (metadata.get("labels") or {}).get(SERVICE):
        return str(label)
    stem, _, ordinal = metadata["name"].rpartition("-")
    stems = {claim_stem(s, storage): s.name for s in known for storage in claimed(s)}
    return stems.get(stem, "") if ordinal.isdecimal() else ""


async def _stored(kube: Kube, namespace: str, lease: LeaseID) -> ManifestGroup | None:
    try:
        return read_manifest(await kube.get(MANIFEST, namespace, lease_namespace(lease))).group
    except (NotFound, Invalid):
        return None


def _asked(claim: Object) -> int:
    """What a driver gave besides was not ordered."""
    return whole(((claim["spec"].get("resources") or {}).get("requests") or {}).get("storage", 0))


def _all(group: ManifestGroup) -> dict[str, int]:
    return {name: size for service in group.services for name, size in claims(service).items()}


def _named(names: list[str]) -> str:
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return ", ".join(names[:_MOST_NAMED]) + more
