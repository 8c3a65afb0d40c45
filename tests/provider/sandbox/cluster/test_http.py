"""Paths, queries and bodies: what each means, and which status a client gets for one that means nothing."""

from __future__ import annotations

from typing import Any

import pytest
from aiohttp.test_utils import TestClient

from provider.sandbox.cluster.objects import Objects

MAPS = "/api/v1/namespaces/default/configmaps"
SETS = "/apis/apps/v1/namespaces/default/replicasets"


async def put_five(api: TestClient) -> None:
    for name in "abcde":
        made = await api.post(MAPS, json={"metadata": {"name": name, "labels": {"odd": str(name in "ace").lower()}}})
        assert made.status == 201


PATHS = {
    "the collection everywhere": ("GET", "/api/v1/configmaps", 200),
    "a namespace is an object too": ("GET", "/api/v1/namespaces/default", 200),
    "its status": ("GET", "/api/v1/namespaces/default/status", 200),
    "nothing so called": ("GET", f"{MAPS}/z", 404),
    "no such resource": ("GET", "/api/v1/namespaces/default/gadgets", 404),
    "no such group": ("GET", "/apis/nowhere/v1/pods", 404),
    "no such version": ("GET", "/apis/apps/v2/deployments", 404),
    "a name without its namespace": ("GET", "/api/v1/configmaps/a", 404),
    "a namespace around what has none": ("GET", "/api/v1/namespaces/default/nodes", 404),
    "a status of what has none": ("GET", f"{MAPS}/a/status", 404),
    "an unknown subresource": ("GET", f"{MAPS}/a/shadow", 404),
    "too deep": ("GET", f"{MAPS}/a/status/more", 404),
    "outside": ("GET", "/favicon.ico", 404),
    "a post to an object": ("POST", f"{MAPS}/a", 405),
    "a put to a collection": ("PUT", MAPS, 405),
}


@pytest.mark.parametrize(("method", "path", "code"), PATHS.values(), ids=PATHS)
async def test_paths(api: TestClient, method: str, path: str, code: int) -> None:
    await put_five(api)
    answer = await api.request(method, path)
    body = await answer.json()
    assert answer.status == code
    assert (body["kind"], body.get("code")) == ("Status", code) if code != 200 else body["kind"] != "Status"


async def test_pages_are_of_one_moment(api: TestClient) -> None:
    await put_five(api)
    names: list[str] = []
    left: list[int | None] = []
    query: dict[str, Any] = {"limit": 2}
    while True:
        page = await (await api.get(MAPS, params=query)).json()
        names += [each["metadata"]["name"] for each in page["items"]]
        left.append(page["metadata"].get("remainingItemCount"))
        if "continue" not in page["metadata"]:
            break
        query["continue"] = page["metadata"]["continue"]
        await api.delete(f"{MAPS}/e")
        await api.post(MAPS, json={"metadata": {"name": "dd"}})
    assert (names, left) == (["a", "b", "c", "d", "e"], [3, 1, None])


QUERIES = {
    "a page of a selection does not count the rest": ({"labelSelector": "odd=true", "limit": "1"}, 200, ["a"]),
    "by field": ({"fieldSelector": "metadata.name=b"}, 200, ["b"]),
    "a version that was": ({"resourceVersion": "1001"}, 200, list("abcde")),
    "a version to come": ({"resourceVersion": "99999"}, 504, None),
    "no version": ({"resourceVersion": "new"}, 400, None),
    "no token": ({"continue": "!"}, 400, None),
    "a watch from a version to come": ({"watch": "true", "resourceVersion": "99999"}, 504, None),
}


@pytest.mark.parametrize(("query", "code", "names"), QUERIES.values(), ids=QUERIES)
async def test_queries(api: TestClient, query: dict[str, str], code: int, names: list[str] | None) -> None:
    await put_five(api)
    answer = await api.get(MAPS, params=query)
    body = await answer.json()
    assert answer.status == code
    if names is None:
        assert answer.headers.get("Retry-After") == ("1" if code == 504 else None)
    else:
        assert [each["metadata"]["name"] for each in body["items"]] == names
        assert "remainingItemCount" not in body["metadata"]


async def test_a_collection_is_deleted_by_selection(api: TestClient, objects: Objects) -> None:
    await put_five(api)
    doomed = await (await api.delete(MAPS, params={"labelSelector": "odd=true"})).json()
    assert [each["metadata"]["name"] for each in doomed["items"]] == ["a", "c", "e"]
    assert [each["metadata"]["name"] for each in objects.store.list("configmaps")] == ["b", "d"]


BODIES = {
    "yaml for apply": ("PATCH", f"{MAPS}/z?fieldManager=t", "application/apply-patch+yaml", "data: {a: b}", 201),
    "yaml that is none": ("PATCH", f"{MAPS}/z?fieldManager=t", "application/apply-patch+yaml", "{", 400),
    "an apply of nobody": ("PATCH", f"{MAPS}/z", "application/apply-patch+yaml", "data: {a: b}", 422),
    "a patch of no form": ("PATCH", f"{MAPS}/a", "text/plain", "{}", 415),
    "json that is none": ("POST", MAPS, "application/json", "{", 400),
    "bytes of another kind": ("POST", MAPS, "application/vnd.kubernetes.protobuf", "k8s", 415),
}


@pytest.mark.parametrize(("method", "path", "content", "text", "code"), BODIES.values(), ids=BODIES)
async def test_bodies(api: TestClient, method: str, path: str, content: str, text: str, code: int) -> None:
    await put_five(api)
    if code == 201:
        text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: z}\n" + text
    answer = await api.request(method, path, data=text, headers={"Content-Type": content})
    assert answer.status == code, await answer.text()


async def test_scale_reads_and_writes_replicas_only(api: TestClient, objects: Objects) -> None:
    labels = {"app": "web"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "main", "image": "web:1"}]}}
    spec = {"replicas": 2, "selector": {"matchLabels": labels}, "template": template}
    assert (await api.post(SETS, json={"metadata": {"name": "web"}, "spec": spec})).status == 201
    scale = await (await api.get(f"{SETS}/web/scale")).json()
    assert (scale["kind"], scale["spec"], scale["status"]) == ("Scale", {"replicas": 2}, {"replicas": 0})
    change = {"spec": {"replicas": 5, "template": None}}
    scale = await (await api.patch(f"{SETS}/web/scale", json=change)).json()
    assert scale["spec"] == {"replicas": 5}
    (live,) = objects.store.list("replicasets.apps")
    assert (live["spec"]["replicas"], live["spec"]["template"]["metadata"]["labels"]) == (5, labels)
    await put_five(api)
    assert (await api.get(f"{MAPS}/a/scale")).status == 404
