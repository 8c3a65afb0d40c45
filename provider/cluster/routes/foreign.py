"""Host names that Ingresses and HTTPRoutes of nobody's lease serve: a tenant who claimed one would take over what the
operator, or somebody else in the cluster, has there, and could have a certificate for it. Pure.

What stands in a lease's own namespace is not meant, whoever made it: an issuer answers its challenges there, under the
tenant's name. Nor is a pattern under the domain of generated names, where operators have pages for what is not found.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass
from typing import Any

from manifests.hostnames import blocked_by


@dataclass(frozen=True, slots=True)
class ForeignRoute:
    """`hosts` are names and patterns (`*.example`)."""

    namespace: str
    hosts: frozenset[str]


def foreign_route(obj: Mapping[str, Any]) -> ForeignRoute | None:
    """Of an Ingress or HTTPRoute; None for one that names no host."""
    spec = obj.get("spec") or {}
    hosts = [*(rule.get("host") for rule in spec.get("rules") or ()), *(spec.get("hostnames") or ())]
    hosts += [host for tls in spec.get("tls") or () for host in tls.get("hosts") or ()]
    named = frozenset(host.lower() for host in hosts if host)
    return ForeignRoute(obj["metadata"]["namespace"], named) if named else None


class ForeignHosts:
    """Kept by each change, since every look at a lease's names asks."""

    def __init__(self) -> None:
        self._names: dict[str, dict[str, int]] = {}
        """name or pattern -> namespace -> how many of its routes"""

    def note(self, old: ForeignRoute | None, new: ForeignRoute | None) -> None:
        for route, change in ((old, -1), (new, 1)):
            if route is None:
                continue
            for host in route.hosts:
                self._count(host, route.namespace, change)

    def serving(self, host: str, domain: str, leases: Container[str]) -> bool:
        """`domain` is that of generated names, "" for none; `leases` their namespaces."""
        if self._somewhere(host, leases):
            return True
        if domain and host.endswith(f".{domain}"):
            return False
        patterns = [name for name in self._names if name.startswith("*.")]
        found = blocked_by(host, [name for name in patterns if self._somewhere(name, leases)])
        return found is not None

    def _count(self, host: str, namespace: str, change: int) -> None:
        where = self._names.setdefault(host, {})
        where[namespace] = where.get(namespace, 0) + change
        if not where[namespace]:
            del where[namespace]
        if not where:
            del self._names[host]

    def _somewhere(self, name: str, leases: Container[str]) -> bool:
        return any(namespace not in leases for namespace in self._names.get(name, ()))
