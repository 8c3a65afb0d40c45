"""What a tenant is told of a running lease, in the field names clients expect (gateway-auth.md §5.4). Pure.

Two differences from the reference, both harmless to its clients: a service's `uris` are its own, not those of the
whole lease, and `total` is what was asked for, not what happens to exist.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from manifests.ids import LeaseID
from manifests.render.names import METAL_LB, SERVICE, SERVICE_TARGET, lease_of
from provider.cluster.api import kinds
from provider.cluster.api.marks import mark
from provider.cluster.health.workloads import WorkloadFacts
from provider.cluster.routes.doors import Key, claim_of, live


@dataclass(frozen=True, slots=True)
class Port:
    """`number` is the Service's, `target` the container's, `node` the node's (0 when none)."""

    number: int
    target: int
    node: int
    proto: str


@dataclass(frozen=True, slots=True)
class ServiceFacts:
    """A Kubernetes Service; `service` is the manifest service it leads to."""

    namespace: str
    name: str
    kind: str
    service: str
    leased_ip: bool
    ports: tuple[Port, ...]
    addresses: tuple[str, ...]
    lease: LeaseID | None = None
    """where its labels say so"""
    key: Key | None = None
    """of a leased port: the claim it depends on"""
    live: Mapping[str, Any] | None = None
    """of a leased port: the Service as far as it is ours to say"""
    mark: int = 0
    """see marks.py"""


@dataclass(frozen=True, slots=True)
class Route:
    """A host name that leads to a manifest service."""

    host: str
    service: str


def service_facts(obj: Mapping[str, Any]) -> ServiceFacts:
    metadata, spec = obj["metadata"], obj.get("spec") or {}
    labels = metadata.get("labels") or {}
    balancer = (obj.get("status") or {}).get("loadBalancer") or {}
    selector = spec.get("selector") or {}
    key = claim_of(kinds.SERVICE, obj)
    return ServiceFacts(
        namespace=metadata.get("namespace", ""),
        name=metadata["name"],
        kind=spec.get("type") or "ClusterIP",
        service=selector.get(SERVICE) or labels.get(SERVICE) or metadata["name"].removesuffix("-np"),
        leased_ip=labels.get(SERVICE_TARGET) == METAL_LB,
        ports=tuple(
            Port(p["port"], _number(p.get("targetPort"), p["port"]), p.get("nodePort") or 0, p.get("protocol") or "TCP")
            for p in spec.get("ports") or ()
        ),
        addresses=tuple(i["ip"] for i in balancer.get("ingress") or () if i.get("ip")),
        lease=lease_of(labels),
        key=key,
        live=live(obj) if key is not None else None,
        mark=mark(kinds.SERVICE, obj),
    )


def ingress_routes(obj: Mapping[str, Any]) -> tuple[Route, ...]:
    return tuple(
        Route(rule["host"], path["backend"]["service"]["name"])
        for rule in (obj.get("spec") or {}).get("rules") or ()
        for path in (rule.get("http") or {}).get("paths") or ()
        if rule.get("host") and (path.get("backend") or {}).get("service")
    )


def http_routes(obj: Mapping[str, Any]) -> tuple[Route, ...]:
    """Of an HTTPRoute of the Gateway API."""
    spec = obj.get("spec") or {}
    return tuple(
        Route(host, backend["name"])
        for host in spec.get("hostnames") or ()
        for rule in spec.get("rules") or ()
        for backend in rule.get("backendRefs") or ()
        if backend.get("name")
    )


def lease_status(
    workloads: Iterable[WorkloadFacts], services: Iterable[ServiceFacts], routes: Iterable[Route], public_hostname: str
) -> dict[str, Any]:
    """`{"services": …, "forwarded_ports": …, "ips": …}`. Empty `services` means nothing is deployed: the gateway's
    404."""
    services = sorted(services, key=lambda s: s.name)
    uris: dict[str, list[str]] = {}
    for route in sorted(set(routes), key=lambda r: r.host):
        uris.setdefault(route.service, []).append(route.host)
    return {
        "services": {
            w.service: _service(w, uris.get(w.service, []))
            for w in sorted(workloads, key=lambda w: (w.service, w.available))
        },
        "forwarded_ports": _forwarded(services, public_hostname),
        "ips": _leased(services) or None,
    }


def _service(workload: WorkloadFacts, uris: list[str]) -> dict[str, Any]:
    return {
        "name": workload.service,
        "available": workload.available,
        "total": workload.desired,
        "uris": uris,
        "observed_generation": workload.observed_generation,
        "replicas": workload.replicas,
        "updated_replicas": workload.updated,
        "ready_replicas": workload.ready,
        "available_replicas": workload.available,
    }


def _forwarded(services: Iterable[ServiceFacts], host: str) -> dict[str, list[dict[str, Any]]]:
    out: dict[str, list[dict[str, Any]]] = {}
    where = {"host": host} if host else {}
    for service in services:
        if service.kind == "NodePort":
            for p in service.ports:
                shown = {"port": p.target, "externalPort": p.node, "proto": p.proto, "name": service.service}
                out.setdefault(service.service, []).append({**where, **shown})
    return out


def _leased(services: Iterable[ServiceFacts]) -> dict[str, list[dict[str, Any]]]:
    """One entry for each port and address; an address still to be given out is simply not there yet."""
    out: dict[str, list[dict[str, Any]]] = {}
    for service in services:
        if service.leased_ip:
            for p in service.ports:
                for ip in service.addresses:
                    shown = {"Port": p.target, "ExternalPort": p.number, "Protocol": p.proto, "IP": ip}
                    out.setdefault(service.service, []).append(shown)
    return out


def _number(target: object, otherwise: int) -> int:
    """A target port may be a name; the daemon never uses one, an operator might."""
    return target if isinstance(target, int) else otherwise
