"""Who has a host name or a port of a leased address: the lease whose ProviderHost or ProviderLeasedIP bears it. What is
claimed is the object's name, so a provider has each once.

The subtle part is that nothing here takes what it has not seen to be free or its own. A first claim is a creation,
which the API server grants to one of two that ask at the same time; everything later names the version it is based on,
so of two that change a claim at once one is told so (Retry) and looks again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from manifests.errors import Invalid
from manifests.ids import LeaseID
from manifests.render.names import lease_of
from provider.cluster.api.kinds import PROVIDER_HOST, PROVIDER_LEASED_IP, Kind, kind_of
from provider.cluster.api.kube import Kube, Object
from provider.cluster.routes.doors import Key
from provider.errors import AkpError, Conflict, NotFound, Refused, Retry

CLAIMS = (PROVIDER_HOST, PROVIDER_LEASED_IP)
ADDRESS = "akash.network/leased-ip.address"
"""Annotation of a claim that moved: the address its port had before, to be asked for again; "" for none."""
IN_PART = "akash.network/leased-ip.in-part"
"""Annotation of a claim that was made to have several, all or none, until it is known that all were had. A process
that is killed in between, or cannot give back, leaves it to the next."""


class Taken(Refused):
    """Another tenant has it; `claim` says who."""

    def __init__(self, claim: Ownership) -> None:
        self.claim = claim
        super().__init__(f"{claim.name} is in use by another tenant of this provider")


@dataclass(frozen=True, slots=True)
class Ownership:
    """A ProviderHost or ProviderLeasedIP as it is in the cluster; `lease` None when it does not say whose it is."""

    kind: Kind
    name: str
    lease: LeaseID | None
    version: str
    address: str
    obj: Mapping[str, Any]
    """labels, annotations and spec"""

    @property
    def key(self) -> Key:
        return self.kind, self.name

    @property
    def moved(self) -> bool:
        """It came from another lease of the tenant."""
        return ADDRESS in self.obj["metadata"]["annotations"]

    @property
    def in_part(self) -> bool:
        """Whether others that were wanted with it may be another's."""
        return IN_PART in self.obj["metadata"]["annotations"]

    @property
    def host(self) -> str:
        """The host name; "" for a leased address."""
        return self.name if self.kind is PROVIDER_HOST else ""

    @property
    def service(self) -> str:
        return str(self.obj["spec"].get("service_name") or "")


def ownership(kind: Kind, obj: Object) -> Ownership:
    metadata, spec = obj["metadata"], obj.get("spec") or {}
    annotations = metadata.get("annotations") or {}
    kept = {"labels": metadata.get("labels") or {}, "annotations": annotations}
    lease = lease_of(metadata.get("labels") or {}) or _named(spec.get("lease_id") or spec)
    version = metadata.get("resourceVersion", "")
    return Ownership(
        kind, metadata["name"], lease, version, annotations.get(ADDRESS, ""), {"metadata": kept, "spec": spec}
    )


async def take(kube: Kube, wanted: Mapping[str, Any]) -> Ownership:
    """Claim it where nobody has it; whose it then is, which may be another lease."""
    kind, metadata = kind_of(wanted), wanted["metadata"]
    try:
        return ownership(kind, await kube.create(wanted))
    except Conflict:
        return await read(kube, kind, metadata["namespace"], metadata["name"])


async def take_all(kube: Kube, lease: LeaseID, wanted: Iterable[Mapping[str, Any]]) -> dict[Key, Ownership] | None:
    """Claim what belongs together, all or none: None, with nothing claimed, when another lease has one of them. Asked
    for in the order of their names, so of several leases that want the same at the same moment the one that gets the
    first gets all. Until `whole` says so, each of several is known to be one (IN_PART)."""
    created: list[tuple[Ownership, str]] = []
    found: dict[Key, Ownership] = {}
    wanted = sorted(wanted, key=_name)
    try:
        for claim in wanted:
            kind, metadata = kind_of(claim), claim["metadata"]
            try:
                held = ownership(kind, await kube.create(in_part(claim) if len(wanted) > 1 else claim))
                created.append((held, metadata["namespace"]))
            except Conflict:
                held = await read(kube, kind, metadata["namespace"], metadata["name"])
            if held.lease not in (None, lease):
                break
            found[held.key] = held
        else:
            return found
    except AkpError:
        await _give_back(kube, created)
        raise
    await _give_back(kube, created)
    return None


def in_part(claim: Mapping[str, Any]) -> dict[str, Any]:
    """As it is made while others are wanted with it."""
    metadata = claim["metadata"]
    return {**claim, "metadata": {**metadata, "annotations": {**metadata.get("annotations", {}), IN_PART: "true"}}}


async def whole(kube: Kube, namespace: str, held: Ownership) -> Ownership:
    """Note that all were had that were wanted with it; no matter when it was noted before, as a mirror may not show
    yet. Retry when something else about it has changed since it was `held`."""
    change = {"metadata": {"annotations": {IN_PART: None}, "resourceVersion": held.version}}
    try:
        return ownership(held.kind, await kube.patch(held.kind, namespace, held.name, change))
    except (Conflict, NotFound) as same_time:
        now = await read(kube, held.kind, namespace, held.name)
        if now.lease != held.lease or now.in_part:
            raise Retry(str(same_time)) from same_time
        return now


async def _give_back(kube: Kube, created: Iterable[tuple[Ownership, str]]) -> None:
    """Each of them is tried; Retry or Refused tells that one stayed."""
    trouble: AkpError | None = None
    for held, namespace in created:
        try:
            await give_up(kube, namespace, held)
        except AkpError as no:
            trouble = no
    if trouble is not None:
        raise trouble


async def read(kube: Kube, kind: Kind, namespace: str, name: str) -> Ownership:
    """As it is now. Retry when it is nobody's: it was given up this moment."""
    try:
        return ownership(kind, await kube.get(kind, namespace, name))
    except NotFound:
        raise Retry(f"{name} was given up this moment") from None


async def rewrite(kube: Kube, wanted: Mapping[str, Any], held: Ownership, *, address: str | None = None) -> Ownership:
    """Make a claim be as wanted, also another lease's, unless somebody has changed it since it was `held`."""
    noted = {"annotations": {ADDRESS: address}} if address is not None else {}
    changed = {**wanted, "metadata": {**wanted["metadata"], **noted, "resourceVersion": held.version}}
    try:
        return ownership(held.kind, await kube.apply(changed))
    except (Conflict, NotFound) as same_time:
        raise Retry(str(same_time)) from same_time


async def move(kube: Kube, lease: LeaseID, wanted: Mapping[str, Any], *, address: str = "") -> None:
    """Make the claim this lease's, if another lease of the same tenant has it. Taken when another tenant has. What is
    nobody's stays so: it may have to be shown to be the tenant's first."""
    kind, metadata = kind_of(wanted), wanted["metadata"]
    try:
        held = ownership(kind, await kube.get(kind, metadata["namespace"], metadata["name"]))
    except NotFound:
        return
    if held.lease is not None and held.lease.owner != lease.owner:
        raise Taken(held)
    if held.lease != lease:
        await rewrite(kube, wanted, held, address=address)


async def give_up(kube: Kube, namespace: str, held: Ownership) -> None:
    """Delete the claim as it was `held`; one that has changed since, or moved, stays. Retry tells of it."""
    try:
        await kube.delete(held.kind, namespace, held.name, version=held.version)
    except Conflict as same_time:
        raise Retry(str(same_time)) from same_time


def _name(claim: Mapping[str, Any]) -> str:
    return str(claim["metadata"]["name"])


def _named(spec: Mapping[str, Any]) -> LeaseID | None:
    """The lease by the claim's own fields, should somebody have taken its labels off."""
    parts = [str(spec.get(key, "")) for key in ("owner", "dseq", "gseq", "oseq", "provider")]
    try:
        return LeaseID.parse("/".join(parts))
    except Invalid:
        return None
