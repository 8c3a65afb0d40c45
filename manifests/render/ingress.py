"""Host names of a service and the Ingress of each, with the tenant's HTTP options as ingress-nginx annotations.

Annotations end up in a proxy's configuration file, so only numbers and known words get there: a `next_cases` entry
that is not on the list is dropped, and an empty one (which stops the reference's operator, kubernetes.md §2.13) is
nothing special.
"""

from __future__ import annotations

from typing import Any

from manifests.hostnames import static_host
from manifests.ids import LeaseID, lease_namespace
from manifests.manifest import Expose, HttpOptions, Service
from manifests.render import names
from manifests.render.site import Site

_NGINX = "nginx.ingress.kubernetes.io"
_CONDITIONS = {"error", "timeout"}
_STATUSES = {"403", "404", "429", "500", "502", "503", "504"}
_LARGEST_PROXY_BUFFER_BYTES = 1 << 20
_DEFAULTS = HttpOptions()


def ingress_hosts(lease: LeaseID, service: Service, site: Site) -> tuple[str, ...]:
    """Names under which the service answers on port 80, sorted: those the tenant gave and the generated one."""
    return tuple(sorted(_routes(lease, service, site)))


def ingresses(
    lease: LeaseID, service: Service, site: Site, withheld: frozenset[str] = frozenset()
) -> list[dict[str, Any]]:
    """One Ingress per host name, named after it; none for names in `withheld`."""
    routes = _routes(lease, service, site)
    return [_ingress(lease, service, host, routes[host], site) for host in sorted(routes) if host not in withheld]


def _routes(lease: LeaseID, service: Service, site: Site) -> dict[str, Expose]:
    routes: dict[str, Expose] = {}
    for expose in service.expose:
        if expose.is_ingress:
            generated = [static_host(lease, service.name, site.ingress_domain)] if site.static_hosts else []
            for host in [*(expose.hosts or ()), *generated]:
                routes.setdefault(host.lower(), expose)
    return routes


def _ingress(lease: LeaseID, service: Service, host: str, expose: Expose, site: Site) -> dict[str, Any]:
    backend = {"service": {"name": service.name, "port": {"number": expose.effective_port}}}
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {
            "name": host,
            "namespace": lease_namespace(lease),
            "labels": names.route_labels(lease),
            "annotations": nginx_annotations(expose.http_options),
        },
        "spec": {
            "ingressClassName": site.ingress_class,
            "rules": [{"host": host, "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]}}],
        },
    }


def nginx_annotations(options: HttpOptions) -> dict[str, str]:
    """HTTP options in ingress-nginx's words; times in whole seconds, rounded up. A body limit of 0, as old
    manifests have it, stands for all defaults."""
    if options.max_body_size_bytes <= 0:
        options = _DEFAULTS
    out = {
        "proxy-body-size": str(options.max_body_size_bytes),
        "proxy-read-timeout": str(_seconds(options.read_timeout_ms)),
        "proxy-send-timeout": str(_seconds(options.send_timeout_ms)),
        "proxy-next-upstream": _next_upstream(options.next_cases),
        "proxy-next-upstream-tries": str(max(0, options.next_tries)),
        "proxy-next-upstream-timeout": str(_seconds(options.next_timeout_ms)),
    }
    if options.proxy_buffer_size_bytes > 0:
        size_bytes = min(options.proxy_buffer_size_bytes, _LARGEST_PROXY_BUFFER_BYTES)
        out["proxy-buffer-size"] = f"{-(-size_bytes // 1024)}k"
    return {f"{_NGINX}/{key}": value for key, value in out.items()}


def _next_upstream(cases: tuple[str, ...]) -> str:
    if "off" in cases:
        return "off"
    known = [c if c in _CONDITIONS else f"http_{c}" for c in cases if c in _CONDITIONS | _STATUSES]
    return " ".join(dict.fromkeys(known)) or " ".join(_DEFAULTS.next_cases)


def _seconds(milliseconds: int) -> int:
    return max(0, -(-milliseconds // 1000))
