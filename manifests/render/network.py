"""NetworkPolicies that keep leases apart: first everything is shut, then each service opens what its manifest
declares.

Rules as in the reference (kubernetes.md §2.3); the way out is narrower and has a file of its own (egress.py). The
routers of host names come in from their own namespace: ingress-nginx by its labels, a Gateway's and others by name.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from manifests.ids import LeaseID, lease_namespace
from manifests.manifest import Expose, ManifestGroup, Service
from manifests.render import names
from manifests.render.egress import egress, host_block
from manifests.render.rbac import may_read
from manifests.render.site import Site

_INGRESS = {"app.kubernetes.io/name": "ingress-nginx"}


def network_policies(lease: LeaseID, group: ManifestGroup, site: Site, revision: str) -> list[dict[str, Any]]:
    """The lease's policies, the closing one first; none at all when the site does without."""
    if not site.network_policies:
        return []
    policies = [_restrictions(lease, site, revision)]
    for service in group.services:
        policies += _openings(lease, service, site, revision)
    return policies


def without_api_servers(group: ManifestGroup, site: Site) -> list[str]:
    """Services that may ask the API server and that no policy lets reach it, because its addresses are not known."""
    if not site.network_policies or site.api_servers:
        return []
    return [service.name for service in group.services if may_read(service)]


def _restrictions(lease: LeaseID, site: Site, revision: str) -> dict[str, Any]:
    own = {"namespaceSelector": {"matchLabels": {names.NAMESPACE: lease_namespace(lease)}}}
    ingress = {"namespaceSelector": {"matchLabels": _INGRESS}, "podSelector": {"matchLabels": _INGRESS}}
    by_gateway = (site.gateway_namespace,) if site.ingress_mode == "gateway-api" else ()
    routers = [
        {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": name}}}
        for name in dict.fromkeys((*by_gateway, *site.ingress_namespaces))
    ]
    return _policy(lease, names.RESTRICTIONS, revision, {
        "podSelector": {},
        "policyTypes": ["Ingress", "Egress"],
        "ingress": [{"from": [own]}, {"from": [ingress]}, *({"from": [router]} for router in routers)],
        "egress": egress(lease, site),
    })  # fmt: skip


def _openings(lease: LeaseID, service: Service, site: Site, revision: str) -> Iterable[dict[str, Any]]:
    pods = {"matchLabels": {names.SERVICE: service.name}}
    random_ports = [e for e in service.expose if e.global_ and not e.is_ingress]
    leased_ips = [e for e in service.expose if e.ip]
    if random_ports:
        opened = {"ports": _ports(random_ports)}
        spec = {"podSelector": pods, "policyTypes": ["Ingress"], "ingress": [opened]}
        yield _policy(lease, names.node_port_policy(service.name), revision, spec)
    if leased_ips:
        anyone = {"from": [{"ipBlock": {"cidr": "0.0.0.0/0"}}], "ports": _ports(leased_ips)}
        spec = {"podSelector": pods, "policyTypes": ["Ingress"], "ingress": [anyone]}
        yield _policy(lease, names.leased_ip_policy(service.name), revision, spec)
    if may_read(service) and site.api_servers:
        servers = [
            {"to": [{"ipBlock": {"cidr": host_block(address)}}], "ports": [{"port": port, "protocol": "TCP"}]}
            for address, port in site.api_servers
        ]
        spec = {"podSelector": pods, "policyTypes": ["Egress"], "egress": servers}
        yield _policy(lease, names.api_server_policy(service.name), revision, spec)


def _ports(exposes: Iterable[Expose]) -> list[dict[str, Any]]:
    """The container's ports, each once: policies act behind the Service."""
    seen = dict.fromkeys((e.port, e.proto) for e in exposes)
    return [{"port": port, "protocol": proto} for port, proto in seen]


def _policy(lease: LeaseID, name: str, revision: str, spec: dict[str, Any]) -> dict[str, Any]:
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": names.metadata(lease, name, revision),
        "spec": spec,
    }
