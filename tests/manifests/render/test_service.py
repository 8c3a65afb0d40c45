from __future__ import annotations

from manifests.render.service import services


def ports(made):
    return [(p["name"], p["port"], p["targetPort"], p["protocol"]) for p in made["spec"]["ports"]]


def test_ingress_and_internal_ports_are_inside_other_public_ones_on_node_ports(build, lease):
    web = build.service("web", build.expose(22), build.expose(80), build.expose(8080, 9090, to="db"))
    inside, outside = services(lease, web, "7")
    assert (inside["metadata"]["name"], inside["spec"]["type"]) == ("web", "ClusterIP")
    assert ports(inside) == [("1-80", 80, 80, "TCP"), ("2-9090", 9090, 8080, "TCP")]
    assert (outside["metadata"]["name"], outside["spec"]["type"]) == ("web-np", "NodePort")
    assert ports(outside) == [("0-22", 22, 22, "TCP")]


def test_one_number_with_two_protocols_is_two_ports(build, lease):
    (made,) = services(lease, build.service("dns", build.expose(53), build.expose(53, proto="UDP")), "7")
    assert ports(made) == [("0-53", 53, 53, "TCP"), ("1-53", 53, 53, "UDP")]


def test_a_port_given_twice_is_there_once_under_its_first_name(build, lease):
    (made,) = services(lease, build.service("api", build.expose(9001, to="db"), build.expose(9001, to="web")), "7")
    assert ports(made) == [("0-9001", 9001, 9001, "TCP")]


def test_port_443_is_no_ingress(build, lease):
    (made,) = services(lease, build.service("web", build.expose(443)), "7")
    assert made["spec"]["type"] == "NodePort"


def test_a_service_that_exposes_nothing_has_none(build, lease):
    assert services(lease, build.service(), "7") == []
