"""What tenants are told, held against what the reference told of the same objects."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from provider.cluster.health.status import Port, Route, http_routes, ingress_routes, lease_status, service_facts
from provider.cluster.health.workloads import WorkloadFacts, workload_facts

WEB = WorkloadFacts("ns", "web", "web", 2, 2, 2, 1, 1, 3, 3, "")
CASES = ("01-basic", "02-several-services", "04-node-ports", "05-storage-beta2", "11-gpu-exact", "14-leased-ip")


def as_running(obj: dict[str, Any]) -> dict[str, Any]:
    """The recorded objects are without status: add that of a workload that runs."""
    counts = ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas")
    return {**obj, "status": dict.fromkeys(counts, obj["spec"]["replicas"])}


@pytest.mark.parametrize("case", CASES)
def test_as_the_reference_told_it(shared: Path, case: str) -> None:
    folder = shared / "conformance" / "objects" / case
    objects = json.loads((folder / "objects.json").read_text())
    objects = objects["items"] if isinstance(objects, dict) else objects
    told = json.loads((folder / "lease-status.json").read_text())
    addresses = iter([ip["IP"] for ips in (told["ips"] or {}).values() for ip in ips])

    services = []
    for obj in objects:
        if obj["kind"] == "Service":
            if obj["spec"]["type"] == "LoadBalancer":
                obj["status"] = {"loadBalancer": {"ingress": [{"ip": next(addresses)}]}}
            services.append(service_facts(obj))
    workloads = [workload_facts(as_running(o)) for o in objects if o["kind"] in ("Deployment", "StatefulSet")]
    routes = [r for o in objects if o["kind"] == "Ingress" for r in ingress_routes(o)]
    found = lease_status(workloads, services, routes, "provider.example.test")

    assert found["services"].keys() == told["services"].keys()
    for name, service in found["services"].items():
        theirs = told["services"][name]
        assert service.keys() == theirs.keys()
        for count in (
            "name",
            "available",
            "total",
            "replicas",
            "updated_replicas",
            "ready_replicas",
            "available_replicas",
        ):
            assert service[count] == theirs[count], count
        assert set(service["uris"]) <= set(theirs["uris"] or [])
    every = {uri for s in told["services"].values() for uri in s["uris"] or []}
    assert {uri for s in found["services"].values() for uri in s["uris"]} == every
    assert found["forwarded_ports"] == (told["forwarded_ports"] or {})
    theirs_of = {s: sorted(map(str, ips)) for s, ips in (told["ips"] or {}).items()}
    assert {s: sorted(map(str, ips)) for s, ips in (found["ips"] or {}).items()} == theirs_of


def service(name: str, kind: str, *ports: dict[str, Any], **more: Any) -> dict[str, Any]:
    metadata = {"name": name, "labels": more.pop("labels", {})}
    return {"metadata": metadata, "spec": {"type": kind, "ports": list(ports), **more.pop("spec", {})}, **more}


def test_both_protocols_of_one_node_port_are_told() -> None:
    facts = service_facts(
        service(
            "dns-np",
            "NodePort",
            {"port": 53, "targetPort": 5353, "nodePort": 30001, "protocol": "TCP"},
            {"port": 53, "targetPort": 5353, "nodePort": 30002, "protocol": "UDP"},
        )
    )
    assert lease_status([], [facts], [], "")["forwarded_ports"] == {
        "dns": [
            {"port": 5353, "externalPort": 30001, "proto": "TCP", "name": "dns"},
            {"port": 5353, "externalPort": 30002, "proto": "UDP", "name": "dns"},
        ]
    }


def test_the_host_of_node_ports_is_told_where_there_is_one() -> None:
    facts = service_facts(service("web-np", "NodePort", {"port": 22, "targetPort": 22, "nodePort": 30001}))
    assert lease_status([], [facts], [], "p.example")["forwarded_ports"]["web"][0]["host"] == "p.example"


def test_inner_services_are_nobodys_business() -> None:
    facts = service_facts(service("web", "ClusterIP", {"port": 80}))
    assert lease_status([WEB], [facts], [], "")["forwarded_ports"] == {}


def test_a_leased_ip_not_yet_given_out_is_simply_missing() -> None:
    waiting = service(
        "web-ip-80-tcp",
        "LoadBalancer",
        {"port": 80, "targetPort": 8080},
        labels={"akash.network/service-target": "metal-lb"},
        spec={"selector": {"akash.network/manifest-service": "web"}},
    )
    assert lease_status([WEB], [service_facts(waiting)], [], "")["ips"] is None
    waiting["status"] = {"loadBalancer": {"ingress": [{"ip": "203.0.113.7"}]}}
    assert lease_status([WEB], [service_facts(waiting)], [], "")["ips"] == {
        "web": [{"Port": 8080, "ExternalPort": 80, "Protocol": "TCP", "IP": "203.0.113.7"}]
    }


def test_uris_are_the_services_own() -> None:
    found = lease_status(
        [WEB], [], [Route("b.example", "web"), Route("a.example", "web"), Route("c.example", "db")], ""
    )
    assert found["services"]["web"]["uris"] == ["a.example", "b.example"]


def test_odd_objects_are_read_without_fuss() -> None:
    assert ingress_routes({"metadata": {"name": "x"}}) == ()
    assert (
        ingress_routes({"spec": {"rules": [{"host": "a", "http": {"paths": [{"backend": {}}]}}, {"host": "b"}]}}) == ()
    )
    facts = service_facts(service("web", "NodePort", {"port": 80, "targetPort": "http"}))
    assert facts.ports == (Port(80, 80, 0, "TCP"),)
    assert service_facts({"metadata": {"name": "x"}}).kind == "ClusterIP"


def test_routes_of_the_gateway_api() -> None:
    spec = {"hostnames": ["a.example", "b.example"], "rules": [{"backendRefs": [{"name": "web", "port": 80}]}, {}]}
    assert http_routes({"spec": spec}) == (Route("a.example", "web"), Route("b.example", "web"))
    assert http_routes({"metadata": {"name": "x"}}) == ()
