"""Host names of a service, and what routes each of them to it: an Ingress, or an HTTPRoute of the Gateway API.

Both are named after the host and labelled alike, so a site that changes from one to the other has the old ones deleted
as left over.
"""

from __future__ import annotations

from typing import Any

from manifests.hostnames import static_host
from manifests.ids import LeaseID
from manifests.manifest import Expose, Service
from manifests.render.httproute import http_route
from manifests.render.ingress import ingress
from manifests.render.site import Site


def ingress_hosts(lease: LeaseID, service: Service, site: Site) -> tuple[str, ...]:
    """Names under which the service answers on port 80, sorted: those the tenant gave and the generated one."""
    return tuple(sorted(_routed(lease, service, site)))


def routes(lease: LeaseID, service: Service, site: Site) -> list[dict[str, Any]]:
    """One per host name, by name."""
    make = http_route if site.ingress_mode == "gateway-api" else ingress
    routed = _routed(lease, service, site)
    return [make(lease, service, host, routed[host], site) for host in sorted(routed)]


def _routed(lease: LeaseID, service: Service, site: Site) -> dict[str, Expose]:
    routed: dict[str, Expose] = {}
    for expose in service.expose:
        if expose.is_ingress:
            generated = [static_host(lease, service.name, site.ingress_domain)] if site.static_hosts else []
            for host in [*(expose.hosts or ()), *generated]:
                routed.setdefault(host.lower(), expose)
    return routed
