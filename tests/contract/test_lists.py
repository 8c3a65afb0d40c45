"""Lists: selectors, pages, versions, collections deleted at once."""

from __future__ import annotations

import pytest


async def fill(api) -> None:
    for name, labels in (
        ("a", {"app": "web", "tier": "front"}),
        ("b", {"app": "web", "tier": "back"}),
        ("c", {"app": "db"}),
        ("d", {}),
    ):
        made = await api.create("configmaps", {"metadata": {"name": name, "labels": {"story": "list", **labels}}})
        assert made.code == 201


SELECTORS = {
    "equality": ("app=web", "ab"),
    "double equals": ("app==db", "c"),
    "inequality matches the unlabelled too": ("story=list,app!=web", "cd"),
    "in": ("app in (db,none)", "c"),
    "notin matches the unlabelled too": ("story=list,app notin (web)", "cd"),
    "exists": ("tier", "ab"),
    "does not exist": ("story,!tier", "cd"),
    "all of several": ("app=web,tier in (front,middle)", "a"),
}


@pytest.mark.parametrize(("selector", "names"), SELECTORS.values(), ids=SELECTORS)
async def test_label_selectors(api, selector: str, names: str) -> None:
    await fill(api)
    found = await api.get("configmaps", labelSelector=selector)
    assert found.names == list(names)


@pytest.mark.parametrize("selector", ["app in web", "=x", "app=a b", "app=web,", "app>high", "app!=-b-", "a/b/c=1"])
async def test_a_broken_selector_is_400(api, selector: str) -> None:
    assert (await api.get("configmaps", labelSelector=selector)).code == 400


async def test_field_selectors(api) -> None:
    await fill(api)
    assert (await api.get("configmaps", fieldSelector="metadata.name=b")).names == ["b"]
    assert (await api.get("configmaps", fieldSelector="spec.colour=red")).code == 400


async def test_a_list_names_its_kind_once(api) -> None:
    await fill(api)
    found = await api.get("configmaps", labelSelector="story=list")
    assert (found.body["kind"], found.body["apiVersion"]) == ("ConfigMapList", "v1")
    assert "kind" not in found.body["items"][0]
    assert int(found.version) >= max(int(each["metadata"]["resourceVersion"]) for each in found.body["items"])


async def test_pages_are_one_picture(api) -> None:
    """What changes between two pages is not seen: the second page belongs to the first one's version."""
    await fill(api)
    first = await api.get("configmaps", limit="2")
    assert len(first.body["items"]) == 2
    assert first.body["metadata"]["remainingItemCount"] == 3  # c, d and the authority's certificate
    await api.create("configmaps", {"metadata": {"name": "e"}})
    await api.delete("configmaps/c")
    await api.merge("configmaps/d", {"data": {"late": "yes"}})
    second = await api.get("configmaps", limit="10", **{"continue": first.body["metadata"]["continue"]})
    assert second.names == ["c", "d", "kube-root-ca.crt"]
    assert "data" not in second.body["items"][1]
    assert second.version == first.version
    assert "continue" not in second.body["metadata"]


async def test_pages_of_a_selection_say_no_count(api) -> None:
    await fill(api)
    first = await api.get("configmaps", limit="1", labelSelector="app=web")
    assert "remainingItemCount" not in first.body["metadata"]
    rest = await api.get(
        "configmaps", limit="1", labelSelector="app=web", **{"continue": first.body["metadata"]["continue"]}
    )
    assert rest.names == ["b"]


async def test_a_made_up_page_token_is_400(api) -> None:
    assert (await api.get("configmaps", limit="1", **{"continue": "nonsense"})).code == 400


async def test_a_collection_is_deleted_by_selector(api) -> None:
    await fill(api)
    assert (await api.delete("configmaps", labelSelector="app=web")).code == 200
    assert (await api.get("configmaps", labelSelector="story=list")).names == ["c", "d"]


async def test_all_namespaces_at_once(api) -> None:
    await fill(api)
    found = await api.get("/api/v1/configmaps", labelSelector="app=db")
    assert [each["metadata"]["namespace"] for each in found.body["items"]].count(api.ns) == 1
    assert (await api.get("configmaps", labelSelector="app=db")).names == ["c"]


async def test_a_version_from_the_future_is_refused(api) -> None:
    answer = await api.get("configmaps", resourceVersion="9000000000", resourceVersionMatch="NotOlderThan")
    assert (answer.code, answer.body["reason"]) == (504, "Timeout")
