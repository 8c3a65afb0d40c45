from __future__ import annotations

from dataclasses import replace

from manifests.manifest import Params, Permissions
from manifests.render.network import NEVER_OUT, network_policies


def by_name(policies):
    return {p["metadata"]["name"]: p["spec"] for p in policies}


def test_the_first_policy_shuts_the_namespace_both_ways(build, lease, site):
    first = network_policies(lease, build.group(build.service("web", build.expose(22))), site, "7")[0]
    assert first["metadata"]["name"] == "akash-deployment-restrictions"
    assert first["spec"]["podSelector"] == {}
    assert first["spec"]["policyTypes"] == ["Ingress", "Egress"]


def test_the_way_out_leads_to_the_lease_to_dns_and_to_public_addresses_only(build, lease, site):
    (spec,) = by_name(network_policies(lease, build.group(build.service()), site, "7")).values()
    own, dns, world = spec["egress"]
    assert list(own) == ["to"]
    assert {p["port"] for p in dns["ports"]} == {53}
    caches = [peer["ipBlock"]["cidr"] for peer in dns["to"] if "ipBlock" in peer]
    assert caches == ["169.254.20.10/32", "169.254.25.10/32"]
    assert world == {"to": [{"ipBlock": {"cidr": "0.0.0.0/0", "except": list(NEVER_OUT)}}]}
    assert {"169.254.0.0/16", "100.64.0.0/10"} <= set(NEVER_OUT), "metadata services and overlays are not for tenants"


def test_a_public_port_that_is_no_ingress_is_opened_at_the_container_s_port_each_once(build, lease, site):
    web = build.service(
        "web", build.expose(2222, 22), build.expose(2222, 23), build.expose(53, proto="UDP"), build.expose(80)
    )
    policies = by_name(network_policies(lease, build.group(web), site, "7"))
    assert policies["akash-web-np"] == {
        "podSelector": {"matchLabels": {"akash.network/manifest-service": "web"}},
        "policyTypes": ["Ingress"],
        "ingress": [{"ports": [{"port": 2222, "protocol": "TCP"}, {"port": 53, "protocol": "UDP"}]}],
    }


def test_a_leased_address_is_opened_to_the_world(build, lease, site):
    web = build.service("web", build.expose(8080, 80, ip="mine"))
    policies = by_name(network_policies(lease, build.group(web), site, "7"))
    assert policies["akash-web-ip"]["ingress"] == [
        {"from": [{"ipBlock": {"cidr": "0.0.0.0/0"}}], "ports": [{"port": 8080, "protocol": "TCP"}]}
    ]
    assert "akash-web-np" not in policies


def test_only_a_service_with_permissions_reaches_the_api_servers(build, lease, site):
    group = build.group(build.service("log", params=Params(None, Permissions(("logs",)))), build.service("web"))
    six = replace(site, api_servers=(("10.0.0.1", 6443), ("fd00::1", 443)))
    policies = by_name(network_policies(lease, group, six, "7"))
    assert "akash-apiserver-web" not in policies
    assert policies["akash-apiserver-log"]["egress"] == [
        {"to": [{"ipBlock": {"cidr": "10.0.0.1/32"}}], "ports": [{"port": 6443, "protocol": "TCP"}]},
        {"to": [{"ipBlock": {"cidr": "fd00::1/128"}}], "ports": [{"port": 443, "protocol": "TCP"}]},
    ]


def test_a_site_without_policies_has_none(build, lease, site):
    group = build.group(build.service("web", build.expose(22)))
    assert network_policies(lease, group, replace(site, network_policies=False), "7") == []
