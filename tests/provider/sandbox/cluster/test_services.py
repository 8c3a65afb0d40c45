"""Who gets which address and node port, keeps it, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from provider.sandbox.cluster.services import Addresses
from provider.sandbox.cluster.status import ApiError
from provider.sandbox.cluster.store import Store

Json = dict[str, Any]


def port(number: int, name: str = "", node: int | None = None, protocol: str = "TCP") -> Json:
    given = {"port": number, "protocol": protocol}
    return given | ({"name": name} if name else {}) | ({"nodePort": node} if node else {})


def service(name: str, kind: str = "ClusterIP", *ports: Json, **spec: Any) -> Json:
    return {"metadata": {"name": name, "namespace": "default"}, "spec": {"type": kind, "ports": list(ports), **spec}}


class Town:
    """Services stored as allocated; an update inherits first, as a write does."""

    def __init__(self) -> None:
        self.store = Store()
        self.addresses = Addresses(self.store)

    def write(self, new: Json) -> Json:
        live = self.store.get("services", "default", new["metadata"]["name"])
        if live is not None:
            new = self.addresses.inherit(new, live)
        stored: Json = self.store.put("services", self.addresses.allocate(new, live))["spec"]
        return stored

    def ports(self, new: Json) -> list[int | None]:
        return [each.get("nodePort") for each in self.write(new)["ports"]]


@pytest.fixture
def town() -> Town:
    return Town()


def test_addresses_are_given_once_and_again_when_free(town: Town) -> None:
    assert [town.write(service(name))["clusterIP"] for name in "abc"] == ["10.96.0.10", "10.96.0.11", "10.96.0.12"]
    assert town.write(service("b", "NodePort", port(80)))["clusterIPs"] == ["10.96.0.11"]
    town.store.remove("services", "default", "a")
    assert town.write(service("d"))["clusterIP"] == "10.96.0.10"
    assert town.write(service("e", clusterIP="None"))["clusterIPs"] == ["None"]


def test_a_name_elsewhere_has_no_address(town: Town) -> None:
    town.write(service("a"))
    assert town.write(service("a", "ExternalName", externalName="akash.test")) == {
        "type": "ExternalName",
        "externalName": "akash.test",
    }
    assert town.write(service("a"))["clusterIP"] == "10.96.0.10"


PORTS = {
    "of the asked kind": ([port(80), port(81)], [30000, 30001]),
    "the wish is kept": ([port(80, node=31234)], [31234]),
    "not one another port asks for": ([port(80), port(81, node=30000)], [30001, 30000]),
    "udp beside tcp": ([port(53, node=30053), port(53, node=30053, protocol="UDP")], [30053, 30053]),
}


@pytest.mark.parametrize(("ports", "given"), PORTS.values(), ids=PORTS)
@pytest.mark.parametrize("kind", ["NodePort", "LoadBalancer"])
def test_node_ports(town: Town, kind: str, ports: list[Json], given: list[int]) -> None:
    assert town.ports(service("a", kind, *ports)) == given
    assert town.ports(service("b", "ClusterIP", port(80))) == [None]
    assert town.ports(service("c", kind, port(80), allocateLoadBalancerNodePorts=False)) == [None]


UPDATES = {
    "by name, whatever the order": ([port(81, "b"), port(80, "a")], [30001, 30000]),
    "a new name gets a new one": ([port(80, "a"), port(82, "c")], [30000, 30001]),
    "one asked for elsewhere is not kept": ([port(80, "a"), port(81, "b", node=30000)], [30001, 30000]),
}


@pytest.mark.parametrize(("ports", "given"), UPDATES.values(), ids=UPDATES)
def test_an_update_keeps_node_ports(town: Town, ports: list[Json], given: list[int]) -> None:
    town.write(service("a", "NodePort", port(80, "a"), port(81, "b")))
    assert town.ports(service("a", "LoadBalancer", *ports)) == given


def test_what_is_no_longer_exposed_gives_its_node_ports_back(town: Town) -> None:
    town.write(service("a", "NodePort", port(80), externalTrafficPolicy="Local"))
    spec = town.write(service("a", "ClusterIP", port(80, node=30000), externalTrafficPolicy="Local"))
    assert spec["ports"] == [port(80)]
    assert "externalTrafficPolicy" not in spec
    assert town.ports(service("b", "NodePort", port(80))) == [30000]


REFUSED = {
    "below the range": (port(80, node=29999), "not in the valid range"),
    "above the range": (port(80, node=32768), "not in the valid range"),
    "somebody else's": (port(80, node=30007), "already allocated"),
}


@pytest.mark.parametrize(("asked", "why"), REFUSED.values(), ids=REFUSED)
def test_a_port_that_cannot_be_had(town: Town, asked: Json, why: str) -> None:
    town.write(service("other", "NodePort", port(80, node=30007)))
    with pytest.raises(ApiError) as no:
        town.write(service("a", "NodePort", port(79, "fine"), asked))
    (cause,) = (no.value.details or {})["causes"]
    assert (no.value.code, cause["field"]) == (422, "spec.ports[1].nodePort")
    assert why in cause["message"]
