from __future__ import annotations

import pytest

from provider.cluster.api.kinds import DEPLOYMENT, KINDS, MANIFEST, NODE, POD, kind_of


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        pytest.param(POD.path(), "/api/v1/pods", id="all pods of the cluster"),
        pytest.param(POD.path("a"), "/api/v1/namespaces/a/pods", id="pods of a namespace"),
        pytest.param(POD.path("a", "web-0", "log"), "/api/v1/namespaces/a/pods/web-0/log", id="a subresource"),
        pytest.param(DEPLOYMENT.path("a", "web"), "/apis/apps/v1/namespaces/a/deployments/web", id="a group"),
        pytest.param(NODE.path(None, "n1"), "/api/v1/nodes/n1", id="no namespace"),
        pytest.param(NODE.path("ignored", "n1"), "/api/v1/nodes/n1", id="a namespace where none belongs"),
        pytest.param(
            MANIFEST.path("lease", "x"), "/apis/akash.network/v2beta2/namespaces/lease/manifests/x", id="our own"
        ),
        pytest.param(
            POD.path("a", "../../nodes"), "/api/v1/namespaces/a/pods/..%2F..%2Fnodes", id="a name cannot climb"
        ),
    ],
)
def test_where_things_are(path: str, expected: str) -> None:
    assert path == expected


def test_one_namespaced_object_needs_its_namespace() -> None:
    with pytest.raises(ValueError, match="web"):
        DEPLOYMENT.path(None, "web")


def test_an_object_says_its_kind() -> None:
    assert kind_of({"apiVersion": "apps/v1", "kind": "Deployment"}) is DEPLOYMENT
    with pytest.raises(ValueError, match="Deployment"):
        kind_of({"apiVersion": "v1", "kind": "Deployment"})


def test_kinds_are_told_apart() -> None:
    assert len({str(k) for k in KINDS}) == len({k.path() for k in KINDS}) == len(KINDS)
