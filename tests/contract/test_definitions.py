"""CustomResourceDefinitions: served once established, held to their schema, gone with their objects."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Custom:
    """`collection` is the path of the resources in the test's namespace."""

    group: str
    definition: str
    collection: str

    def body(self, name: str, **spec: Any) -> Json:
        return {"apiVersion": f"{self.group}/v1", "kind": "Thing", "metadata": {"name": name}, "spec": spec}


@pytest.fixture
async def custom(api) -> AsyncIterator[Custom]:
    group = f"g{uuid.uuid4().hex[:8]}.test"
    item = {
        "type": "object",
        "properties": {"name": {"type": "string"}, "size": {"type": "integer"}},
        "required": ["name"],
    }
    spec = {
        "type": "object",
        "required": ["color"],
        "properties": {
            "color": {"type": "string", "enum": ["red", "blue"]},
            "count": {"type": "integer", "minimum": 1},
            "loose": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
            "plain": {"type": "array", "items": {"type": "string"}},
            "keyed": {
                "type": "array",
                "x-kubernetes-list-type": "map",
                "x-kubernetes-list-map-keys": ["name"],
                "items": item,
            },
        },
    }
    schema = {
        "type": "object",
        "properties": {"spec": spec, "status": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}},
    }
    version = {
        "name": "v1",
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": schema},
        "subresources": {"status": {}},
    }
    body = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"things.{group}"},
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {"plural": "things", "kind": "Thing", "singular": "thing", "listKind": "ThingList"},
            "versions": [version],
        },
    }
    path = f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/things.{group}"
    made = await api.apply(path, body)
    assert made.code == 201, made

    def established(answer: Any) -> bool:
        conditions = answer.body.get("status", {}).get("conditions") or []  # null at first
        return any(each["type"] == "Established" and each["status"] == "True" for each in conditions)

    await api.eventually(lambda: api.get(path), established)
    collection = f"/apis/{group}/v1/namespaces/{api.ns}/things"
    await api.eventually(lambda: api.get(collection), lambda answer: answer.code == 200)
    yield Custom(group, path, collection)
    await api.delete(path)


async def test_its_objects_are_served(api, custom: Custom) -> None:
    made = await api.create(custom.collection, custom.body("a", color="red"))
    assert made.code == 201, made
    assert made.body["metadata"]["generation"] == 1
    found = await api.get(custom.collection)
    assert (found.body["kind"], found.names) == ("ThingList", ["a"])
    assert found.body["items"][0]["kind"] == "Thing"


BAD_SPECS = {
    "a required field missing": ({}, "spec.color"),
    "a value that is not in the list": ({"color": "green"}, "spec.color"),
    "too small a number": ({"color": "red", "count": 0}, "spec.count"),
    "the wrong type": ({"color": "red", "count": "many"}, "spec.count"),
}


@pytest.mark.parametrize(("spec", "field"), BAD_SPECS.values(), ids=BAD_SPECS)
async def test_its_schema_is_kept(api, custom: Custom, spec: Json, field: str) -> None:
    refused = await api.create(custom.collection, custom.body("a", **spec))
    assert (refused.code, refused.body["reason"]) == (422, "Invalid")
    assert field in refused.fields()


async def test_unknown_fields_are_dropped_except_where_welcome(api, custom: Custom) -> None:
    made = await api.create(custom.collection, custom.body("a", color="red", odd=1, loose={"any": [1]}))
    assert made.body["spec"] == {"color": "red", "loose": {"any": [1]}}


async def test_what_is_not_declared_cannot_be_applied(api, custom: Custom) -> None:
    """Not even in a dry run; a plain creation drops it."""
    spec = {"color": "red", "odd": 1, "loose": {"any": [1]}, "plain": ["x"], "keyed": [{"name": "x", "more": {"a": 1}}]}
    path = f"{custom.collection}/a"
    refused = await api.apply(path, custom.body("a", **spec), dryRun="All")
    assert refused.code == 500
    which = f"(/a; {custom.group}/v1, Kind=Thing)"
    start, said = f"failed to create typed patch object {which}: ", refused.body["message"]
    assert said.startswith(start)
    fields = {line.strip() for line in said.removeprefix(start).removeprefix("errors:").split("\n") if line.strip()}
    assert fields
    assert fields <= {  # a real server tells them in the order of chance, and not always all
        '.spec.keyed[name="x"].more: field not declared in schema',
        ".spec.odd: field not declared in schema",
    }
    one = await api.apply(path, custom.body("a", color="red", odd={"any": 1}))
    assert (
        one.body["message"] == f"failed to create typed patch object {which}: .spec.odd: field not declared in schema"
    )
    assert (await api.get(path)).code == 404
    made = await api.apply(path, custom.body("a", color="red"))
    assert made.code == 201
    assert (await api.apply(path, custom.body("a", color="red", odd=1), force=True)).code == 500


async def test_nor_in_a_list_without_keys_nor_of_kinds_of_the_server_s_own(api, custom: Custom) -> None:
    ports = [{"port": 80, "name": "a", "color": "red"}]
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a"}, "spec": {"ports": ports}}
    refused = await api.apply("services/a", service)
    assert refused.code == 500
    assert refused.body["message"].endswith('.spec.ports[port=80,protocol="TCP"].color: field not declared in schema')
    rules = [{"host": "a.example", "odd": 1}]
    ingress = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {"name": "a"},
        "spec": {"rules": rules},
    }
    refused = await api.apply("net/ingresses/a", ingress)
    assert refused.code == 500
    assert refused.body["message"].endswith(".spec.rules[0].odd: field not declared in schema")


async def test_empty_values_stay(api, custom: Custom) -> None:
    made = await api.create(custom.collection, custom.body("a", color="red", plain=[], loose={}))
    assert made.body["spec"] == {"color": "red", "plain": [], "loose": {}}


async def test_an_update_must_name_a_version(api, custom: Custom) -> None:
    made = await api.create(custom.collection, custom.body("a", color="red"))
    refused = await api.update(f"{custom.collection}/a", custom.body("a", color="blue"))
    assert (refused.code, refused.fields()) == (422, {"metadata.resourceVersion"})
    changed = await api.update(f"{custom.collection}/a", made.body | {"spec": {"color": "blue"}})
    assert (changed.code, changed.body["metadata"]["generation"]) == (200, 2)


async def test_status_is_a_door_of_its_own(api, custom: Custom) -> None:
    made = await api.create(custom.collection, custom.body("a", color="red") | {"status": {"seen": True}})
    assert "status" not in made.body
    body = {"spec": {"color": "blue"}, "status": {"seen": True}}
    changed = await api.merge(f"{custom.collection}/a/status", body)
    assert changed.code == 200
    assert (changed.body["spec"], changed.body["status"]) == ({"color": "red"}, {"seen": True})
    assert changed.body["metadata"]["generation"] == 1
    kept = await api.merge(f"{custom.collection}/a", {"spec": {"color": "blue"}, "status": {"seen": False}})
    assert kept.body["status"] == {"seen": True}
    assert kept.body["metadata"]["generation"] == 2


async def test_lists_merge_as_the_schema_says(api, custom: Custom) -> None:
    path = f"{custom.collection}/a"
    await api.apply(path, custom.body("a", color="red", keyed=[{"name": "x", "size": 1}], plain=["x"]), "one")
    both = await api.apply(path, custom.body("a", color="red", keyed=[{"name": "y"}]), "two")
    assert [each["name"] for each in both.body["spec"]["keyed"]] == ["x", "y"]
    refused = await api.apply(path, custom.body("a", color="red", plain=["y"]), "two")
    assert (refused.code, refused.fields()) == (409, {".spec.plain"})
    gone = await api.apply(path, custom.body("a", color="red"), "one")
    assert gone.body["spec"] == {"color": "red", "keyed": [{"name": "y"}]}


async def test_a_version_before_its_time_is_expired(api, custom: Custom) -> None:
    """Nobody remembers what happened to it before it existed: 410 in the stream, and the client lists again."""
    async with api.watch(custom.collection, resourceVersion="1") as events:
        event = await anext(events)
    assert event["type"] == "ERROR"
    assert (event["object"]["code"], event["object"]["reason"]) == (410, "Expired")
    assert "too old resource version: 1 (" in event["object"]["message"]


async def test_its_objects_go_with_it(api, custom: Custom) -> None:
    await api.create(custom.collection, custom.body("a", color="red"))
    assert (await api.delete(custom.definition)).code == 200
    await api.eventually(lambda: api.get(custom.definition), lambda answer: answer.code == 404)
    await api.eventually(lambda: api.get(custom.collection), lambda answer: answer.code == 404)


async def test_a_definition_is_named_after_what_it_defines(api) -> None:
    body = {
        "metadata": {"name": "wrong.name.test"},
        "spec": {
            "group": "other.test",
            "scope": "Namespaced",
            "names": {"plural": "things", "kind": "Thing"},
            "versions": [
                {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": {"type": "object"}}}
            ],
        },
    }
    refused = await api.create("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", body)
    assert (refused.code, "metadata.name" in refused.fields()) == (422, True)
