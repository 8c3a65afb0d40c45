"""Host names that Ingresses and HTTPRoutes of nobody's lease serve where leases are served, too: a tenant who claimed
one would take over what the operator, or somebody else in the cluster, has there, and could have a certificate for it.
Pure.

What stands in a lease's own namespace is not meant, whoever made it, nor is an issuer's answer to a challenge, wherever
it stands: it bears the tenant's name. Nor is a pattern under the domain of generated names, where operators have pages
for what is not found. A name that only a certificate is for is served by nobody.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from manifests.hostnames import blocked_by
from provider.cluster.api.kinds import INGRESS, Kind

SOLVER = "acme.cert-manager.io/http01-solver"
"""cert-manager's label of what it has a challenge answered by."""
_CLASS = "kubernetes.io/ingress.class"
"""Older than the field, and still heeded."""


@dataclass(frozen=True, slots=True)
class Front:
    """Where names of leases are served."""

    ingress_class: str
    unnamed: bool
    """whether Ingresses that name no class may be served there"""
    gateway: tuple[str, str]
    """namespace and name"""


@dataclass(frozen=True, slots=True)
class ForeignRoute:
    """`hosts` are names and patterns (`*.example`)."""

    kind: Kind
    namespace: str
    name: str
    hosts: frozenset[str]
    ingress_class: str = ""
    gateways: frozenset[tuple[str, str]] = frozenset()
    """namespace and name of each"""

    def __str__(self) -> str:
        return f"{self.kind.kind} {self.namespace}/{self.name}"

    def served_at(self, front: Front) -> bool:
        if self.kind is INGRESS:
            return self.ingress_class == front.ingress_class or (front.unnamed and not self.ingress_class)
        return front.gateway in self.gateways


def foreign_route(kind: Kind, obj: Mapping[str, Any]) -> ForeignRoute | None:
    """Of an Ingress or HTTPRoute; None for one that names no host, or answers a challenge."""
    metadata, spec = obj["metadata"], obj.get("spec") or {}
    hosts = [*(rule.get("host") for rule in spec.get("rules") or ()), *(spec.get("hostnames") or ())]
    named = frozenset(host.lower() for host in hosts if host)
    if not named or SOLVER in (metadata.get("labels") or {}):
        return None
    gateways = frozenset(
        (ref.get("namespace") or metadata["namespace"], ref.get("name", ""))
        for ref in spec.get("parentRefs") or ()
        if ref.get("kind", "Gateway") == "Gateway"
    )
    of_class = spec.get("ingressClassName") or (metadata.get("annotations") or {}).get(_CLASS) or ""
    return ForeignRoute(kind, metadata["namespace"], metadata["name"], named, of_class, gateways)


class ForeignHosts:
    """Kept by each change, since every look at a lease's names asks."""

    def __init__(self) -> None:
        self._routes: dict[str, dict[tuple[Kind, str, str], ForeignRoute]] = {}
        """by name or pattern"""

    def note(self, old: ForeignRoute | None, new: ForeignRoute | None) -> None:
        if old is not None:
            for host in old.hosts:
                there = self._routes.get(host, {})
                there.pop(_id(old), None)
                if not there:
                    self._routes.pop(host, None)
        if new is not None:
            for host in new.hosts:
                self._routes.setdefault(host, {})[_id(new)] = new

    def serving(self, host: str, domain: str, counts: Callable[[ForeignRoute], bool]) -> ForeignRoute | None:
        """What serves the name, of those that count. `domain` is that of generated names, "" for none."""
        if (found := self._first(host, counts)) is not None or (domain and host.endswith(f".{domain}")):
            return found
        for pattern in self._routes:
            if pattern.startswith("*.") and blocked_by(host, [pattern]) is not None:
                found = found or self._first(pattern, counts)
        return found

    def _first(self, name: str, counts: Callable[[ForeignRoute], bool]) -> ForeignRoute | None:
        return next((route for route in self._routes.get(name, {}).values() if counts(route)), None)


def _id(route: ForeignRoute) -> tuple[Kind, str, str]:
    return route.kind, route.namespace, route.name
