from __future__ import annotations

from dataclasses import replace

import pytest

from manifests.hostnames import static_host
from manifests.render.routes import ingress_hosts, routes


def test_a_service_answers_to_its_own_names_and_a_generated_one(build, lease, site):
    web = build.service("web", build.expose(8080, 80, hosts=("b.example.com", "a.example.com")))
    generated = static_host(lease, "web", "ingress.example.net")
    assert ingress_hosts(lease, web, site) == ("a.example.com", "b.example.com", generated)
    assert ingress_hosts(lease, web, replace(site, static_hosts=False)) == ("a.example.com", "b.example.com")


@pytest.mark.parametrize("port", [{"port": 443}, {"port": 80, "proto": "UDP"}, {"port": 80, "to": "db"}], ids=str)
def test_what_is_not_public_tcp_80_has_no_names(build, lease, site, port):
    assert ingress_hosts(lease, build.service("web", build.expose(**port, hosts=("a.example.com",))), site) == ()


@pytest.mark.parametrize(("mode", "kind"), [("ingress", "Ingress"), ("gateway-api", "HTTPRoute")])
def test_each_name_has_a_route_of_the_site_s_kind_called_after_it(build, lease, site, mode, kind):
    web = build.service("web", build.expose(80, hosts=("b.example.com", "a.example.com")))
    made = routes(lease, web, replace(site, static_hosts=False, ingress_mode=mode))
    assert [(r["kind"], r["metadata"]["name"]) for r in made] == [(kind, "a.example.com"), (kind, "b.example.com")]
    assert made[0]["metadata"]["labels"] == made[1]["metadata"]["labels"]
