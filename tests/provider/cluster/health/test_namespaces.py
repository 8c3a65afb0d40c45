from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from manifests.ids import LeaseID
from manifests.render.names import lease_labels
from provider.cluster.health.namespaces import Namespace, namespace_facts

LEASE = LeaseID("akash1o", 1, 1, 1, "akash1p")
REMAIN = {"type": "NamespaceFinalizersRemaining", "status": "True", "message": "x.example/keep in 1 resource instances"}
PODS = {"type": "NamespaceContentRemaining", "status": "True", "message": "pods. has 1 resource instances"}
FINE = {"type": "NamespaceDeletionContentFailure", "status": "False", "message": "All content successfully deleted"}


def space(deleted: str = "", conditions: tuple[Any, ...] = ()) -> dict[str, Any]:
    metadata = {"name": "ns", "labels": lease_labels(LEASE), "creationTimestamp": "1970-01-01T00:00:10Z"}
    return {
        "metadata": {**metadata, **({"deletionTimestamp": deleted} if deleted else {})},
        "status": {"conditions": list(conditions)},
    }


@pytest.mark.parametrize(
    ("obj", "facts"),
    [
        pytest.param(space(), Namespace("ns", LEASE, 10), id="it stays"),
        pytest.param(space(conditions=(PODS,)), Namespace("ns", LEASE, 10), id="old words of one that stays"),
        pytest.param(
            space("1970-01-01T00:01:00Z"), Namespace("ns", LEASE, 10, 60, "its content is being deleted"), id="it goes"
        ),
        pytest.param(
            space("1970-01-01T00:01:00Z", (FINE, PODS, REMAIN)),
            Namespace("ns", LEASE, 10, 60, f"{PODS['message']}; {REMAIN['message']}"),
            id="it goes and cannot",
        ),
    ],
)
def test_what_a_namespace_says(obj: dict[str, Any], facts: Namespace) -> None:
    found = namespace_facts(obj)
    assert found is not None
    assert replace(found, mark=0) == facts
    assert facts.going is bool(facts.going_since_unix_s)


def test_a_namespace_of_ours_that_is_no_leases_is_left_out() -> None:
    assert namespace_facts({"metadata": {"name": "lease", "labels": {"akash.network": "true"}}}) is None
