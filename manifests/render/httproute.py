"""The HTTPRoute of a host name (Gateway API), attached to the site's one Gateway (kubernetes.md §2.13).

HTTP options are annotations here too, in the words the reference chose: the standard itself has none for them, and its
request timeout is another thing (it would cut long downloads and open sockets). Certificates are the Gateway's: its
listeners name them, so nothing of a lease does.
"""

from __future__ import annotations

from typing import Any

from manifests.ids import LeaseID, lease_namespace
from manifests.manifest import Expose, HttpOptions, Service
from manifests.render import names
from manifests.render.proxyoptions import proxy_options
from manifests.render.site import Site

_NGINX = "nginx.org"
_GATEWAY_API = "gateway.networking.k8s.io"
_USUAL_BUFFER = "16k"


def http_route(lease: LeaseID, service: Service, host: str, expose: Expose, site: Site) -> dict[str, Any]:
    parent = {
        "group": _GATEWAY_API,
        "kind": "Gateway",
        "name": site.gateway_name,
        "namespace": site.gateway_namespace,
    }
    if site.gateway_section:
        parent["sectionName"] = site.gateway_section
    return {
        "apiVersion": f"{_GATEWAY_API}/v1",
        "kind": "HTTPRoute",
        "metadata": {
            "name": host,
            "namespace": lease_namespace(lease),
            "labels": names.route_labels(lease),
            "annotations": nginx_org_annotations(expose.http_options),
        },
        "spec": {
            "parentRefs": [parent],
            "hostnames": [host],
            "rules": [
                {
                    "matches": [{"path": {"type": "PathPrefix", "value": "/"}}],
                    "backendRefs": [{"name": service.name, "port": expose.effective_port}],
                }
            ],
        },
    }


def nginx_org_annotations(options: HttpOptions) -> dict[str, str]:
    said = proxy_options(options)
    out = {
        "client-max-body-size": str(said.body_bytes),
        "proxy-read-timeout": str(said.read_s),
        "proxy-send-timeout": str(said.send_s),
        "proxy-next-upstream": said.next_upstream,
        "proxy-next-upstream-tries": str(said.next_tries),
        "proxy-buffer-size": said.buffer or _USUAL_BUFFER,
    }
    if said.next_s:
        out["proxy-next-upstream-timeout"] = f"{said.next_s}s"
    return {f"{_NGINX}/{key}": value for key, value in out.items()}
