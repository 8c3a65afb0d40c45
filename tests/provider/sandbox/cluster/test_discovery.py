from __future__ import annotations

import pytest
from aiohttp import web

from provider.sandbox.cluster.discovery import BANNER, answer
from provider.sandbox.cluster.kinds import Kind, Kinds

MANIFEST = Kind("akash.network", "v2", "pods", "Pod", custom=True, short=("mani",))


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/livez/"])
def test_it_is_well(path: str) -> None:
    found = answer(path, Kinds())
    assert isinstance(found, web.Response)
    assert found.text == "ok"


def test_a_version_that_does_not_pretend() -> None:
    found = answer("/version", Kinds())
    assert isinstance(found, dict)
    assert (found["major"], found["minor"], found["platform"]) == ("1", "34", BANNER)


def test_groups_and_their_versions() -> None:
    kinds = Kinds()
    kinds.serve("akash.network", "pods", [MANIFEST])
    groups = answer("/apis", kinds)
    assert isinstance(groups, dict)
    named = [each["name"] for each in groups["groups"]]
    assert named == sorted(named)
    assert "" not in named
    assert {"apps", "akash.network"} < set(named)
    one = answer("/apis/akash.network", kinds)
    assert isinstance(one, dict)
    assert one["preferredVersion"] == {"groupVersion": "akash.network/v2", "version": "v2"}


def test_resources_and_what_can_be_done_with_them() -> None:
    found = answer("/api/v1", Kinds())
    assert isinstance(found, dict)
    by_name = {each["name"]: each for each in found["resources"]}
    assert found["groupVersion"] == "v1"
    assert by_name["pods"]["shortNames"] == ["po"]
    assert by_name["pods"]["namespaced"]
    assert not by_name["nodes"]["namespaced"]
    assert {"pods/status", "pods/log", "pods/exec", "nodes/status"} < set(by_name)
    assert "configmaps/status" not in by_name
    assert by_name["pods/exec"]["verbs"] == ["create", "get"]


def test_a_custom_resource_has_the_short_names_it_says_and_no_others() -> None:
    kinds = Kinds()
    kinds.serve("akash.network", "pods", [MANIFEST])
    found = answer("/apis/akash.network/v2", kinds)
    assert isinstance(found, dict)
    (entry,) = found["resources"]
    assert (entry["name"], entry["shortNames"], entry["kind"]) == ("pods", ["mani"], "Pod")


@pytest.mark.parametrize(
    "path", ["/api/v1/pods", "/apis/nobody.test", "/apis/apps/v7", "/apis/apps/v1/deployments", "/x"]
)
def test_other_paths_are_not_documents(path: str) -> None:
    assert answer(path, Kinds()) is None
