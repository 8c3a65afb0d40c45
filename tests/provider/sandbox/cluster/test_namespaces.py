"""A namespace is furnished when it is born, and goes when the last thing in it is gone."""

from __future__ import annotations

from typing import Any

import pytest

from provider.sandbox.cluster.kinds import CONFIG_MAPS, NAMESPACES, PODS, SERVICE_ACCOUNTS
from provider.sandbox.cluster.namespaces import Namespaces
from provider.sandbox.cluster.objects import Objects, Write
from provider.sandbox.cluster.status import ApiError

CONTAINERS = {"containers": [{"name": "main", "image": "web:1"}]}


@pytest.fixture
def lease(objects: Objects) -> Namespaces:
    objects.create(NAMESPACES, "", {"metadata": {"name": "lease"}}, Write())
    found = Namespaces(objects)
    found.look("lease")
    return found


def conditions(objects: Objects) -> dict[str, str]:
    status: dict[str, Any] = objects.get(NAMESPACES, "", "lease")["status"]
    return {each["type"]: each["message"] for each in status.get("conditions", [])}


def test_it_is_furnished_and_what_goes_missing_comes_back(objects: Objects, lease: Namespaces) -> None:
    objects.remove(SERVICE_ACCOUNTS, "lease", "default")
    changed = objects.get(CONFIG_MAPS, "lease", "kube-root-ca.crt")
    lease.look("lease")
    assert objects.get(SERVICE_ACCOUNTS, "lease", "default")
    assert objects.get(CONFIG_MAPS, "lease", "kube-root-ca.crt") == changed
    assert objects.store.list("serviceaccounts", "default") == []  # only the one looked at
    lease.look("no such")


def test_deleted_it_empties_itself_and_nothing_else(objects: Objects, lease: Namespaces) -> None:
    for namespace in ("lease", "default"):
        objects.create(PODS, namespace, {"metadata": {"name": "p"}, "spec": CONTAINERS}, Write())
    objects.delete(NAMESPACES, "", "lease", {})
    assert objects.get(NAMESPACES, "", "lease")["status"]["phase"] == "Terminating"
    lease.look("lease")
    assert objects.store.get("namespaces", "", "lease") is None
    assert [each["metadata"]["namespace"] for each in objects.store.list("pods")] == ["default"]
    assert objects.store.list("serviceaccounts") == []


def test_it_stays_and_says_why_while_something_is_left(objects: Objects, lease: Namespaces) -> None:
    held = {"metadata": {"name": "held", "finalizers": ["akp.test/hold"]}}
    objects.create(CONFIG_MAPS, "lease", held, Write())
    objects.create(PODS, "lease", {"metadata": {"name": "p"}, "spec": CONTAINERS | {"nodeName": "n"}}, Write())
    objects.delete(NAMESPACES, "", "lease", {})
    lease.look("lease")
    assert conditions(objects) == {
        "NamespaceContentRemaining": "Some resources are remaining: 2",
        "NamespaceFinalizersRemaining": "Some content in the namespace has finalizers remaining: akp.test/hold",
    }
    with pytest.raises(ApiError) as no:
        objects.create(CONFIG_MAPS, "lease", {"metadata": {"name": "late"}}, Write())
    assert no.value.code == 403
    objects.patch(CONFIG_MAPS, "lease", "held", Write(), "merge", {"metadata": {"finalizers": None}})
    lease.look("lease")
    assert list(conditions(objects)) == ["NamespaceContentRemaining"]
    objects.remove(PODS, "lease", "p")
    lease.look("lease")
    assert objects.store.get("namespaces", "", "lease") is None
