"""Storage classes: which are sold, on which nodes, and how much of each is left. Pure.

A class is sold when the cluster has it and its capacity is known: declared by the operator, or published by the driver
as CSIStorageCapacity. The subtle part: what is declared is the whole, what a driver publishes is what remains, so the
claims of leases are added back to the latter ("before leases' claims", bidengine/node.py). What a driver publishes also
says from which nodes its storage is reached, and how large one volume can be there; the scheduler goes by it too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from provider.cluster.api.quantity import whole
from provider.cluster.inventory.capacities import Published

PREFIX = "akash.network/capabilities.storage.class."
SOLD_BY_NAME = ("beta1", "beta2", "beta3")
DEFAULT = "default"
"""What tenants call whichever class the cluster marks as its default."""

Topology = tuple[tuple[str, frozenset[str]], ...]


@dataclass(frozen=True, slots=True)
class StorageClass:
    """`topologies`: a node must meet every (key, allowed values) of one of them; empty for everywhere. `names` are
    those it is sold by where the operator has had a say (`offered`), None for what follows from itself. `created` is
    the API server's text."""

    name: str
    default: bool
    marked: bool
    topologies: tuple[Topology, ...] = ()
    names: tuple[str, ...] | None = None
    created: str = ""

    @property
    def sold_as(self) -> tuple[str, ...]:
        """The names tenants may ask for it by."""
        if self.names is not None:
            return self.names
        named = (self.name,) if self.name in SOLD_BY_NAME or (self.marked and self.name != DEFAULT) else ()
        return (*named, DEFAULT) if self.default or self.name == DEFAULT else named


@dataclass(frozen=True, slots=True)
class Claim:
    namespace: str
    name: str
    storage_class: str
    size_bytes: int
    bound: bool


def storage_class(obj: Mapping[str, Any]) -> StorageClass:
    metadata = obj["metadata"]
    return StorageClass(
        name=metadata["name"],
        default=(metadata.get("annotations") or {}).get("storageclass.kubernetes.io/is-default-class") == "true",
        marked=(metadata.get("labels") or {}).get("akash.network") == "true",
        topologies=tuple(
            tuple(
                (rule["key"], frozenset(rule.get("values") or ())) for rule in term.get("matchLabelExpressions") or ()
            )
            for term in obj.get("allowedTopologies") or ()
        ),
        created=metadata.get("creationTimestamp") or "",
    )


def claim(obj: Mapping[str, Any]) -> Claim:
    """A PersistentVolumeClaim; its size is what it asked for, or what it got where that is more."""
    metadata, spec, status = obj["metadata"], obj.get("spec") or {}, obj.get("status") or {}
    asked = ((spec.get("resources") or {}).get("requests") or {}).get("storage", 0)
    got = (status.get("capacity") or {}).get("storage", 0)
    size = max(whole(asked), whole(got))
    return Claim(
        metadata["namespace"],
        metadata["name"],
        spec.get("storageClassName") or "",
        size,
        status.get("phase") == "Bound",
    )


def offered(classes: Iterable[StorageClass], sold: Mapping[str, str]) -> tuple[StorageClass, ...]:
    """The classes with the names they are sold by. `sold` is the operator's word: name -> StorageClass; a name given
    there belongs to that class alone. Of several that claim to be the cluster's default the newest is, as in
    Kubernetes."""
    classes = list(classes)
    newest = max((c for c in classes if c.default), key=lambda c: (c.created, c.name), default=None)
    out = []
    for cls in classes:
        cls = cls if cls is newest or not cls.default else replace(cls, default=False)
        own = [name for name in cls.sold_as if name not in sold and (name != DEFAULT or newest in (None, cls))]
        out.append(replace(cls, names=(*own, *sorted(name for name, of in sold.items() if of == cls.name))))
    return tuple(out)


def actual_names(classes: Iterable[StorageClass]) -> dict[str, str]:
    """Name sold by -> StorageClass, where a claim must say another name than the tenant did. The cluster's own default
    is not among them: a claim gets it by naming no class."""
    return {
        name: cls.name
        for cls in classes
        for name in cls.sold_as
        if (not cls.default if name == DEFAULT else name != cls.name)
    }


def declared(storage: Mapping[str, str]) -> dict[str, int]:
    """settings.cluster.storage in bytes."""
    return {name: whole(size) for name, size in storage.items()}


def classes_on(labels: Mapping[str, str], classes: Iterable[StorageClass], published: Published) -> frozenset[str]:
    """Names by which pods on a node with these labels can have volumes, as long as there is any room left. Labels of
    the Akash schema that somebody else put on the node are believed; without any, a class is everywhere its topology
    and what its driver publishes allow."""
    by_name = {name: cls for cls in classes for name in cls.sold_as}
    told = {key.removeprefix(PREFIX) for key, value in labels.items() if key.startswith(PREFIX) and value != "0"}
    if told:
        return frozenset(told & by_name.keys())
    return frozenset(name for name, cls in by_name.items() if _reaches(cls, labels, published))


def largest_bytes(labels: Mapping[str, str], classes: Iterable[StorageClass], published: Published) -> dict[str, int]:
    """Name sold by -> the largest volume that can be made now for a pod on such a node; classes whose driver does not
    say are left out."""
    out: dict[str, int] = {}
    for cls in classes:
        if published.of(cls.name):
            most = max((part.most_bytes for part in published.near(cls.name, labels)), default=0)
            out |= dict.fromkeys(cls.sold_as, most)
    return out


def free_bytes(
    classes: Iterable[StorageClass],
    declared_bytes: Mapping[str, int],
    published: Published,
    lease_claims: Iterable[Claim],
    other_claims: Iterable[Claim],
) -> dict[str, int]:
    """Name sold by -> bytes in the whole cluster before leases' claims. A class of unknown capacity is left out."""
    out: dict[str, int] = {}
    lease_claims, other_claims = list(lease_claims), list(other_claims)
    for cls in classes:
        remains = [c.free_bytes for c in published.of(cls.name) if c.nodes is not None]
        claimed = sum(c.size_bytes for c in lease_claims if c.storage_class == cls.name and c.bound)
        foreign = sum(c.size_bytes for c in other_claims if c.storage_class == cls.name)
        said = (declared_bytes[name] for name in (*cls.sold_as, cls.name) if name in declared_bytes)
        whole_bytes = next(said, None)  # one storage, one size, by whichever name it is told
        for name in cls.sold_as:
            if whole_bytes is not None:
                out[name] = max(0, whole_bytes - foreign)
            elif remains:
                out[name] = sum(remains) + claimed
    return out


def claimed_by_class(claims: Iterable[Claim], classes: Iterable[StorageClass]) -> dict[str, int]:
    """Name sold by -> bytes claimed; of a class sold under two names, the one that its bytes are counted by."""
    counted = {cls.name: cls.sold_as[0] for cls in classes if cls.sold_as}
    out: dict[str, int] = {}
    for c in claims:
        if (name := counted.get(c.storage_class)) is not None:
            out[name] = out.get(name, 0) + c.size_bytes
    return out


def same_storage(classes: Iterable[StorageClass]) -> dict[str, str]:
    """Name sold by -> the name that its bytes are counted by, where a class is sold under two names: neither may be
    sold as if the other took nothing."""
    return {name: cls.sold_as[0] for cls in classes for name in cls.sold_as[1:]}


def unsold(classes: Iterable[StorageClass], sold: Mapping[str, str], known_bytes: Mapping[str, int]) -> dict[str, str]:
    """Name -> why nothing of it can be sold, for every name under which something could be."""
    classes = list(classes)
    there = {cls.name for cls in classes}
    out = {name: f"the cluster has no StorageClass {of}" for name, of in sold.items() if of not in there}
    for cls in classes:
        for name in cls.sold_as:
            if name not in known_bytes:
                out[name] = (
                    f"how much StorageClass {cls.name} holds is unknown: its driver does not publish it, and"
                    f" cluster.storage does not declare it"
                )
    return out


def _reaches(cls: StorageClass, labels: Mapping[str, str], published: Published) -> bool:
    allowed = not cls.topologies or any(
        all(labels.get(key) in values for key, values in term) for term in cls.topologies
    )
    return allowed and (not published.of(cls.name) or bool(published.near(cls.name, labels)))
