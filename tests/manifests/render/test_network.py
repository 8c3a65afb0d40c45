from __future__ import annotations

from dataclasses import replace

from manifests.manifest import Params, Permissions
from manifests.render.network import network_policies, without_api_servers


def by_name(policies):
    return {p["metadata"]["name"]: p["spec"] for p in policies}


def test_the_first_policy_shuts_the_namespace_both_ways(build, lease, site):
    first = network_policies(lease, build.group(build.service("web", build.expose(22))), site, "7")[0]
    assert first["metadata"]["name"] == "akash-deployment-restrictions"
    assert first["spec"]["podSelector"] == {}
    assert first["spec"]["policyTypes"] == ["Ingress", "Egress"]


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


def test_who_may_ask_api_servers_that_are_not_known_is_named(build, site):
    group = build.group(build.service("log", params=Params(None, Permissions(("logs",)))), build.service("web"))
    unknown = replace(site, api_servers=())
    assert without_api_servers(group, site) == []
    assert without_api_servers(group, unknown) == ["log"]
    assert without_api_servers(group, replace(unknown, network_policies=False)) == []


def test_a_site_without_policies_has_none(build, lease, site):
    group = build.group(build.service("web", build.expose(22)))
    assert network_policies(lease, group, replace(site, network_policies=False), "7") == []


def test_routers_come_in_from_their_own_namespaces(build, lease, site):
    def sources(**settings):
        first = network_policies(lease, build.group(build.service()), replace(site, **settings), "7")[0]
        _, nginx, *others = [rule["from"][0] for rule in first["spec"]["ingress"]]
        assert nginx["podSelector"] == {"matchLabels": {"app.kubernetes.io/name": "ingress-nginx"}}
        return [peer["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"] for peer in others]

    assert sources() == []
    assert sources(ingress_mode="gateway-api") == ["akash-gateway"]
    assert sources(ingress_namespaces=("contour",)) == ["contour"]
    assert sources(ingress_mode="gateway-api", gateway_namespace="gw", ingress_namespaces=("gw", "c")) == ["gw", "c"]
