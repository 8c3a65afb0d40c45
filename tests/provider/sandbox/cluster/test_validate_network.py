"""Objections that need a past, or come several at once; single ones stand in tests/contract/test_validation.py."""

from __future__ import annotations

from typing import Any

import pytest

from provider.sandbox.cluster.defaults import defaulted
from provider.sandbox.cluster.validate_network import ingress, policy, service

Json = dict[str, Any]


def service_of(*ports: Json, **spec: Any) -> Json:
    return defaulted("services", {"metadata": {"name": "web"}, "spec": {"ports": list(ports), **spec}})


WEB = {"name": "web", "port": 80}
SERVICES: dict[str, tuple[Json, list[str]]] = {
    "one port needs no name": (service_of({"port": 80}), []),
    "no ports, no address": (service_of(clusterIP="None"), []),
    "a name outside needs no ports": (service_of(type="ExternalName", externalName="a.test"), []),
    "an exposed port": (service_of(WEB | {"nodePort": 30500}, type="NodePort"), []),
    "a target by name": (service_of({"port": 80, "targetPort": "http-80"}), []),
    "a target out of range": (service_of({"port": 80, "targetPort": 70000}), ["spec.ports[0].targetPort"]),
    "a selector that selects nothing": (service_of(WEB, selector={"a": "b c"}), ["spec.selector"]),
    "a rule for traffic from outside": (service_of(WEB, externalTrafficPolicy="Local"), ["spec.externalTrafficPolicy"]),
    "each bad port is told": (
        service_of(WEB, WEB | {"port": 0, "targetPort": 80}, {"name": "W", "port": 82, "protocol": "ICMP"}),
        ["spec.ports[1].name", "spec.ports[1].port", "spec.ports[2].name", "spec.ports[2].protocol"],
    ),
}


@pytest.mark.parametrize(("new", "fields"), SERVICES.values(), ids=SERVICES)
def test_services(new: Json, fields: list[str]) -> None:
    assert [cause.field for cause in service(new, None)] == fields


@pytest.mark.parametrize(
    ("before", "after", "fields"),
    [
        ({"clusterIPs": ["10.96.0.10"]}, {"clusterIPs": ["10.96.0.10"]}, []),
        ({"clusterIPs": ["10.96.0.10"]}, {"clusterIPs": ["10.96.0.11"]}, ["spec.clusterIPs[0]"]),
        ({"clusterIPs": ["10.96.0.10"]}, {"type": "ExternalName", "externalName": "a.test"}, []),
    ],
    ids=["an address stays", "and does not change", "but is given up for a name"],
)
def test_an_address_is_for_life(before: Json, after: Json, fields: list[str]) -> None:
    assert [cause.field for cause in service(service_of(WEB, **after), service_of(WEB, **before))] == fields


BACKEND = {"service": {"name": "web", "port": {"number": 80}}}


def ingress_of(host: str = "a.test", /, **path: Any) -> Json:
    path = {"path": "/", "pathType": "Prefix", "backend": BACKEND, **path}
    return {"spec": {"rules": [{"host": host, "http": {"paths": [path]}}]}}


def backend(**service_: Any) -> Json:
    return {"backend": {"service": {"name": "web", **service_}}}


HOST, PATH = "spec.rules[0].host", "spec.rules[0].http.paths[0]"
INGRESSES: dict[str, tuple[Json, list[str]]] = {
    "any host": (ingress_of(""), []),
    "a star": (ingress_of("*"), [HOST]),
    "a star in the middle": (ingress_of("a.*.test"), [HOST]),
    "an address of the new kind": (ingress_of("::1"), [HOST]),
    "a host with a port": (ingress_of("a.test:80"), [HOST]),
    "no path where the type leaves it open": (ingress_of(path="", pathType="ImplementationSpecific"), []),
    "a type nobody knows": (ingress_of(pathType="Exactly"), [f"{PATH}.pathType"]),
    "a path that ends above": (ingress_of(path="/a/.."), [f"{PATH}.path"]),
    "two slashes": (ingress_of(path="/a//b"), [f"{PATH}.path"]),
    "a slash in disguise": (ingress_of(path="/a%2fb"), [f"{PATH}.path"]),
    "a port by name": (ingress_of(**backend(port={"name": "http"})), []),
    "no port": (ingress_of(**backend()), [f"{PATH}.backend"]),
    "two ports": (ingress_of(**backend(port={"name": "http", "number": 80})), [f"{PATH}.backend"]),
    "a port out of range": (ingress_of(**backend(port={"number": 70000})), [f"{PATH}.backend.service.port.number"]),
    "no service": (ingress_of(**backend(name="", port={"number": 80})), [f"{PATH}.backend.service.name"]),
    "something else behind it": (ingress_of(backend={"resource": {"kind": "X", "name": "x"}}), []),
    "only a default": ({"spec": {"defaultBackend": BACKEND}}, []),
    "a class with a bad name": (
        {"spec": {"defaultBackend": BACKEND, "ingressClassName": "A b"}},
        ["spec.ingressClassName"],
    ),
    "a certificate for a bad host": (
        {"spec": {"defaultBackend": BACKEND, "tls": [{"hosts": ["*.a.test", "A"]}]}},
        ["spec.tls[0].hosts[1]"],
    ),
}


@pytest.mark.parametrize(("new", "fields"), INGRESSES.values(), ids=INGRESSES)
def test_ingresses(new: Json, fields: list[str]) -> None:
    assert [cause.field for cause in ingress(new, None)] == fields


def policy_of(**spec: Any) -> Json:
    return defaulted("networkpolicies.networking.k8s.io", {"spec": {"podSelector": {}, **spec}})


def block(cidr: str, *but: str) -> Json:
    return {"ingress": [{"from": [{"ipBlock": {"cidr": cidr, "except": list(but)}}]}]}


PEER, PORT = "spec.ingress[0].from[0]", "spec.ingress[0].ports[0]"
POLICIES: dict[str, tuple[Json, list[str]]] = {
    "nothing comes in": (policy_of(), []),
    "everything but the inside": (policy_of(**block("0.0.0.0/0", "10.0.0.0/8", "192.168.0.0/16")), []),
    "the new kind of addresses": (policy_of(**block("2001:db8::/32", "2001:db8:1::/48")), []),
    "a block but all of it": (policy_of(**block("10.0.0.0/8", "10.0.0.0/8")), [f"{PEER}.ipBlock.except[0]"]),
    "a block but one of another kind": (policy_of(**block("0.0.0.0/0", "::/8")), [f"{PEER}.ipBlock.except[0]"]),
    "no block": (policy_of(**block("", "10.0.0.0/8")), [f"{PEER}.ipBlock.cidr"]),
    "nobody": (policy_of(ingress=[{"from": [{}]}]), [PEER]),
    "a block and pods": (
        policy_of(ingress=[{"from": [{"ipBlock": {"cidr": "10.0.0.0/8"}, "podSelector": {}}]}]),
        [PEER],
    ),
    "pods that cannot be": (
        policy_of(ingress=[{"from": [{"namespaceSelector": {"matchLabels": {"-": "x"}}}]}]),
        [f"{PEER}.namespaceSelector.matchLabels"],
    ),
    "a range of ports": (policy_of(ingress=[{"ports": [{"port": 80, "endPort": 90}]}]), []),
    "a range from a name": (policy_of(ingress=[{"ports": [{"port": "http", "endPort": 90}]}]), [f"{PORT}.endPort"]),
    "a port's bad name": (policy_of(ingress=[{"ports": [{"port": "a_"}]}]), [f"{PORT}.port"]),
    "port zero": (policy_of(ingress=[{"ports": [{"port": 0}]}]), [f"{PORT}.port"]),
    "another protocol": (policy_of(ingress=[{"ports": [{"protocol": "ICMP"}]}]), [f"{PORT}.protocol"]),
    "a direction twice": (policy_of(policyTypes=["Ingress", "Egress", "Ingress"]), ["spec.policyTypes"]),
}


@pytest.mark.parametrize(("new", "fields"), POLICIES.values(), ids=POLICIES)
def test_policies(new: Json, fields: list[str]) -> None:
    assert [cause.field for cause in policy(new, None)] == fields
