from __future__ import annotations

from dataclasses import replace

from manifests.manifest import HttpOptions
from manifests.render.httproute import http_route, nginx_org_annotations


def made(build, lease, site):
    expose = build.expose(8080, 80, hosts=("a.example.com",))
    return http_route(lease, build.service("web", expose), "a.example.com", expose, site)


def test_the_name_is_routed_to_port_80_of_the_service(build, lease, site):
    found = made(build, lease, site)
    assert (found["apiVersion"], found["metadata"]["name"]) == ("gateway.networking.k8s.io/v1", "a.example.com")
    assert found["spec"] == {
        "parentRefs": [
            {
                "group": "gateway.networking.k8s.io",
                "kind": "Gateway",
                "name": "akash-gateway",
                "namespace": "akash-gateway",
            }
        ],
        "hostnames": ["a.example.com"],
        "rules": [
            {
                "matches": [{"path": {"type": "PathPrefix", "value": "/"}}],
                "backendRefs": [{"name": "web", "port": 80}],
            }
        ],
    }


def test_it_may_be_attached_to_one_listener_of_another_gateway(build, lease, site):
    here = replace(site, gateway_name="edge", gateway_namespace="net", gateway_section="https")
    (parent,) = made(build, lease, here)["spec"]["parentRefs"]
    assert (parent["name"], parent["namespace"], parent["sectionName"]) == ("edge", "net", "https")


def test_http_options_are_said_in_the_reference_s_words():
    options = HttpOptions(2 << 20, 60000, 60000, 3, 30000, ("error",), 0)
    assert nginx_org_annotations(options) == {
        "nginx.org/client-max-body-size": "2097152",
        "nginx.org/proxy-read-timeout": "60",
        "nginx.org/proxy-send-timeout": "60",
        "nginx.org/proxy-next-upstream": "error",
        "nginx.org/proxy-next-upstream-tries": "3",
        "nginx.org/proxy-next-upstream-timeout": "30s",
        "nginx.org/proxy-buffer-size": "16k",
    }
    assert "nginx.org/proxy-next-upstream-timeout" not in nginx_org_annotations(HttpOptions())
