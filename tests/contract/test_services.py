"""Services: addresses and node ports are given once and kept."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]


def service(*ports: Json, **spec: Any) -> Json:
    body = {"selector": {"app": "web"}, "ports": list(ports), **spec}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}, "spec": body}


def node_ports(answer: Any) -> dict[str, int]:
    return {port["name"]: port["nodePort"] for port in answer.body["spec"]["ports"]}


WEB, DNS = {"name": "web", "port": 80, "targetPort": 8080}, {"name": "dns", "port": 53, "protocol": "UDP"}


async def test_a_service_gets_an_address_and_defaults(api) -> None:
    made = await api.apply("services/web", service({"port": 80}))
    spec = made.body["spec"]
    assert spec["clusterIP"].startswith("10.96.")
    assert spec["clusterIPs"] == [spec["clusterIP"]]
    assert spec["ports"] == [{"protocol": "TCP", "port": 80, "targetPort": 80}]
    rest = {
        name: spec[name]
        for name in ("type", "sessionAffinity", "ipFamilies", "ipFamilyPolicy", "internalTrafficPolicy")
    }
    assert rest == {
        "type": "ClusterIP",
        "sessionAffinity": "None",
        "ipFamilies": ["IPv4"],
        "ipFamilyPolicy": "SingleStack",
        "internalTrafficPolicy": "Cluster",
    }
    assert made.body["status"] == {"loadBalancer": {}}
    assert "generation" not in made.body["metadata"]


async def test_applying_again_keeps_address_and_node_ports(api) -> None:
    first = await api.apply("services/web", service(WEB, DNS, type="NodePort"))
    ports = node_ports(first)
    assert all(30000 <= port <= 32767 for port in ports.values())
    assert len(set(ports.values())) == 2
    again = await api.apply("services/web", service(WEB, DNS, type="NodePort"))
    assert again.version == first.version
    more = {"name": "more", "port": 81}
    wider = await api.apply("services/web", service(more, WEB, DNS, type="NodePort"))
    assert node_ports(wider).items() >= ports.items()
    assert wider.body["spec"]["clusterIP"] == first.body["spec"]["clusterIP"]
    fewer = await api.apply("services/web", service(DNS, type="NodePort"))
    assert node_ports(fewer) == {"dns": ports["dns"]}


async def test_a_port_that_moves_keeps_its_node_port_by_name(api) -> None:
    first = await api.apply("services/web", service(WEB, type="NodePort"))
    moved = await api.apply("services/web", service(WEB | {"port": 8000}, type="NodePort"))
    assert moved.body["spec"]["ports"][0]["port"] == 8000
    assert node_ports(moved) == node_ports(first)


async def test_an_update_may_leave_addresses_out(api) -> None:
    first = await api.create("services", service(WEB, type="NodePort"))
    changed = await api.update("services/web", service(WEB | {"targetPort": 9090}, type="NodePort"))
    assert changed.code == 200
    assert changed.body["spec"]["clusterIP"] == first.body["spec"]["clusterIP"]
    assert node_ports(changed) == node_ports(first)


async def test_an_address_does_not_change(api) -> None:
    await api.create("services", service(WEB))
    refused = await api.merge("services/web", {"spec": {"clusterIP": "10.96.200.200", "clusterIPs": ["10.96.200.200"]}})
    assert (refused.code, refused.fields()) == (422, {"spec.clusterIPs[0]"})


async def test_a_node_port_is_given_to_one(api) -> None:
    first = await api.create("services", service(WEB, type="NodePort"))
    taken = node_ports(first)["web"]
    other = service(WEB | {"nodePort": taken}, type="NodePort") | {"metadata": {"name": "other"}}
    refused = await api.create("services", other)
    assert (refused.code, refused.fields()) == (422, {"spec.ports[0].nodePort"})
    assert "provided port is already allocated" in refused.body["message"]
    await api.delete("services/web")
    freed = await api.create("services", other)
    if api.real and freed.code == 422:  # somebody else was given it in between, who will give it back
        freed = await api.eventually(lambda: api.create("services", other), lambda answer: answer.code != 422)
    assert (freed.code, node_ports(freed)) == (201, {"web": taken})


async def test_going_back_to_an_inner_service_gives_the_ports_back(api) -> None:
    await api.apply("services/web", service(WEB, type="NodePort"))
    inner = await api.apply("services/web", service(WEB, type="ClusterIP"))
    assert inner.code == 200
    assert "nodePort" not in inner.body["spec"]["ports"][0]
    assert "externalTrafficPolicy" not in inner.body["spec"]


async def test_a_headless_service_has_no_address(api) -> None:
    made = await api.create("services", service(WEB, clusterIP="None"))
    assert made.body["spec"]["clusterIPs"] == ["None"]


async def test_a_load_balancer_gets_node_ports_and_waits_for_an_address(api) -> None:
    made = await api.create("services", service(WEB, type="LoadBalancer"))
    assert made.body["spec"]["allocateLoadBalancerNodePorts"] is True
    assert made.body["spec"]["externalTrafficPolicy"] == "Cluster"
    assert node_ports(made)["web"]
    assert made.body["status"] == {"loadBalancer": {}}
