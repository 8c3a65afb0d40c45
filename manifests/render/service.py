"""The Services of a service: one inside the cluster (its name is its address for the lease), one on node ports.

Ports are told apart by number *and* protocol, so 53/UDP and 53/TCP stand side by side; the reference keeps only the
first of them (kubernetes.md §2.12). Names of ports follow the expose's place in the manifest, as there; server-side
apply keys ports by number and protocol, so a node port stays when a name shifts.
"""

from __future__ import annotations

from typing import Any

from manifests.ids import LeaseID
from manifests.manifest import Service
from manifests.render import names


def services(lease: LeaseID, service: Service, revision: str) -> list[dict[str, Any]]:
    """ClusterIP, then NodePort; each only if some expose needs it."""
    inside = _ports(service, node_ports=False)
    outside = _ports(service, node_ports=True)
    out = []
    if inside:
        out.append(_service(lease, service, service.name, "ClusterIP", inside, revision))
    if outside:
        out.append(_service(lease, service, names.node_port_service(service.name), "NodePort", outside, revision))
    return out


def _ports(service: Service, *, node_ports: bool) -> list[dict[str, Any]]:
    ports: dict[tuple[int, str], dict[str, Any]] = {}
    for index, expose in enumerate(service.expose):
        number = expose.effective_port
        if (expose.global_ and not expose.is_ingress) is node_ports:
            name = names.port_name(index, number)
            port = {"name": name, "port": number, "targetPort": expose.port, "protocol": expose.proto}
            ports.setdefault((number, expose.proto), port)
    return list(ports.values())


def _service(
    lease: LeaseID, service: Service, name: str, type_: str, ports: list[dict[str, Any]], revision: str
) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": names.metadata(lease, name, revision, service.name),
        "spec": {"type": type_, "selector": names.pod_labels(lease, service.name), "ports": ports},
    }
