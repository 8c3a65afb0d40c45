"""What is kept of objects without a better home: manifests, routes, policies, where the API servers are. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from manifests.errors import Invalid
from manifests.ids import LeaseID
from manifests.render.crd import StoredManifest, read_manifest
from manifests.render.names import lease_of
from provider.cluster.api import kinds
from provider.cluster.api.kinds import Kind
from provider.cluster.api.kube import Object
from provider.cluster.api.marks import mark, mark_of_rules
from provider.cluster.api.times import unix_s
from provider.cluster.apiservers import Address
from provider.cluster.health.status import Route, http_routes, ingress_routes
from provider.cluster.routes.doors import Key, claim_of, live
from provider.cluster.routes.routestatus import SILENT, RouteStatus, of_http_route, of_ingress

ACCEPTED = "akash.network/accepted"
"""Annotation with which an operator says of a network policy of his own that it is meant to open what it opens."""
DEFAULT_CLASS = "ingressclass.kubernetes.io/is-default-class"


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A Manifest that cannot be understood; it must not keep the others from being served. `lease` by its labels."""

    name: str
    why: str
    lease: LeaseID | None = None


@dataclass(frozen=True, slots=True)
class InNamespace:
    """Host names of one Ingress or HTTPRoute, the lease's namespace and id they belong to, and the object as far as it
    is ours to say."""

    namespace: str
    lease: LeaseID | None
    routes: tuple[Route, ...]
    key: Key | None = None
    """the claim it depends on"""
    live: Mapping[str, Any] | None = None
    status: RouteStatus = SILENT
    made_unix_s: int = 0


@dataclass(frozen=True, slots=True)
class IngressClass:
    name: str
    default: bool
    """of Ingresses that name none"""


@dataclass(frozen=True, slots=True)
class Policy:
    namespace: str
    name: str
    made_unix_s: int
    mark: int = 0
    rules: int = 0
    """mark of what it says, which can be compared with a rendered one"""


@dataclass(frozen=True, slots=True)
class ForeignPolicy:
    """A NetworkPolicy that rendering did not make. Policies add up: whatever one allows is open, and none shuts."""

    namespace: str
    name: str
    opens: str
    """which ways: in, out, in and out"""


@dataclass(frozen=True, slots=True)
class Marked:
    """What is looked at only to see whether somebody has changed or deleted it: access, credentials, budgets."""

    namespace: str
    mark: int


def manifest(obj: Object) -> StoredManifest | Unreadable:
    try:
        return read_manifest(obj)
    except Invalid as bad:
        return Unreadable(obj["metadata"]["name"], str(bad), lease_of(obj["metadata"].get("labels") or {}))


def ingress_class(obj: Object) -> IngressClass:
    annotations = obj["metadata"].get("annotations") or {}
    return IngressClass(obj["metadata"]["name"], annotations.get(DEFAULT_CLASS) == "true")


def policy(obj: Object) -> Policy:
    metadata = obj["metadata"]
    made = unix_s(metadata.get("creationTimestamp"))
    return Policy(metadata["namespace"], metadata["name"], made, mark(kinds.NETWORK_POLICY, obj), mark_of_rules(obj))


def foreign_policy(obj: Object) -> ForeignPolicy | None:
    """None for one that allows nothing, or of which the operator says that it is meant to."""
    metadata, spec = obj["metadata"], obj.get("spec") or {}
    # Rules of a type that is not named count for nothing.
    counted = {str(kind).lower() for kind in spec.get("policyTypes") or ("Ingress", "Egress")}
    ways = [word for word, field in (("in", "ingress"), ("out", "egress")) if field in counted and spec.get(field)]
    if not ways or (metadata.get("annotations") or {}).get(ACCEPTED) == "true":
        return None
    return ForeignPolicy(metadata["namespace"], metadata["name"], " and ".join(ways))


def marked(kind: Kind, obj: Object) -> Marked:
    return Marked(obj["metadata"]["namespace"], mark(kind, obj))


def ingress(obj: Object) -> InNamespace:
    return _route(kinds.INGRESS, obj, ingress_routes(obj), of_ingress(obj))


def http_route(obj: Object) -> InNamespace:
    return _route(kinds.HTTP_ROUTE, obj, http_routes(obj), of_http_route(obj))


def addresses(obj: Object) -> tuple[Address, ...]:
    ports = [port["port"] for port in obj.get("ports") or () if port.get("port")]
    return tuple(
        (address, port)
        for endpoint in obj.get("endpoints") or ()
        for address in endpoint.get("addresses") or ()
        for port in ports
    )


def _route(kind: Kind, obj: Object, routes: tuple[Route, ...], status: RouteStatus) -> InNamespace:
    metadata = obj["metadata"]
    lease = lease_of(metadata.get("labels") or {})
    made = unix_s(metadata.get("creationTimestamp"))
    return InNamespace(metadata["namespace"], lease, routes, claim_of(kind, obj), live(obj), status, made)
