from __future__ import annotations

from typing import Any

import pytest

from manifests.ids import LeaseID
from manifests.render.names import lease_labels
from provider.cluster.api.kinds import PROVIDER_HOST
from provider.cluster.health.status import Route
from provider.cluster.kept import ForeignPolicy, Unreadable, addresses, foreign_policy, http_route, ingress, manifest

LEASE = LeaseID("akash1o", 1, 1, 1, "akash1p")
LABELS = lease_labels(LEASE)


@pytest.mark.parametrize(
    ("slice_", "found"),
    [
        ({"endpoints": [{"addresses": ["10.0.0.1"]}, {"addresses": ["10.0.0.2"]}], "ports": [{"port": 6443}]},
         (("10.0.0.1", 6443), ("10.0.0.2", 6443))),
        ({"endpoints": [{"addresses": ["fd00::1"]}], "ports": [{"port": 443}, {"port": 6443}]},
         (("fd00::1", 443), ("fd00::1", 6443))),
        ({"endpoints": None, "ports": [{"port": 6443}]}, ()),
        ({"endpoints": [{"addresses": ["10.0.0.1"]}], "ports": None}, ()),
        ({"endpoints": [{"addresses": None}], "ports": [{}]}, ()),
    ],
    ids=["two", "two ports", "none yet", "without a port", "half made"],
)  # fmt: skip
def test_where_the_api_servers_are(slice_: dict[str, Any], found: Any) -> None:
    assert addresses({"metadata": {"name": "kubernetes", "namespace": "default"}, **slice_}) == found


@pytest.mark.parametrize(
    ("spec", "annotations", "opens"),
    [
        ({"policyTypes": ["Egress"], "egress": [{}]}, {}, "out"),
        ({"ingress": [{"from": []}], "egress": [{}]}, {"akash.network/accepted": "false"}, "in and out"),
        ({"policyTypes": ["Ingress"], "ingress": [{}], "egress": [{}]}, {}, "in"),
        ({"policyTypes": ["Egress"], "ingress": [{}]}, {}, None),
        ({"policyTypes": ["Ingress", "Egress"], "ingress": []}, {}, None),
        ({"policyTypes": ["Egress"], "egress": [{}]}, {"akash.network/accepted": "true"}, None),
    ],
    ids=[
        "the way out",
        "both",
        "the way in, the other is switched off",
        "switched off",
        "it shuts, which is done already",
        "the operator means it",
    ],
)
def test_what_somebody_elses_network_policy_opens(spec: Any, annotations: dict[str, str], opens: str | None) -> None:
    found = foreign_policy({"metadata": {"name": "p", "namespace": "ns", "annotations": annotations}, "spec": spec})
    assert found == (ForeignPolicy("ns", "p", opens) if opens else None)


def test_a_manifest_that_cannot_be_understood_says_why_and_whose_it_is() -> None:
    found = manifest({"metadata": {"name": "x", "labels": LABELS}, "spec": {}})
    assert isinstance(found, Unreadable)
    assert (found.name, found.lease) == ("x", LEASE)
    assert found.why


def test_a_route_knows_its_names_its_lease_and_its_claim() -> None:
    metadata = {"name": "a.example", "namespace": "ns", "labels": LABELS, "resourceVersion": "7"}
    path = {"backend": {"service": {"name": "web"}}}
    by_ingress = ingress({"metadata": metadata, "spec": {"rules": [{"host": "a.example", "http": {"paths": [path]}}]}})
    by_gateway = http_route(
        {"metadata": metadata, "spec": {"hostnames": ["a.example"], "rules": [{"backendRefs": [{"name": "web"}]}]}}
    )
    for found in (by_ingress, by_gateway):
        assert (found.namespace, found.lease, found.routes) == ("ns", LEASE, (Route("a.example", "web"),))
        assert found.key == (PROVIDER_HOST, "a.example")
        assert found.live is not None
        assert found.live["metadata"]["resourceVersion"] == "7"
