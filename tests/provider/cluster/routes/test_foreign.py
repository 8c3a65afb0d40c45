from __future__ import annotations

from typing import Any

import pytest

from provider.cluster.api.kinds import HTTP_ROUTE, INGRESS, Kind
from provider.cluster.routes.foreign import ForeignHosts, ForeignRoute, Front, foreign_route

OURS, GATEWAY = "akash-ingress-class", ("akash-gateway", "akash-gateway")
RULES = [{"host": "a.example"}]


def route(metadata: dict[str, Any] | None = None, **spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": "r", "namespace": "monitoring", **(metadata or {})}, "spec": spec}


def serves(*hosts: str, namespace: str = "monitoring", name: str = "r") -> ForeignRoute:
    return ForeignRoute(INGRESS, namespace, name, frozenset(hosts), OURS)


@pytest.mark.parametrize(
    ("kind", "spec", "hosts"),
    [
        (INGRESS, {"rules": [{"host": "A.example"}, {"http": {}}]}, {"a.example"}),
        (INGRESS, {"rules": [{"host": "a.example"}], "tls": [{"hosts": ["b.example"]}, {}]}, {"a.example"}),
        (
            HTTP_ROUTE,
            {"hostnames": ["a.example", "*.b.example"], "rules": [{"backendRefs": []}]},
            {"a.example", "*.b.example"},
        ),
    ],
    ids=["an Ingress", "not what it only has a certificate for", "an HTTPRoute"],
)
def test_the_names_it_serves(kind: Kind, spec: dict[str, Any], hosts: set[str]) -> None:
    found = foreign_route(kind, route(**spec))
    assert found is not None
    assert found.hosts == hosts
    assert str(found) == f"{kind.kind} monitoring/r"


@pytest.mark.parametrize(
    ("kind", "obj"),
    [
        (INGRESS, route(rules=[{"http": {}}], tls=[{"hosts": ["a.example"]}])),
        (INGRESS, route({"labels": {"acme.cert-manager.io/http01-solver": "true"}}, rules=RULES)),
        (HTTP_ROUTE, route({"labels": {"acme.cert-manager.io/http01-solver": "true"}}, hostnames=["a.example"])),
    ],
    ids=["one that serves whatever is asked for", "an issuer's Ingress", "an issuer's HTTPRoute"],
)
def test_what_takes_no_name_from_anybody(kind: Kind, obj: dict[str, Any]) -> None:
    assert foreign_route(kind, obj) is None


@pytest.mark.parametrize(
    ("kind", "obj", "unnamed", "counts"),
    [
        (INGRESS, route(rules=RULES, ingressClassName=OURS), False, True),
        (INGRESS, route({"annotations": {"kubernetes.io/ingress.class": OURS}}, rules=RULES), False, True),
        (INGRESS, route(rules=RULES, ingressClassName="internal"), True, False),
        (INGRESS, route({"annotations": {"kubernetes.io/ingress.class": "internal"}}, rules=RULES), True, False),
        (INGRESS, route(rules=RULES), True, True),
        (INGRESS, route(rules=RULES), False, False),
        (
            HTTP_ROUTE,
            route(hostnames=["a"], parentRefs=[{"name": "akash-gateway", "namespace": "akash-gateway"}]),
            False,
            True,
        ),
        (
            HTTP_ROUTE,
            route({"namespace": "akash-gateway"}, hostnames=["a"], parentRefs=[{"name": "akash-gateway"}]),
            False,
            True,
        ),
        (HTTP_ROUTE, route(hostnames=["a"], parentRefs=[{"name": "akash-gateway"}]), True, False),
        (
            HTTP_ROUTE,
            route(
                {"namespace": "akash-gateway"}, hostnames=["a"], parentRefs=[{"kind": "Service", "name": GATEWAY[1]}]
            ),
            True,
            False,
        ),
    ],
    ids=[
        "of our class", "of our class by annotation", "of another class", "of another class by annotation",
        "of no class, where that may be ours", "of no class, where that is another", "at our Gateway",
        "at our Gateway beside it", "at a Gateway of that name elsewhere", "at a Service of that name",
    ],
)  # fmt: skip
def test_only_what_is_served_where_leases_are_counts(
    kind: Kind, obj: dict[str, Any], unnamed: bool, counts: bool
) -> None:
    found = foreign_route(kind, obj)
    assert found is not None
    assert found.served_at(Front(OURS, unnamed, GATEWAY)) is counts


@pytest.mark.parametrize(
    ("there", "host", "served"),
    [
        (("monitoring", "a.example"), "a.example", True),
        (("monitoring", "a.example"), "b.a.example", False),
        (("lease-1", "a.example"), "a.example", False),
        (("monitoring", "*.a.example"), "b.a.example", True),
        (("monitoring", "*.a.example"), "a.example", False),
        (("monitoring", "*.in.example"), "b.in.example", False),
        (("monitoring", "b.in.example"), "b.in.example", True),
        (("lease-1", "*.a.example"), "b.a.example", False),
    ],
    ids=[
        "the name", "below it", "one that does not count", "a pattern", "beside a pattern",
        "the operator's page for what is not found", "a name under the domain of generated names",
        "a pattern of one that does not count",
    ],
)  # fmt: skip
def test_whether_a_name_is_served(there: tuple[str, str], host: str, served: bool) -> None:
    hosts, one = ForeignHosts(), serves(there[1], namespace=there[0])
    hosts.note(None, one)
    assert hosts.serving(host, "in.example", lambda r: r.namespace != "lease-1") == (one if served else None)


def test_it_is_served_until_the_last_that_names_it_goes() -> None:
    hosts, one, other = ForeignHosts(), serves("a.example"), serves("a.example", name="other")
    changed = serves("b.example")
    hosts.note(None, one)
    hosts.note(None, other)
    hosts.note(one, changed)
    assert hosts.serving("a.example", "", lambda _: True) == other
    hosts.note(other, None)
    assert hosts.serving("a.example", "", lambda _: True) is None
    hosts.note(changed, None)
    assert hosts._routes == {}
