"""Cluster addresses and node ports of Services: given once, kept through every update, free again after deletion."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from itertools import islice
from typing import Any

from provider.sandbox.cluster.status import Cause, bad, invalid
from provider.sandbox.cluster.store import Store

Json = dict[str, Any]

SUBNET = ipaddress.IPv4Network("10.96.0.0/16")
NODE_PORTS = range(30000, 32768)


class Addresses:
    """Reads what is taken from the store, so a crash or a test that edits objects cannot confuse it."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def inherit(self, new: Json, live: Json) -> Json:
        """The service with what an update may leave out, as it was."""
        spec = dict(new["spec"])
        ports = [dict(port) for port in spec.get("ports", [])]
        _inherit(spec, ports, live["spec"])
        return new | {"spec": spec | ({"ports": ports} if ports else {})}

    def allocate(self, new: Json, live: Json | None) -> Json:
        """The service with addresses filled in; 422 when a port asked for is taken or out of range."""
        spec = dict(new["spec"])
        spec["ports"] = [dict(port) for port in spec.get("ports", [])]
        if spec["type"] == "ExternalName":
            for name in ("clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"):
                spec.pop(name, None)
        else:
            self._address(spec, new, live)
        self._node_ports(spec, new, live)
        if not spec["ports"]:
            del spec["ports"]
        return new | {"spec": spec}

    def _address(self, spec: Json, new: Json, live: Json | None) -> None:
        if not spec.get("clusterIP"):
            taken = {each["spec"].get("clusterIP") for each in self._others(new, live)}
            spec["clusterIP"] = next(str(each) for each in islice(SUBNET, 10, None) if str(each) not in taken)
        spec.setdefault("clusterIPs", [spec["clusterIP"]])
        spec.setdefault("ipFamilies", ["IPv4"])
        spec.setdefault("ipFamilyPolicy", "SingleStack")

    def _node_ports(self, spec: Json, new: Json, live: Json | None) -> None:
        if spec["type"] not in ("NodePort", "LoadBalancer"):
            return
        taken = {
            (port["nodePort"], port["protocol"])
            for each in self._others(new, live)
            for port in each["spec"].get("ports", [])
            if port.get("nodePort")
        }
        causes: list[Cause] = []
        for index, port in enumerate(spec["ports"]):
            wanted = port.get("nodePort")
            if wanted and wanted not in NODE_PORTS:
                why = "provided port is not in the valid range. The range of valid ports is 30000-32767"
                causes.append(bad(f"spec.ports[{index}].nodePort", wanted, why))
            elif wanted and (wanted, port["protocol"]) in taken:
                causes.append(bad(f"spec.ports[{index}].nodePort", wanted, "provided port is already allocated"))
            elif wanted:
                taken.add((wanted, port["protocol"]))
        if causes:
            raise invalid("", "Service", new["metadata"]["name"], causes)
        for port in spec["ports"]:
            if not port.get("nodePort") and spec.get("allocateLoadBalancerNodePorts", True):
                port["nodePort"] = next(each for each in NODE_PORTS if not {(each, "TCP"), (each, "UDP")} & taken)
                taken.add((port["nodePort"], port["protocol"]))

    def _others(self, new: Json, live: Json | None) -> Iterator[Json]:
        place = (new["metadata"]["namespace"], new["metadata"]["name"])
        for each in self._store.list("services"):
            if live is None or (each["metadata"]["namespace"], each["metadata"]["name"]) != place:
                yield each


def _inherit(spec: Json, ports: list[Json], before: Json) -> None:
    """What an update leaves out stays: the address, and the node port of a port of the same name."""
    if spec["type"] != "ExternalName" and before["type"] != "ExternalName":
        for name in ("clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"):
            if name in before:
                spec.setdefault(name, before[name])
    exposed = ("NodePort", "LoadBalancer")
    if spec["type"] in exposed and before["type"] in exposed:
        old = {port.get("name", ""): port.get("nodePort") for port in before.get("ports", [])}
        used = {port.get("nodePort") for port in ports} & set(old.values())
        for port in ports:
            known = old.get(port.get("name", ""))
            if not port.get("nodePort") and known and known not in used:
                port["nodePort"] = known
                used.add(known)
    elif spec["type"] not in exposed:
        for port in ports:
            port.pop("nodePort", None)
        spec.pop("externalTrafficPolicy", None)
        spec.pop("allocateLoadBalancerNodePorts", None)
