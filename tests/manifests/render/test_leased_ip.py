from __future__ import annotations

from dataclasses import replace

from manifests.render.leased_ip import leased_ports, load_balancers


def test_a_port_on_an_address_is_a_service_of_its_own_that_shares_by_owner_and_endpoint(build, lease, site):
    web = build.service("web", build.expose(8080, 80, ip="mine"), build.expose(53, proto="UDP", ip="mine"))
    http, dns = load_balancers(lease, build.group(web), site)
    assert [made["metadata"]["name"] for made in (http, dns)] == ["web-ip-80-tcp", "web-ip-53-udp"]
    assert http["metadata"]["annotations"] == {"metallb.universe.tf/allow-shared-ip": "akash1owner-ip-mine"}
    assert http["metadata"]["annotations"] == dns["metadata"]["annotations"]
    assert http["metadata"]["labels"]["akash.network/service-target"] == "metal-lb"
    assert http["spec"]["ports"] == [{"name": "web-ip-80-tcp", "port": 80, "targetPort": 8080, "protocol": "TCP"}]


def test_services_that_share_an_endpoint_share_its_key(build, lease, site):
    group = build.group(
        build.service("a", build.expose(80, ip="mine")), build.service("b", build.expose(443, ip="mine"))
    )
    keys = {
        made["metadata"]["annotations"]["metallb.universe.tf/allow-shared-ip"]
        for made in load_balancers(lease, group, site)
    }
    assert keys == {"akash1owner-ip-mine"}


def test_one_port_on_two_addresses_is_two_services(build, lease, site):
    web = build.service(
        "web", build.expose(80, ip="a"), build.expose(80, ip="b"), build.expose(80, proto="UDP", ip="b")
    )
    made = load_balancers(lease, build.group(web), site)
    assert [m["metadata"]["name"] for m in made] == ["web-ip-80-tcp", "web-ip-80-tcp-2", "web-ip-80-udp"]


def test_only_what_is_global_and_asks_for_an_address_has_one(build):
    exposes = (
        build.expose(80),
        build.expose(81, to="db", ip="mine"),
        build.expose(82, ip="mine"),
        build.expose(82, ip="mine"),
    )
    assert [port.port for port in leased_ports(build.group(build.service("web", *exposes)))] == [82]


def test_pool_class_and_annotations_are_the_sites(build, lease, site):
    group = build.group(build.service("web", build.expose(80, ip="mine")))
    (plain,) = load_balancers(lease, group, site)
    assert plain["spec"]["allocateLoadBalancerNodePorts"] is False
    (made,) = load_balancers(
        lease,
        group,
        replace(site, ip_pool="tenants", load_balancer_class="x/y", load_balancer_annotations={"x/key": "k-{key}"}),
    )
    assert made["metadata"]["annotations"] == {
        "metallb.universe.tf/allow-shared-ip": "akash1owner-ip-mine",
        "metallb.universe.tf/address-pool": "tenants",
        "x/key": "k-akash1owner-ip-mine",
    }
    assert made["spec"]["loadBalancerClass"] == "x/y"
    assert "allocateLoadBalancerNodePorts" not in made["spec"]
