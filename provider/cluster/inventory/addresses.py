"""How many node ports and addresses are left for leases, after what Services of others hold. Pure.

A node port belongs to its number in the whole cluster, whoever has it, and a Service of type LoadBalancer takes ports
too. What may be promised is a setting; where ports or addresses are finite, others' share of them comes off.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

Range = tuple[int, int]
"""First and last address as numbers, both included. IPv6 addresses are numbers above all of IPv4's."""

NODE_PORTS = 2768
"""Kubernetes gives out 30000–32767 unless the API server is told otherwise, which cannot be seen from here."""


@dataclass(frozen=True, slots=True)
class ForeignService:
    """A Service of no lease that holds node ports or addresses."""

    namespace: str
    node_ports: frozenset[int]
    addresses: frozenset[int]


@dataclass(frozen=True, slots=True)
class Pool:
    """MetalLB's IPAddressPool. `avoid_buggy`: it never gives out what ends in .0 or .255."""

    name: str
    ranges: tuple[Range, ...]
    avoid_buggy: bool = False

    def __contains__(self, address: int) -> bool:
        return any(first <= address <= last for first, last in self.ranges)

    @property
    def size(self) -> int:
        """Each address once, also where ranges overlap. Of a pool of both families only IPv4 counts: a Service takes
        one of each."""
        four = [r for r in self.ranges if r[0] < _IPV6]
        total, reached = 0, -1
        for first, last in sorted(four or self.ranges):
            first = max(first, reached + 1)
            if first <= last:
                total += last - first + 1
                total -= _buggy(first, last) if four and self.avoid_buggy else 0
            reached = max(reached, last)
        return total


Addresses = int | Pool
"""How many addresses there are: declared, or a pool whose size is known."""


def foreign_service(obj: Mapping[str, Any]) -> ForeignService | None:
    """None, which is not stored, for one that holds neither."""
    spec, status = obj.get("spec") or {}, obj.get("status") or {}
    ports = {port.get("nodePort", 0) for port in spec.get("ports") or ()} | {spec.get("healthCheckNodePort", 0)}
    given = ((status.get("loadBalancer") or {}).get("ingress")) or () if spec.get("type") == "LoadBalancer" else ()
    held = frozenset(number for entry in given if (number := _number(entry.get("ip", ""))) is not None)
    if not held and ports == {0}:
        return None
    return ForeignService(obj["metadata"].get("namespace", ""), frozenset(ports - {0}), held)


def pool(obj: Mapping[str, Any]) -> Pool:
    """Addresses that cannot be read are left out: too few are promised, never too many."""
    spec = obj.get("spec") or {}
    ranges = [found for text in spec.get("addresses") or () if (found := _range(text)) is not None]
    return Pool(obj["metadata"]["name"], tuple(ranges), spec.get("avoidBuggyIPs") is True)


def node_ports_left(promised: int, services: Iterable[ForeignService]) -> int:
    """`promised` is what may be, if the cluster's range holds it."""
    taken: set[int] = set()
    for service in services:
        taken |= service.node_ports
    return max(0, min(promised, NODE_PORTS - len(taken)))


def leased_ips_left(addresses: Addresses, services: Iterable[ForeignService]) -> int:
    """An address that several Services share is one."""
    taken: set[int] = set()
    for service in services:
        taken |= service.addresses
    if isinstance(addresses, int):
        return max(0, addresses - len(taken))
    return max(0, addresses.size - sum(address in addresses for address in taken))


def _range(text: str) -> Range | None:
    """`10.0.0.0/24` or `10.0.0.5-10.0.0.9`."""
    if "-" in text:
        first, last = (_number(end.strip()) for end in text.split("-", 1))
    else:
        try:
            net = ipaddress.ip_network(text.strip(), strict=False)
        except ValueError:
            return None
        first, last = _number(str(net[0])), _number(str(net[-1]))
    return (first, last) if first is not None and last is not None and first <= last else None


_IPV6 = 1 << 32


def _number(address: str) -> int | None:
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return None
    return int(found) if found.version == 4 else int(found) + _IPV6


def _buggy(first: int, last: int) -> int:
    """How many from first to last end in .0 or .255."""
    return sum((last - end) // 256 - (first - 1 - end) // 256 for end in (0, 255))
