"""The Ingress of a host name, with the tenant's HTTP options as ingress-nginx annotations.

Asked for certificates, cert-manager gets one for each of the tenant's own names (and for generated ones where the site
says so), kept in a Secret of the lease's namespace, so it goes with the lease. HTTP is answered as before: tenants put
proxies in front that speak nothing else, and a redirect would send those in circles.
"""

from __future__ import annotations

from typing import Any

from manifests.ids import LeaseID, lease_namespace
from manifests.manifest import Expose, HttpOptions, Service
from manifests.render import names
from manifests.render.proxyoptions import proxy_options
from manifests.render.site import Site

_NGINX = "nginx.ingress.kubernetes.io"


def ingress(lease: LeaseID, service: Service, host: str, expose: Expose, site: Site) -> dict[str, Any]:
    backend = {"service": {"name": service.name, "port": {"number": expose.effective_port}}}
    certified = _wants_certificate(host, site)
    tls = {"tls": [{"hosts": [host], "secretName": names.certificate_secret(host)}]} if certified else {}
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {
            "name": host,
            "namespace": lease_namespace(lease),
            "labels": names.route_labels(lease),
            "annotations": nginx_annotations(expose.http_options) | (_certificate(site) if certified else {}),
        },
        "spec": {
            "ingressClassName": site.ingress_class,
            "rules": [{"host": host, "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]}}],
            **tls,
        },
    }


def nginx_annotations(options: HttpOptions) -> dict[str, str]:
    said = proxy_options(options)
    out = {
        "proxy-body-size": str(said.body_bytes),
        "proxy-read-timeout": str(said.read_s),
        "proxy-send-timeout": str(said.send_s),
        "proxy-next-upstream": said.next_upstream,
        "proxy-next-upstream-tries": str(said.next_tries),
        "proxy-next-upstream-timeout": str(said.next_s),
    }
    if said.buffer:
        out["proxy-buffer-size"] = said.buffer
    return {f"{_NGINX}/{key}": value for key, value in out.items()}


def _wants_certificate(host: str, site: Site) -> bool:
    generated = bool(site.ingress_domain) and host.endswith(f".{site.ingress_domain}")
    return bool(site.tls_issuer) and (site.tls_generated_hosts or not generated)


def _certificate(site: Site) -> dict[str, str]:
    return {"cert-manager.io/cluster-issuer": site.tls_issuer, f"{_NGINX}/ssl-redirect": "false"}
