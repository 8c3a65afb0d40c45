"""Create, read, change and the refusals of each."""

from __future__ import annotations

from typing import Any

import pytest


def config_map(name: str, **data: str) -> dict[str, object]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


async def test_a_new_object_gets_an_identity(api) -> None:
    made = await api.create("configmaps", config_map("a", x="1"))
    assert made.code == 201
    meta = made.body["metadata"]
    assert meta["uid"]
    assert meta["creationTimestamp"].endswith("Z")
    assert meta["namespace"] == api.ns
    assert "generation" not in meta
    assert made.body["kind"] == "ConfigMap"
    assert (await api.get("configmaps/a")).body == made.body


async def test_a_name_is_taken_once(api) -> None:
    await api.create("configmaps", config_map("a"))
    again = await api.create("configmaps", config_map("a"))
    assert (again.code, again.body["reason"]) == (409, "AlreadyExists")
    assert again.body["details"] == {"name": "a", "kind": "configmaps"}
    assert again.body["message"] == 'configmaps "a" already exists'


async def test_what_is_not_there_is_404(api) -> None:
    missing = await api.get("apps/deployments/none")
    assert (missing.code, missing.body["reason"], missing.body["status"]) == (404, "NotFound", "Failure")
    assert missing.body["message"] == 'deployments.apps "none" not found'
    assert missing.body["details"] == {"name": "none", "group": "apps", "kind": "deployments"}
    assert (await api.update("configmaps/none", config_map("none"))).code == 404
    assert (await api.merge("configmaps/none", {"data": {}})).code == 404
    assert (await api.delete("configmaps/none")).code == 404


async def test_a_generated_name_keeps_its_beginning(api) -> None:
    made = await api.create("configmaps", {"metadata": {"generateName": "job-"}})
    assert made.code == 201
    assert made.body["metadata"]["name"].startswith("job-")
    assert len(made.body["metadata"]["name"]) == len("job-") + 5


async def test_update_with_an_old_version_is_a_conflict(api) -> None:
    first = await api.create("configmaps", config_map("a", x="1"))
    second = await api.update("configmaps/a", first.body | {"data": {"x": "2"}})
    assert second.code == 200
    assert second.version != first.version
    third = await api.update("configmaps/a", first.body | {"data": {"x": "3"}})
    assert (third.code, third.body["reason"]) == (409, "Conflict")
    assert third.body["details"] == {"name": "a", "kind": "configmaps"}
    assert "the object has been modified" in third.body["message"]


async def test_an_update_that_names_no_version_wins(api) -> None:
    await api.create("configmaps", config_map("a", x="1"))
    changed = await api.update("configmaps/a", config_map("a", y="2"))
    assert (changed.code, changed.body["data"]) == (200, {"y": "2"})


async def test_writing_the_same_changes_no_version(api) -> None:
    first = await api.create("configmaps", config_map("a", x="1"))
    assert (await api.update("configmaps/a", first.body)).version == first.version
    assert (await api.merge("configmaps/a", {"data": {"x": "1"}})).version == first.version


async def test_merge_patch_removes_with_null(api) -> None:
    await api.create("configmaps", config_map("a", x="1", y="2"))
    changed = await api.merge("configmaps/a", {"data": {"x": None, "z": "3"}, "metadata": {"labels": {"k": "v"}}})
    assert changed.code == 200
    assert changed.body["data"] == {"y": "2", "z": "3"}
    assert changed.body["metadata"]["labels"] == {"k": "v"}


async def test_merge_patch_with_an_old_version_is_a_conflict(api) -> None:
    first = await api.create("configmaps", config_map("a", x="1"))
    await api.merge("configmaps/a", {"data": {"x": "2"}})
    late = await api.merge("configmaps/a", {"metadata": {"resourceVersion": first.version}, "data": {"x": "3"}})
    assert (late.code, late.body["reason"]) == (409, "Conflict")


async def test_json_patch_tests_before_it_changes(api) -> None:
    await api.create("configmaps", config_map("a", x="1"))
    form = "application/json-patch+json"
    good = [{"op": "test", "path": "/data/x", "value": "1"}, {"op": "replace", "path": "/data/x", "value": "2"}]
    assert (await api.call("PATCH", "configmaps/a", good, form=form)).body["data"] == {"x": "2"}
    refused = await api.call("PATCH", "configmaps/a", good, form=form)
    assert refused.code == 422
    added = await api.call(
        "PATCH", "configmaps/a", [{"op": "add", "path": "/metadata/labels", "value": {"a": "b"}}], form=form
    )
    assert added.body["metadata"]["labels"] == {"a": "b"}
    missing = await api.call("PATCH", "configmaps/a", [{"op": "remove", "path": "/data/nothing"}], form=form)
    assert missing.code == 422


@pytest.mark.parametrize(
    ("operations", "code"),
    [
        ({"op": "add"}, 400),
        ([1], 400),
        ([{"op": "add", "path": 5}], 400),
        ([{"op": "frob", "path": "/data"}], 422),
        ([{"op": "move", "path": "/data/y"}], 422),
        ([{"op": "remove", "path": ""}], 422),
        ([{"op": "replace", "path": "/metadata/finalizers/-", "value": "b/c"}], 422),
        ([{"op": "remove", "path": "/metadata/finalizers/-1"}], 200),
    ],
)
async def test_a_json_patch_that_is_none(api, operations: Any, code: int) -> None:
    await api.create("configmaps", {"metadata": {"name": "a", "finalizers": ["a/b"]}, "data": {"x": "1"}})
    answer = await api.call("PATCH", "configmaps/a", operations, form="application/json-patch+json", dryRun="All")
    assert answer.code == code, answer
    await api.merge("configmaps/a", {"metadata": {"finalizers": None}})


async def test_an_unknown_patch_form_is_415(api) -> None:
    await api.create("configmaps", config_map("a"))
    answer = await api.call("PATCH", "configmaps/a", {}, form="application/unheard-of")
    assert (answer.code, answer.body["reason"]) == (415, "UnsupportedMediaType")


async def test_a_dry_run_leaves_nothing(api) -> None:
    assert (await api.create("configmaps", config_map("a"), dryRun="All")).code == 201
    assert (await api.get("configmaps/a")).code == 404


async def test_the_wrong_namespace_or_name_in_the_body_is_400(api) -> None:
    elsewhere = config_map("a") | {"metadata": {"name": "a", "namespace": "default"}}
    assert (await api.create("configmaps", elsewhere)).code == 400
    await api.create("configmaps", config_map("a"))
    assert (await api.update("configmaps/a", config_map("b"))).code == 400


async def test_the_wrong_kind_in_the_body_is_400(api) -> None:
    answer = await api.create("configmaps", config_map("a") | {"kind": "Secret"})
    assert (answer.code, answer.body["reason"]) == (400, "BadRequest")


async def test_a_secret_takes_plain_text_and_keeps_its_type(api) -> None:
    made = await api.create("secrets", {"metadata": {"name": "s"}, "stringData": {"k": "v"}})
    assert made.body["data"] == {"k": "dg=="}
    assert made.body["type"] == "Opaque"
    assert "stringData" not in made.body
    refused = await api.update("secrets/s", {"metadata": {"name": "s"}, "type": "example.com/other"})
    assert (refused.code, refused.fields()) == (422, {"type"})


async def test_quantities_come_back_canonical(api) -> None:
    resources = {"requests": {"storage": "1024Mi"}}
    claim = {
        "metadata": {"name": "c"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": resources, "storageClassName": "x"},
    }
    made = await api.create("persistentvolumeclaims", claim)
    assert made.code == 201
    assert made.body["spec"]["resources"]["requests"] == {"storage": "1Gi"}
    assert made.body["spec"]["volumeMode"] == "Filesystem"
    assert made.body["status"] == {"phase": "Pending"}
    assert made.body["metadata"]["finalizers"] == ["kubernetes.io/pvc-protection"]


@pytest.mark.parametrize(
    ("written", "kept"),
    [("1.5Gi", "1536Mi"), ("0.5Ki", "512"), ("1.1Ki", "1126400m"), ("1500e3", "1500e3"), (0.5, "500m")],
)
async def test_no_quantity_is_rounded(api, written: object, kept: str) -> None:
    container = {"name": "a", "image": "a:1", "resources": {"requests": {"memory": written}}}
    made = await api.create("pods", {"metadata": {"name": "a"}, "spec": {"containers": [container]}}, dryRun="All")
    assert made.body["spec"]["containers"][0]["resources"]["requests"] == {"memory": kept}


async def test_strict_field_validation_names_the_unknown_field(api) -> None:
    body = config_map("a") | {"datum": {}}
    refused = await api.create("configmaps", body, fieldValidation="Strict")
    assert refused.code == 400
    assert 'unknown field "datum"' in refused.body["message"]
    loose = await api.create("configmaps", body)
    assert loose.code == 201
    assert 'unknown field "datum"' in loose.headers["warning"].replace("\\", "")
