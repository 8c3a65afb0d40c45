"""Addresses for Services of type LoadBalancer, by the rules of MetalLB's controller: Services share an address only
under one key and with different ports, one that asks for an address gets that or none, and one that lost its place
keeps waiting until somebody leaves.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from provider.sandbox.cluster.kinds import SERVICES
from provider.sandbox.cluster.objects import Objects

Json = dict[str, Any]
_SHARED = ("metallb.io/allow-shared-ip", "metallb.universe.tf/allow-shared-ip")


class Balancers:
    """Without addresses nobody serves load balancers, as in a cluster without MetalLB."""

    def __init__(self, objects: Objects, addresses: Sequence[str]) -> None:
        self._objects, self._addresses = objects, tuple(addresses)

    def look(self, _: str, __: str) -> None:
        """Any change may let another Service in, so all are looked at, in the order they came."""
        if not self._addresses:
            return
        services = [s for s in self._objects.store.list("services") if _served(s)]
        for service in sorted(services, key=lambda s: (s["metadata"]["creationTimestamp"], s["metadata"]["name"])):
            if not _address(service) and (free := self._free(service, services)) is not None:
                service = self._objects.write_status(
                    SERVICES, service, {"loadBalancer": {"ingress": [{"ip": free}]}}, manager="controller"
                )
                services = [service if _same(service, s) else s for s in services]

    def _free(self, service: Json, services: Sequence[Json]) -> str | None:
        asked = service["spec"].get("loadBalancerIP")
        with_friends = [_address(s) for s in services if _key(s) and _key(s) == _key(service) and _address(s)]
        for address in [asked] if asked else [*with_friends, *self._addresses]:
            others = [s for s in services if _address(s) == address and not _same(s, service)]
            if address in self._addresses and all(_may_share(service, other) for other in others):
                return address
        return None


def _served(service: Json) -> bool:
    going = "deletionTimestamp" in service["metadata"]
    return service["spec"].get("type") == "LoadBalancer" and not service["spec"].get("loadBalancerClass") and not going


def _address(service: Json) -> str:
    given = (service.get("status", {}).get("loadBalancer") or {}).get("ingress") or [{}]
    return str(given[0].get("ip", ""))


def _key(service: Json) -> str:
    annotations = service["metadata"].get("annotations") or {}
    return str(next((annotations[name] for name in _SHARED if name in annotations), ""))


def _may_share(one: Json, other: Json) -> bool:
    return bool(_key(one)) and _key(one) == _key(other) and not _ports(one) & _ports(other)


def _ports(service: Json) -> set[tuple[int, str]]:
    return {(port["port"], port.get("protocol", "TCP")) for port in service["spec"].get("ports", [])}


def _same(one: Json, other: Json) -> bool:
    return bool(one["metadata"]["uid"] == other["metadata"]["uid"])
