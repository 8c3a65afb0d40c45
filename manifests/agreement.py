"""Whether a manifest uses exactly what its groups on chain were sold: no more, and no less (sdl-manifest.md §12.4).

Requirements, prices and sequence numbers are not compared, and neither is a volume the manifest leaves out at the end
of its list; everything else is, in order. A tenant may change images, environment, ports and hosts, but not the
number of endpoints."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NoReturn

from manifests.errors import ManifestInvalid
from manifests.manifest import Expose, Manifest, ManifestGroup, Service
from manifests.resources import EndpointKind, GroupSpec, Resources, ResourceUnit

_NAMES = {EndpointKind.SHARED_HTTP: "HTTP", EndpointKind.RANDOM_PORT: "PORT", EndpointKind.LEASED_IP: "IP"}


def check_agreement(manifest: Manifest, groups: Sequence[GroupSpec]) -> None:
    """Raises ManifestInvalid, its path in the manifest, where the two differ."""
    if len(manifest) != len(groups):
        _refuse("", f"the manifest has {len(manifest)} groups and the deployment on chain {len(groups)}", len(manifest))
    by_name = {g.name: g for g in groups}
    for i, group in enumerate(manifest):
        path = f"[{i}]"
        sold = by_name.get(group.name)
        if sold is None:
            _refuse(f"{path}.name", f"the deployment on chain has no group {group.name!r}", group.name)
        _check_group(group, sold, path)


@dataclass(slots=True)
class _Left:
    """What of a unit on chain no service has taken yet."""

    resources: Resources
    count: int
    endpoints: Counter[int] = field(default_factory=Counter)


def _check_group(group: ManifestGroup, sold: GroupSpec, path: str) -> None:
    left = {u.resources.id: _left(u) for u in sold.resources}
    for i, service in enumerate(group.services):
        at = f"{path}.services[{i}]"
        unit = left.get(service.resources.id)
        if unit is None:
            what = f"the group on chain has no resources with the id {service.resources.id}"
            _refuse(f"{at}.resources.id", what, service.resources.id)
        _take(unit, service, at)
    for id_, unit in left.items():
        for kind, name in _NAMES.items():
            if unit.endpoints[kind]:
                what = f"{unit.endpoints[kind]} {name} endpoints on chain of resources {id_} are not used"
                _refuse(path, what)
        if unit.count:
            _refuse(path, f"{unit.count} replicas on chain of resources {id_} are not used")


def _left(unit: ResourceUnit) -> _Left:
    return _Left(unit.resources, unit.count, Counter(e.kind for e in unit.resources.endpoints))


def _take(unit: _Left, service: Service, at: str) -> None:
    if service.count > unit.count:
        what = f"{service.count} replicas, but only {unit.count} of this id are left of what is on chain"
        _refuse(f"{at}.count", what, service.count)
    _check_same(service.resources, unit.resources, f"{at}.resources")
    for i, expose in enumerate(service.expose):
        for kind in _consumed(expose):
            if not unit.endpoints[kind]:
                what = f"needs one more {_NAMES[kind]} endpoint than the resources {unit.resources.id} on chain have"
                _refuse(f"{at}.expose[{i}]", what)
            unit.endpoints[kind] -= 1
    unit.count -= service.count


def _check_same(own: Resources, sold: Resources, at: str) -> None:
    id_ = sold.id
    for part, a, b in (("cpu", own.cpu, sold.cpu), ("gpu", own.gpu, sold.gpu), ("memory", own.memory, sold.memory)):
        if a != b:
            _refuse(f"{at}.{part}", f"differs from the {part} of resources {id_} on chain", str(a))
    if len(own.storage) > len(sold.storage):
        _refuse(f"{at}.storage", f"has more volumes than resources {id_} on chain", len(own.storage))
    for i, (mine, theirs) in enumerate(zip(own.storage, sold.storage, strict=False)):
        if mine != theirs:
            _refuse(f"{at}.storage[{i}]", f"differs from volume {i} of resources {id_} on chain", str(mine))


def _consumed(e: Expose) -> tuple[EndpointKind, ...]:
    if not e.global_:
        return ()
    kind = EndpointKind.SHARED_HTTP if e.is_ingress else EndpointKind.RANDOM_PORT
    return (kind, EndpointKind.LEASED_IP) if e.ip else (kind,)


def _refuse(path: str, message: str, value: object = None) -> NoReturn:
    raise ManifestInvalid(path, message, value=value)
