"""Storage classes: which are sold, on which nodes, and how much of each is left. Pure.

A class is sold when the cluster has it and its capacity is known: declared by the operator, or published by the driver
as CSIStorageCapacity. The subtle part: what is declared is the whole, what a driver publishes is what remains, so the
claims of leases are added back to the latter ("before leases' claims", bidengine/node.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from provider.cluster.quantity import whole
from provider.errors import ConfigError

PREFIX = "akash.network/capabilities.storage.class."
SOLD_BY_NAME = ("beta1", "beta2", "beta3")
DEFAULT = "default"
"""What tenants call whichever class the cluster marks as its default."""

Topology = tuple[tuple[str, frozenset[str]], ...]


@dataclass(frozen=True, slots=True)
class StorageClass:
    """`topologies`: a node must meet every (key, allowed values) of one of them; empty for everywhere."""

    name: str
    default: bool
    marked: bool
    topologies: tuple[Topology, ...] = ()

    @property
    def sold_as(self) -> tuple[str, ...]:
        """The names tenants may ask for it by."""
        named = (self.name,) if self.name in SOLD_BY_NAME or (self.marked and self.name != DEFAULT) else ()
        return (*named, DEFAULT) if self.default or self.name == DEFAULT else named


@dataclass(frozen=True, slots=True)
class Claim:
    namespace: str
    name: str
    storage_class: str
    size_bytes: int
    bound: bool


@dataclass(frozen=True, slots=True)
class Capacity:
    """What a driver says is left of a class in one part of the cluster."""

    storage_class: str
    free_bytes: int


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


def capacity(obj: Mapping[str, Any]) -> Capacity:
    return Capacity(obj.get("storageClassName", ""), whole(obj.get("capacity") or 0))


def declared(storage: Mapping[str, str]) -> dict[str, int]:
    """settings.cluster.storage in bytes; ConfigError names the class whose size is none."""
    out = {}
    for name, size in storage.items():
        try:
            out[name] = whole(size)
        except ValueError:
            raise ConfigError(f"cluster.storage.{name}", f"{size!r} is not a size", "Write it like 10Ti.") from None
    return out


def classes_on(labels: Mapping[str, str], classes: Iterable[StorageClass]) -> frozenset[str]:
    """Names by which pods on a node with these labels can have volumes. Labels of the Akash schema that somebody else
    put on the node are believed; without any, a class is everywhere its topology allows."""
    by_name = {name: cls for cls in classes for name in cls.sold_as}
    told = {key.removeprefix(PREFIX) for key, value in labels.items() if key.startswith(PREFIX) and value != "0"}
    if told:
        return frozenset(told & by_name.keys())
    return frozenset(name for name, cls in by_name.items() if _reaches(cls, labels))


def free_bytes(
    classes: Iterable[StorageClass],
    declared_bytes: Mapping[str, int],
    published: Iterable[Capacity],
    lease_claims: Iterable[Claim],
    other_claims: Iterable[Claim],
) -> dict[str, int]:
    """Name sold by -> bytes in the whole cluster before leases' claims. A class of unknown capacity is left out."""
    out: dict[str, int] = {}
    published, lease_claims, other_claims = list(published), list(lease_claims), list(other_claims)
    for cls in classes:
        remains = [c.free_bytes for c in published if c.storage_class == cls.name]
        claimed = sum(c.size_bytes for c in lease_claims if c.storage_class == cls.name and c.bound)
        foreign = sum(c.size_bytes for c in other_claims if c.storage_class == cls.name)
        for name in cls.sold_as:
            whole_bytes = declared_bytes.get(name, declared_bytes.get(cls.name))
            if whole_bytes is not None:
                out[name] = max(0, whole_bytes - foreign)
            elif remains:
                out[name] = sum(remains) + claimed
    return out


def claimed_by_class(claims: Iterable[Claim], classes: Iterable[StorageClass]) -> dict[str, int]:
    """Name sold by -> bytes claimed. A class sold under two names counts under both, so that neither is sold twice."""
    sold = {cls.name: cls.sold_as for cls in classes}
    out: dict[str, int] = {}
    for c in claims:
        for name in sold.get(c.storage_class, ()):
            out[name] = out.get(name, 0) + c.size_bytes
    return out


def _reaches(cls: StorageClass, labels: Mapping[str, str]) -> bool:
    return not cls.topologies or any(all(labels.get(key) in values for key, values in term) for term in cls.topologies)
