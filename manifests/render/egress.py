"""The way out of a lease: to itself, to DNS, and to public addresses, the mail port aside.

A policy can only open, so what is closed is what the openings leave out: networks by exception, TCP ports by the ranges
between them. The range from 0.0.0.0 to 255.255.255.255 has no IPv6 in it: that way out stays shut, as in the reference.
Opening by ranges of ports opens TCP, UDP and SCTP and no other protocol, so `ping` finds nobody outside while any port
is closed.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from typing import Any

from manifests.ids import LeaseID, lease_namespace
from manifests.render import names
from manifests.render.site import Site

NEVER_OUT = (
    "10.0.0.0/8",
    "192.168.0.0/16",
    "172.16.0.0/12",
    "100.64.0.0/10",
    "169.254.0.0/16",
    "0.0.0.0/8",
    "127.0.0.0/8",
    "168.63.129.16/32",
    "192.0.0.0/24",
    "224.0.0.0/4",
)
"""Private networks as in the reference (kubernetes.md §2.3), and what it leaves open: overlays between nodes,
link-local addresses, where clouds answer whoever asks with credentials, the node itself, Azure's agent, other
protocols' own, multicast."""

_WORLD = "0.0.0.0/0"
_DNS = [{"port": 53, "protocol": "UDP"}, {"port": 53, "protocol": "TCP"}]
_LAST_PORT = 65535


def egress(lease: LeaseID, site: Site) -> list[dict[str, Any]]:
    """The egress rules of every pod of a lease."""
    own = {"namespaceSelector": {"matchLabels": {names.NAMESPACE: lease_namespace(lease)}}}
    dns = {
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}},
        "podSelector": {"matchLabels": {"k8s-app": "kube-dns"}},
    }
    caches = [{"ipBlock": {"cidr": host_block(address)}} for address in site.dns_addresses]
    opened = [{"ipBlock": {"cidr": network}} for network in site.isolation.open_networks]
    ports = open_ports(site.isolation.closed_ports)
    outside = {"to": [{"ipBlock": {"cidr": _WORLD, "except": closed_networks(site)}}, *opened]}
    return [{"to": [own]}, {"to": [dns, *caches], "ports": _DNS}, {**outside, "ports": ports} if ports else outside]


def closed_networks(site: Site) -> list[str]:
    """What of the IPv4 world is closed: always, by the site, and the API servers, should they have public addresses."""
    servers = [host_block(address) for address, _ in site.api_servers]
    out = list(NEVER_OUT)
    for network in map(ipaddress.ip_network, (*site.isolation.closed_networks, *servers)):
        if isinstance(network, ipaddress.IPv4Network) and not any(network.subnet_of(_v4(known)) for known in out):
            out.append(str(network))
    return out


def open_ports(closed: Iterable[int]) -> list[dict[str, Any]]:
    """Ports of a rule that leaves out these TCP ports; no list, which stands for everything, when there are none."""
    holes = sorted(set(closed))
    if not holes:
        return []
    starts, ends = [1, *(port + 1 for port in holes)], [*(port - 1 for port in holes), _LAST_PORT]
    ranges = [(start, end) for start, end in zip(starts, ends, strict=True) if start <= end]
    tcp = [{"protocol": "TCP", "port": start, "endPort": end} for start, end in ranges]
    return [*tcp, {"protocol": "UDP"}, {"protocol": "SCTP"}]


def host_block(address: str) -> str:
    return f"{address}/128" if ":" in address else f"{address}/32"


def _v4(network: str) -> ipaddress.IPv4Network:
    return ipaddress.IPv4Network(network)
