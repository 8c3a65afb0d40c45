"""Storage classes: which are sold, on which nodes, and how much of each is left. Pure.

A class is sold when the cluster has it and its capacity is known: declared by the operator, or published by the driver
as CSIStorageCapacity. The subtle part: what is declared is the whole, what a driver publishes is what remains, so the
claims of leases are added back to the latter ("before leases' claims", bidengine/node.py). What a driver publishes also
says from which nodes its storage is reached, and how large one volume can be there; the scheduler goes by it too.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
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


Selector = tuple[tuple[str, str, frozenset[str]], ...]


@dataclass(frozen=True, slots=True)
class Capacity:
    """What a driver says is left of a class in one part of the cluster. `nodes` are the (label, operator, values) that
    the nodes of that part meet, all of them: () is every node, None no node at all. `largest_bytes` is the largest
    volume it will make, None when it does not say."""

    storage_class: str
    free_bytes: int
    nodes: Selector | None = ()
    largest_bytes: int | None = None

    @property
    def part(self) -> tuple[str, Selector | None]:
        """What decides where a class is reached, and not how much is left of it."""
        return self.storage_class, self.nodes


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


def capacity(obj: Mapping[str, Any]) -> Capacity:
    most = obj.get("maximumVolumeSize")
    return Capacity(
        obj.get("storageClassName", ""),
        whole(obj.get("capacity") or 0),
        _selector(obj.get("nodeTopology")),
        whole(most) if most is not None else None,
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
    """settings.cluster.storage in bytes; ConfigError names the class whose size is none."""
    out = {}
    for name, size in storage.items():
        try:
            out[name] = whole(size)
        except ValueError:
            raise ConfigError(f"cluster.storage.{name}", f"{size!r} is not a size", "Write it like 10Ti.") from None
    return out


def classes_on(
    labels: Mapping[str, str], classes: Iterable[StorageClass], capacities: Iterable[Capacity] = ()
) -> frozenset[str]:
    """Names by which pods on a node with these labels can have volumes, as long as there is any room left. Labels of
    the Akash schema that somebody else put on the node are believed; without any, a class is everywhere its topology
    and what its driver publishes allow."""
    by_name = {name: cls for cls in classes for name in cls.sold_as}
    told = {key.removeprefix(PREFIX) for key, value in labels.items() if key.startswith(PREFIX) and value != "0"}
    if told:
        return frozenset(told & by_name.keys())
    capacities = list(capacities)
    return frozenset(name for name, cls in by_name.items() if _reaches(cls, labels, capacities))


def largest_bytes(
    labels: Mapping[str, str], classes: Iterable[StorageClass], capacities: Iterable[Capacity]
) -> dict[str, int]:
    """Name sold by -> the largest volume that can be made now for a pod on such a node; classes whose driver does not
    say are left out."""
    capacities = list(capacities)
    out: dict[str, int] = {}
    for cls in classes:
        of_class = [c for c in capacities if c.storage_class == cls.name]
        if of_class:
            here = [c for c in of_class if _meets(c.nodes, labels)]
            most = max((min(c.free_bytes, _or(c.largest_bytes, c.free_bytes)) for c in here), default=0)
            out |= dict.fromkeys(cls.sold_as, most)
    return out


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
        remains = [c.free_bytes for c in published if c.storage_class == cls.name and c.nodes is not None]
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


def _reaches(cls: StorageClass, labels: Mapping[str, str], capacities: Collection[Capacity]) -> bool:
    parts = [c.nodes for c in capacities if c.storage_class == cls.name]
    allowed = not cls.topologies or any(
        all(labels.get(key) in values for key, values in term) for term in cls.topologies
    )
    return allowed and (not parts or any(_meets(part, labels) for part in parts))


def _selector(topology: Mapping[str, Any] | None) -> Selector | None:
    if topology is None:
        return None
    exact = [(key, "In", frozenset({value})) for key, value in (topology.get("matchLabels") or {}).items()]
    more = [
        (rule["key"], rule.get("operator", "In"), frozenset(rule.get("values") or ()))
        for rule in topology.get("matchExpressions") or ()
    ]
    return tuple(sorted((*exact, *more), key=lambda rule: rule[:2]))


def _meets(selector: Selector | None, labels: Mapping[str, str]) -> bool:
    if selector is None:
        return False
    return all(
        {
            "In": labels.get(key) in values,
            "NotIn": labels.get(key) not in values,
            "Exists": key in labels,
            "DoesNotExist": key not in labels,
        }.get(operator, False)
        for key, operator, values in selector
    )


def _or(value: int | None, otherwise: int) -> int:
    return otherwise if value is None else value
