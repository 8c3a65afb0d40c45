from __future__ import annotations

from typing import Any

import pytest

from provider.cluster.routes.foreign import ForeignHosts, ForeignRoute, foreign_route

LEASES = frozenset({"lease-1"})


def route(namespace: str = "monitoring", **spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": "r", "namespace": namespace}, "spec": spec}


@pytest.mark.parametrize(
    ("spec", "hosts"),
    [
        ({"rules": [{"host": "A.example"}, {"http": {}}]}, {"a.example"}),
        ({"rules": [{"host": "a.example"}], "tls": [{"hosts": ["b.example"]}, {}]}, {"a.example", "b.example"}),
        ({"hostnames": ["a.example", "*.b.example"], "rules": [{"backendRefs": []}]}, {"a.example", "*.b.example"}),
    ],
    ids=["an Ingress", "also what it has a certificate for", "an HTTPRoute"],
)
def test_the_names_it_serves(spec: dict[str, Any], hosts: set[str]) -> None:
    assert foreign_route(route(**spec)) == ForeignRoute("monitoring", frozenset(hosts))


def test_one_that_serves_whatever_is_asked_for_names_nothing() -> None:
    assert foreign_route(route(rules=[{"http": {}}], tls=None)) is None


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
        "the name", "below it", "an issuer's challenge in the lease's own namespace", "a pattern", "beside a pattern",
        "the operator's page for what is not found", "a name under the domain of generated names", "a tenant's pattern",
    ],
)  # fmt: skip
def test_whether_a_name_is_served(there: tuple[str, str], host: str, served: bool) -> None:
    hosts = ForeignHosts()
    hosts.note(None, ForeignRoute(there[0], frozenset({there[1]})))
    assert hosts.serving(host, "in.example", LEASES) is served


def test_it_is_served_until_the_last_that_names_it_goes() -> None:
    hosts, one, two = ForeignHosts(), ForeignRoute("m", frozenset({"a.example"})), ForeignRoute("m", frozenset({"b"}))
    hosts.note(None, one)
    hosts.note(None, one)
    hosts.note(one, two)
    assert hosts.serving("a.example", "", LEASES)
    hosts.note(one, None)
    assert not hosts.serving("a.example", "", LEASES)
    hosts.note(two, None)
    assert hosts._names == {}
