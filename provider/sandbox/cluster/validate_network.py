"""What the server refuses in Services, Ingresses and NetworkPolicies."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from typing import Any

from provider.sandbox.cluster import validate_names as names
from provider.sandbox.cluster.status import Cause, bad, duplicate, forbidden_field, required, unsupported

Json = dict[str, Any]

_PROTOCOLS = ("SCTP", "TCP", "UDP")
_PORT_RULE = "must be between 1 and 65535, inclusive"
_EXPOSED = ("NodePort", "LoadBalancer")


def service(new: Json, live: Json | None) -> Iterator[Cause]:
    spec = new["spec"]
    kinds = ("ClusterIP", "ExternalName", "LoadBalancer", "NodePort")
    if spec["type"] not in kinds:
        yield unsupported("spec.type", spec["type"], kinds)
    if spec["type"] == "ExternalName" and not spec.get("externalName"):
        yield required("spec.externalName")
    if spec["type"] in _EXPOSED and spec.get("clusterIP") == "None":
        yield bad("spec.clusterIPs[0]", ["None"], f"may not be set to 'None' for {spec['type']} services")
    if spec["type"] not in _EXPOSED and "externalTrafficPolicy" in spec:
        yield bad("spec.externalTrafficPolicy", spec["externalTrafficPolicy"], "may only be set for external services")
    if not spec.get("ports") and spec["type"] != "ExternalName" and spec.get("clusterIP") != "None":
        yield required("spec.ports")
    yield from _service_ports(spec)
    yield from names.labels(spec.get("selector") or {}, "spec.selector")
    if live is not None:
        before, after = live["spec"].get("clusterIPs"), spec.get("clusterIPs")
        if before and "ExternalName" not in (live["spec"]["type"], spec["type"]) and after != before:
            yield bad("spec.clusterIPs[0]", after, "may not change once set")


def _service_ports(spec: Json) -> Iterator[Cause]:
    ports = spec.get("ports", [])
    taken: set[str] = set()
    used: set[tuple[int, str]] = set()
    for index, port in enumerate(ports):
        field = f"spec.ports[{index}]"
        name, number = port.get("name", ""), port.get("port", 0)
        if name:
            yield from names.label(name, f"{field}.name")
            if name in taken:
                yield duplicate(f"{field}.name", name)
        elif len(ports) > 1:
            yield required(f"{field}.name")
        if not 1 <= number <= 65535:
            yield bad(f"{field}.port", number, _PORT_RULE)
        if port["protocol"] not in _PROTOCOLS:
            yield unsupported(f"{field}.protocol", port["protocol"], _PROTOCOLS)
        target = port.get("targetPort")
        if isinstance(target, int) and not 1 <= target <= 65535:
            yield bad(f"{field}.targetPort", target, _PORT_RULE)
        if isinstance(target, str):
            yield from names.port_name(target, f"{field}.targetPort")
        if port.get("nodePort") and spec["type"] not in _EXPOSED:
            yield forbidden_field(f"{field}.nodePort", f"may not be used when `type` is '{spec['type']}'")
        if (number, port["protocol"]) in used:
            yield duplicate(field, {"port": number, "protocol": port["protocol"]})
        taken.add(name)
        used.add((number, port["protocol"]))


def ingress(new: Json, live: Json | None) -> Iterator[Cause]:
    spec = new.get("spec", {})
    if not spec.get("rules") and "defaultBackend" not in spec:
        yield bad("spec", [], "either `defaultBackend` or `rules` must be specified")
    if "ingressClassName" in spec:
        yield from names.subdomain(spec["ingressClassName"], "spec.ingressClassName")
    for t, tls in enumerate(spec.get("tls", [])):
        for h, host in enumerate(tls.get("hosts", [])):
            yield from _host(host, f"spec.tls[{t}].hosts[{h}]")
    for r, rule in enumerate(spec.get("rules", [])):
        if rule.get("host"):
            yield from _host(rule["host"], f"spec.rules[{r}].host")
        for p, path in enumerate(rule.get("http", {}).get("paths", [])):
            yield from _path(path, f"spec.rules[{r}].http.paths[{p}]")


def _host(host: str, field: str) -> Iterator[Cause]:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        yield from names.subdomain(host.removeprefix("*."), field)
    else:
        yield bad(field, host, "must be a DNS name, not an IP address")


def _path(path: Json, field: str) -> Iterator[Cause]:
    types = ("Exact", "ImplementationSpecific", "Prefix")
    text = path.get("path", "")
    if "pathType" not in path:
        yield required(f"{field}.pathType", "pathType must be specified")
    elif path["pathType"] not in types:
        yield unsupported(f"{field}.pathType", path["pathType"], types)
    elif path["pathType"] != "ImplementationSpecific":
        if not text.startswith("/"):
            yield bad(f"{field}.path", text, "must be an absolute path")
        for each in ("//", "/./", "/../", "%2f", "%2F"):
            if each in text:
                yield bad(f"{field}.path", text, f"must not contain '{each}'")
        for each in ("/..", "/."):
            if text.endswith(each):
                yield bad(f"{field}.path", text, f"cannot end with '{each}'")
    yield from _backend(path.get("backend", {}), f"{field}.backend")


def _backend(backend: Json, field: str) -> Iterator[Cause]:
    found = backend.get("service")
    if found is None:
        if "resource" not in backend:
            yield required(field, "must specify a service or a resource")
        return
    if not found.get("name"):
        yield required(f"{field}.service.name")
    else:
        yield from names.label_1035(found["name"], f"{field}.service.name")
    name, number = found.get("port", {}).get("name", ""), found.get("port", {}).get("number", 0)
    if bool(name) == bool(number):
        yield required(field, "port name or number is required, and not both")
    elif number and not 1 <= number <= 65535:
        yield bad(f"{field}.service.port.number", number, _PORT_RULE)
    elif name:
        yield from names.port_name(name, f"{field}.service.port.name")


def policy(new: Json, live: Json | None) -> Iterator[Cause]:
    spec = new["spec"]
    yield from names.selector(spec.get("podSelector", {}), "spec.podSelector")
    if len(spec["policyTypes"]) > 2:
        yield bad("spec.policyTypes", spec["policyTypes"], "may not specify more than two policyTypes")
    for index, each in enumerate(spec["policyTypes"]):
        if each not in ("Egress", "Ingress"):
            yield unsupported(f"spec.policyTypes[{index}]", each, ("Egress", "Ingress"))
    for direction, peers in (("ingress", "from"), ("egress", "to")):
        for r, rule in enumerate(spec.get(direction, [])):
            for p, peer in enumerate(rule.get(peers, [])):
                yield from _peer(peer, f"spec.{direction}[{r}].{peers}[{p}]")
            for n, port in enumerate(rule.get("ports", [])):
                yield from _policy_port(port, f"spec.{direction}[{r}].ports[{n}]")


def _policy_port(port: Json, field: str) -> Iterator[Cause]:
    if port["protocol"] not in _PROTOCOLS:
        yield unsupported(f"{field}.protocol", port["protocol"], _PROTOCOLS)
    number, end = port.get("port"), port.get("endPort")
    if isinstance(number, int) and not 1 <= number <= 65535:
        yield bad(f"{field}.port", number, _PORT_RULE)
    if isinstance(number, str):
        yield from names.port_name(number, f"{field}.port")
    if end is not None and (not isinstance(number, int) or not number <= end <= 65535):
        yield bad(f"{field}.endPort", end, "must be a number not below `port`, which must be a number too")


def _peer(peer: Json, field: str) -> Iterator[Cause]:
    if not peer:
        yield required(field, "must specify a peer")
    for name in ("podSelector", "namespaceSelector"):
        yield from names.selector(peer.get(name, {}), f"{field}.{name}")
    if "ipBlock" not in peer:
        return
    if len(peer) > 1:
        yield forbidden_field(field, "may not specify both ipBlock and another peer")
    cidr = peer["ipBlock"].get("cidr", "")
    network = _network(cidr)
    if network is None:
        yield bad(f"{field}.ipBlock.cidr", cidr, "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)")
        return
    for index, text in enumerate(peer["ipBlock"].get("except", [])):
        inner = _network(text)
        if inner is None or inner == network or not _within(inner, network):
            yield bad(f"{field}.ipBlock.except[{index}]", text, f"must be a strict subset of `cidr` ({cidr})")


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    """Bits behind the mask are allowed, as on a real server."""
    try:
        return ipaddress.ip_network(text, strict=False) if "/" in text else None
    except ValueError:
        return None


def _within(inner: ipaddress.IPv4Network | ipaddress.IPv6Network, outer: Any) -> bool:
    return inner.version == outer.version and bool(inner.subnet_of(outer))
