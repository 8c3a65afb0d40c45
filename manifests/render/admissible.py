"""Whether Kubernetes would take what a group renders to, said before anything is applied and in the tenant's words.

A manifest can be valid on the market (manifests/check.py) and still be impossible here: the market knows no longest
name, no two volumes at one path. The reference finds out half-way through a deployment (kubernetes.md §1.2, §2.10).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from manifests.errors import ManifestInvalid
from manifests.manifest import ManifestGroup, Service
from manifests.render.bounds import check_bounds
from manifests.render.leased_ip import leased_ports
from manifests.render.mountpoints import mount_trouble
from manifests.render.names import api_server_policy, leased_ip_policy, node_port_policy, node_port_service
from manifests.render.storage import claimed, mounts

LONGEST = {
    "any service": 63,
    "a service with a node port": 60,
    "a service with persistent storage": 52,
    "a service with a leased IP": 50,
}
"""Characters of a service's name. It is a label value and a DNS label (63), with `-np` behind it for node ports,
with a revision's hash behind it for StatefulSets, and with `-ip-65535-udp` for leased addresses."""


LAST_PORT = 65535
LONGEST_ENDPOINT = 180
"""Characters of the name of a leased address: the object that claims a port of it is named after owner, address,
protocol and port, and an object's name has 253."""


def check_admissible(group: ManifestGroup) -> None:
    """ManifestInvalid for a new manifest that asks for more than is taken (bounds.py) or cannot be rendered. One that
    was taken before is not measured again: a lease must not lose its upkeep to a bound that is younger."""
    check_bounds(group, "")
    check_renderable(group)


def check_renderable(group: ManifestGroup, path: str = "") -> None:
    """ManifestInvalid at the first thing Kubernetes would refuse; `path` is where the group stands, e.g. `[0]`."""
    before = f"{path}." if path else ""
    _check_names(group, before)
    for index, service in enumerate(group.services):
        _check_service(service, f"{before}services[{index}]")
    _check_addresses(group, before)
    _check_service_names(group, before)
    _check_policy_names(group, before)


def _check_names(group: ManifestGroup, before: str) -> None:
    """Each service's objects are called after it: of two alike, one would take the other's place."""
    first: dict[str, int] = {}
    for index, service in enumerate(group.services):
        if (other := first.setdefault(service.name, index)) != index:
            what = f"services[{other}] is named {service.name!r} too; call one of them otherwise"
            raise ManifestInvalid(f"{before}services[{index}].name", what, value=service.name)


def _check_service(service: Service, path: str) -> None:
    if service.image != service.image.strip() or any(ord(char) < ord(" ") for char in service.image):
        what = "has blanks around it or control characters in it; write the image's name alone"
        raise ManifestInvalid(f"{path}.image", what, value=service.image)
    for what in _kinds(service):
        if len(service.name) > LONGEST[what]:
            message = (
                f"{what} may have a name of at most {LONGEST[what]} characters here; this one has {len(service.name)}"
            )
            raise ManifestInvalid(f"{path}.name", message, value=service.name)
    for at, expose in enumerate(service.expose):
        if not 1 <= expose.effective_port <= LAST_PORT:
            message = f"{expose.effective_port} is no port that others could connect to: 1 to {LAST_PORT}"
            raise ManifestInvalid(f"{path}.expose[{at}].external_port", message, value=expose.effective_port)
        for host in expose.hosts or ():
            if expose.is_ingress and _is_address(host):
                message = f"{host} is an address; only names can be routed by name"
                raise ManifestInvalid(f"{path}.expose[{at}].hosts", message, value=host)
    _check_mounts(service, path)


def _check_addresses(group: ManifestGroup, before: str) -> None:
    """A port of a leased address leads to one service."""
    taken: dict[tuple[str, int, str], str] = {}
    for index, service in enumerate(group.services):
        for at, expose in enumerate(service.expose):
            path = f"{before}services[{index}].expose[{at}].ip"
            if not (expose.ip and expose.global_):
                continue
            if len(expose.ip) > LONGEST_ENDPOINT:
                message = f"the name of an endpoint has at most {LONGEST_ENDPOINT} characters here"
                raise ManifestInvalid(path, message, value=expose.ip)
            key = (expose.ip, expose.effective_port, expose.proto)
            if (holder := taken.setdefault(key, service.name)) != service.name:
                what = f"port {expose.effective_port}/{expose.proto} of {expose.ip!r} is service {holder!r}'s already"
                raise ManifestInvalid(path, what, value=expose.ip)


def _check_service_names(group: ManifestGroup, before: str) -> None:
    """No two Kubernetes Services of the group have one name: a tenant may call a service what another's node ports or
    address need."""
    called: dict[str, str] = {}
    for name, whose in _service_names(group):
        if (other := called.setdefault(name, whose)) != whose:
            what = f"{other} and {whose} would both be the Service {name!r}; call one of the services otherwise"
            raise ManifestInvalid(f"{before}services", what, value=name)
        if len(name) > LONGEST["any service"]:
            what = f"{whose} would be the Service {name!r}, longer than {LONGEST['any service']} characters"
            raise ManifestInvalid(f"{before}services", what, value=name)


def _service_names(group: ManifestGroup) -> Iterator[tuple[str, str]]:
    """Name and whose it is."""
    for service in group.services:
        yield service.name, f"service {service.name!r}"
        if any(e.global_ and not e.is_ingress for e in service.expose):
            yield node_port_service(service.name), f"the node ports of service {service.name!r}"
    for port in leased_ports(group):
        yield port.service_name, f"an address of service {port.service!r}"


def _check_policy_names(group: ManifestGroup, before: str) -> None:
    """Nor have two NetworkPolicies: one service's opening would take the place of another's."""
    called: dict[str, str] = {}
    for service in group.services:
        name = service.name
        for policy in (node_port_policy(name), leased_ip_policy(name), api_server_policy(name)):
            if (other := called.setdefault(policy, name)) != name:
                what = f"{other!r} and {name!r} would share the policy {policy!r}; call one of them otherwise"
                raise ManifestInvalid(f"{before}services", what, value=name)


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
        if trouble := mount_trouble(mount.mount):
            raise ManifestInvalid(f"{path}.params.storage", f"{mount.mount!r} {trouble}", value=mount.mount)
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
