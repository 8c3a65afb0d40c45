"""Leased addresses: which ports of a group have one, and the LoadBalancer Service that asks for it.

One Service per port, as the reference has them (kubernetes.md §2.14). Ports of one endpoint share an address because
their Services carry one sharing key, which is MetalLB's word for it: the key names the owner and the endpoint, so it
also holds between two leases of one tenant. Where another implementation serves `load_balancer_class`, the operator
says in `load_balancer_annotations` how it is told the key.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from manifests.hostnames import ip_sharing_key
from manifests.ids import LeaseID, lease_namespace
from manifests.manifest import ManifestGroup
from manifests.render import names
from manifests.render.site import Site

SHARING_KEY = "metallb.universe.tf/allow-shared-ip"
ADDRESS_POOL = "metallb.universe.tf/address-pool"
"""MetalLB reads these beside its newer `metallb.io/…`; the reference's Services carry them."""


@dataclass(frozen=True, slots=True)
class LeasedPort:
    """A port of a service on a leased address; `endpoint` is the address's name in the SDL."""

    service: str
    endpoint: str
    port: int
    """the container's"""
    external_port: int
    proto: str
    number: int = 1
    """of the service's endpoints with this external port and protocol, counted in the manifest's order"""

    @property
    def service_name(self) -> str:
        """Of the Kubernetes Service, and of its only port."""
        plain = names.leased_ip_service(self.service, self.external_port, self.proto)
        return plain if self.number == 1 else f"{plain}-{self.number}"

    def claim_name(self, owner: str) -> str:
        """Of the ProviderLeasedIP: no two leases of one owner have the same port of the same address."""
        return f"{ip_sharing_key(owner, self.endpoint)}-{self.proto}-{self.external_port}".lower()


def leased_ports(group: ManifestGroup) -> Iterator[LeasedPort]:
    """In the manifest's order. A port of an address that is asked for again is its first asker's (admissible.py tells
    the tenant where that would surprise)."""
    taken: set[tuple[str, int, str]] = set()
    for service in group.services:
        numbers: dict[tuple[int, str], int] = {}
        for e in service.expose:
            key = (e.ip, e.effective_port, e.proto)
            if e.ip and e.global_ and key not in taken:
                taken.add(key)
                number = numbers[key[1:]] = numbers.get(key[1:], 0) + 1
                yield LeasedPort(service.name, e.ip, e.port, e.effective_port, e.proto, number)


def load_balancers(lease: LeaseID, group: ManifestGroup, site: Site) -> list[dict[str, Any]]:
    """The Services of all leased ports."""
    return [_load_balancer(lease, port, site) for port in leased_ports(group)]


def _load_balancer(lease: LeaseID, port: LeasedPort, site: Site) -> dict[str, Any]:
    key = ip_sharing_key(lease.owner, port.endpoint)
    annotations = {SHARING_KEY: key}
    if site.ip_pool:
        annotations[ADDRESS_POOL] = site.ip_pool
    annotations |= {name: text.replace("{key}", key) for name, text in site.load_balancer_annotations.items()}
    spec: dict[str, Any] = {
        "type": "LoadBalancer",
        "selector": {names.MANAGED: "true", names.SERVICE: port.service},
        "ports": [
            {
                "name": port.service_name,
                "port": port.external_port,
                "targetPort": port.port,
                "protocol": port.proto,
            }
        ],
    }
    if site.load_balancer_class:
        spec["loadBalancerClass"] = site.load_balancer_class
    else:
        # MetalLB needs none, and nobody asked for a second way in; others may forward through them.
        spec["allocateLoadBalancerNodePorts"] = False
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {
            "name": port.service_name,
            "namespace": lease_namespace(lease),
            "labels": {**names.route_labels(lease), names.SERVICE_TARGET: names.METAL_LB},
            "annotations": annotations,
        },
        "spec": spec,
    }
