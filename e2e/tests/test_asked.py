"""Requests in the words of access rules."""

from __future__ import annotations

import pytest

from e2e.asked import asked

WATCH = [("watch", "true")]
APPS = "/apis/apps/v1/namespaces/ns/deployments"


@pytest.mark.parametrize(
    ("method", "path", "query", "status", "verbs", "group", "resource"),
    [
        ("GET", "/api/v1/nodes", [], 200, ("list",), "", "nodes"),
        ("GET", "/api/v1/nodes", WATCH, 200, ("watch",), "", "nodes"),
        ("GET", "/api/v1/namespaces/ns", [], 404, ("get",), "", "namespaces"),
        ("GET", "/api/v1/namespaces/ns/pods/p/log", [], 200, ("get",), "", "pods/log"),
        ("POST", "/api/v1/namespaces/ns/pods/p/eviction", [], 201, ("create",), "", "pods/eviction"),
        ("POST", APPS, [], 201, ("create",), "apps", "deployments"),
        ("PATCH", f"{APPS}/web", [], 200, ("patch",), "apps", "deployments"),
        ("PATCH", f"{APPS}/web", [], 201, ("patch", "create"), "apps", "deployments"),
        ("PUT", f"{APPS}/web", [], 200, ("update",), "apps", "deployments"),
        ("DELETE", "/api/v1/namespaces/ns", [], 200, ("delete",), "", "namespaces"),
    ],
)
def test_a_request_is_a_verb_and_a_resource(
    method: str,
    path: str,
    query: list[tuple[str, str]],
    status: int,
    verbs: tuple[str, ...],
    group: str,
    resource: str,
) -> None:
    found = asked(method, path, query, status)
    assert found is not None
    assert (found.verbs, found.group, found.resource) == (verbs, group, resource)


def test_the_version_is_no_object() -> None:
    assert asked("GET", "/version", [], 200) is None
