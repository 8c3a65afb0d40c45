from __future__ import annotations

from dataclasses import replace

import pytest

from manifests.manifest import HttpOptions
from manifests.render.ingress import ingress, nginx_annotations


def made(build, lease, site, host="a.example.com"):
    expose = build.expose(8080, 80, hosts=(host,))
    return ingress(lease, build.service("web", expose), host, expose, site)


def test_the_name_is_routed_to_port_80_of_the_service(build, lease, site):
    found = made(build, lease, site)
    assert found["metadata"]["name"] == "a.example.com"
    assert found["spec"] == {
        "ingressClassName": "akash-ingress-class",
        "rules": [
            {
                "host": "a.example.com",
                "http": {
                    "paths": [
                        {
                            "path": "/",
                            "pathType": "Prefix",
                            "backend": {"service": {"name": "web", "port": {"number": 80}}},
                        }
                    ]
                },
            }
        ],
    }


def test_http_options_are_said_in_ingress_nginx_s_words():
    options = HttpOptions(2 << 20, 1500, 60000, 2, 100, ("502",), 16384)
    assert nginx_annotations(options) == {
        "nginx.ingress.kubernetes.io/proxy-body-size": "2097152",
        "nginx.ingress.kubernetes.io/proxy-read-timeout": "2",
        "nginx.ingress.kubernetes.io/proxy-send-timeout": "60",
        "nginx.ingress.kubernetes.io/proxy-next-upstream": "http_502",
        "nginx.ingress.kubernetes.io/proxy-next-upstream-tries": "2",
        "nginx.ingress.kubernetes.io/proxy-next-upstream-timeout": "1",
        "nginx.ingress.kubernetes.io/proxy-buffer-size": "16k",
    }
    assert "nginx.ingress.kubernetes.io/proxy-buffer-size" not in nginx_annotations(HttpOptions())


@pytest.mark.parametrize(
    ("case", "host", "settings", "certified"),
    [
        ("nobody asked", "a.example.com", {}, False),
        ("the tenant's own name", "a.example.com", {"tls_issuer": "le"}, True),
        ("a generated name has the wildcard", "x.ingress.example.net", {"tls_issuer": "le"}, False),
        ("unless asked", "x.ingress.example.net", {"tls_issuer": "le", "tls_generated_hosts": True}, True),
        ("a name that only looks generated", "xingress.example.net", {"tls_issuer": "le"}, True),
    ],
)
def test_cert_manager_is_asked_for_certificates(build, lease, site, case, host, settings, certified):
    found = made(build, lease, replace(site, **settings), host)
    annotations = found["metadata"]["annotations"]
    if not certified:
        assert "tls" not in found["spec"]
        assert not any("cert-manager" in key for key in annotations)
        return
    assert found["spec"]["tls"] == [{"hosts": [host], "secretName": f"{host}-tls"}]
    assert annotations["cert-manager.io/cluster-issuer"] == "le"
    assert annotations["nginx.ingress.kubernetes.io/ssl-redirect"] == "false", "HTTP goes on being answered"
