"""Whether Kubernetes would take what a group renders to, said before anything is applied and in the tenant's words.

A manifest can be valid on the market (manifests/check.py) and still be impossible here: the market knows no longest
name, no two volumes at one path. The reference finds out half-way through a deployment (kubernetes.md §1.2, §2.10).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from manifests.errors import ManifestInvalid
from manifests.manifest import ManifestGroup, Service
from manifests.render.storage import claimed, mounts

LONGEST = {
    "any service": 63,
    "a service with a node port": 60,
    "a service with persistent storage": 52,
    "a service with a leased IP": 50,
}
"""Characters of a service's name. It is a label value and a DNS label (63), with `-np` behind it for node ports,
with a revision's hash behind it for StatefulSets, and with `-ip-65535-udp` for leased addresses."""


def check_renderable(group: ManifestGroup, path: str = "") -> None:
    """ManifestInvalid at the first thing Kubernetes would refuse; `path` is where the group stands, e.g. `[0]`."""
    before = f"{path}." if path else ""
    for index, service in enumerate(group.services):
        _check_service(service, f"{before}services[{index}]")


def _check_service(service: Service, path: str) -> None:
    for what in _kinds(service):
        if len(service.name) > LONGEST[what]:
            message = (
                f"{what} may have a name of at most {LONGEST[what]} characters here; this one has {len(service.name)}"
            )
            raise ManifestInvalid(f"{path}.name", message, value=service.name)
    for at, expose in enumerate(service.expose):
        for host in expose.hosts or ():
            if expose.is_ingress and _is_address(host):
                message = f"{host} is an address; only names can be routed by name"
                raise ManifestInvalid(f"{path}.expose[{at}].hosts", message, value=host)
    _check_mounts(service, path)


def _kinds(service: Service) -> Iterator[str]:
    yield "any service"
    if any(e.global_ and not e.is_ingress for e in service.expose):
        yield "a service with a node port"
    if claimed(service):
        yield "a service with persistent storage"
    if any(e.ip for e in service.expose):
        yield "a service with a leased IP"


def _check_mounts(service: Service, path: str) -> None:
    volumes = [s.name for s in service.resources.storage]
    if len(set(volumes)) < len(volumes):
        raise ManifestInvalid(f"{path}.resources.storage", "has two volumes of one name", value=volumes)
    taken: dict[str, str] = {}
    for mount in mounts(service):
        if mount.name not in volumes:
            known = ", ".join(volumes) or "none"
            message = f"mounts {mount.name!r}, which is not a volume of this service; its volumes: {known}"
            raise ManifestInvalid(f"{path}.params.storage", message, value=mount.name)
        if ":" in mount.mount:
            raise ManifestInvalid(
                f"{path}.params.storage", f"the path {mount.mount!r} has a colon in it", value=mount.mount
            )
        if mount.mount in taken:
            message = f"{mount.name!r} and {taken[mount.mount]!r} are both mounted at {mount.mount}"
            raise ManifestInvalid(f"{path}.params.storage", message, value=mount.mount)
        taken[mount.mount] = mount.name


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
