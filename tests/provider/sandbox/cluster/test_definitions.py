"""Schemas as shapes. What a definition brings to a running server stands in tests/contract/test_definitions.py."""

from __future__ import annotations

from typing import Any

import pytest

from provider.sandbox.cluster.definitions import kinds_of, schema_faults, shape_of
from provider.sandbox.cluster.shapes import ANY, Shape

Json = dict[str, Any]


def version(name: str, **more: Any) -> Json:
    return {
        "name": name,
        "served": True,
        "storage": name == "v2",
        "schema": {"openAPIV3Schema": {"type": "object"}},
        **more,
    }


def test_one_kind_per_served_version() -> None:
    names = {"plural": "manifests", "kind": "Manifest", "shortNames": ["mani"]}
    versions = [version("v1", served=False), version("v2", subresources={"status": {}}), version("v3")]
    definition = {"spec": {"group": "akash.network", "scope": "Namespaced", "names": names, "versions": versions}}
    second, third = kinds_of(definition)
    assert (second.version, second.status, second.namespaced, second.short) == ("v2", True, True, ("mani",))
    assert (third.version, third.status) == ("v3", False)
    assert second.custom
    assert second.shape.of("metadata") is not None
    assert second.shape.of("spec") is None


SHAPES: dict[str, tuple[Json, Shape]] = {
    "text": ({"type": "string"}, Shape("string", keep=True)),
    "a number with bounds": ({"type": "integer", "minimum": 1}, Shape("int", keep=True, limits={"minimum": 1})),
    "a port": ({"x-kubernetes-int-or-string": True}, Shape("intstr", keep=True)),
    "no type": ({}, ANY),
    "a map": (
        {"type": "object", "additionalProperties": {"type": "boolean"}},
        Shape("map", item=Shape("bool", keep=True), keep=True),
    ),
    "a map of anything": ({"type": "object", "additionalProperties": True}, Shape("map", item=ANY, keep=True)),
    "an object": (
        {"type": "object", "required": ["a"], "properties": {"a": {"type": "number"}}},
        Shape("object", {"a": Shape("number", keep=True)}, required=("a",), keep=True),
    ),
    "an object that keeps what it does not know": (
        {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
        Shape("object", open=True, keep=True),
    ),
    "an object replaced whole": (
        {"type": "object", "x-kubernetes-map-type": "atomic"},
        Shape("object", atomic=True, keep=True),
    ),
    "a list is replaced whole": (
        {"type": "array", "items": {"type": "string"}},
        Shape("list", item=Shape("string", keep=True), atomic=True, keep=True),
    ),
    "a set": (
        {"type": "array", "items": {"type": "string"}, "x-kubernetes-list-type": "set"},
        Shape("list", item=Shape("string", keep=True), unique=True, keep=True),
    ),
    "a list by keys": (
        {"type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"], "maxItems": 3},
        Shape("list", item=ANY, keys=("name",), keep=True, limits={"maxItems": 3}),
    ),
}


@pytest.mark.parametrize(("schema", "shape"), SHAPES.values(), ids=SHAPES)
def test_shape_of(schema: Json, shape: Shape) -> None:
    assert shape_of(schema) == shape


SPEC: Json = {
    "type": "object",
    "required": ["name"],
    "properties": {
        "name": {"type": "string", "minLength": 2, "maxLength": 4, "pattern": "^[a-z]+$"},
        "count": {"type": "integer", "minimum": 1, "maximum": 9},
        "size": {"type": "string", "enum": ["small", "large"]},
        "items": {"type": "array", "minItems": 1, "maxItems": 2, "items": {"type": "integer", "maximum": 5}},
        "labels": {"type": "object", "additionalProperties": {"type": "string", "maxLength": 3}},
    },
}
SHAPE = shape_of({"type": "object", "required": ["spec"], "properties": {"spec": SPEC}})

FAULTS: dict[str, tuple[Json, list[str]]] = {
    "none": ({"spec": {"name": "abc", "count": 9, "size": "small", "items": [5], "labels": {"a": "b"}}}, []),
    "no spec": ({}, ["spec"]),
    "no name": ({"spec": {}}, ["spec.name"]),
    "too short": ({"spec": {"name": "a"}}, ["spec.name"]),
    "too long": ({"spec": {"name": "abcde"}}, ["spec.name"]),
    "other letters": ({"spec": {"name": "AB"}}, ["spec.name"]),
    "too few and too many": ({"spec": {"name": "ab", "count": 0, "items": [1, 2, 3]}}, ["spec.count", "spec.items"]),
    "too much": ({"spec": {"name": "ab", "count": 10}}, ["spec.count"]),
    "none at all": ({"spec": {"name": "ab", "items": []}}, ["spec.items"]),
    "not one of few": ({"spec": {"name": "ab", "size": "medium"}}, ["spec.size"]),
    "an item": ({"spec": {"name": "ab", "items": [1, 6]}}, ["spec.items[1]"]),
    "an entry": ({"spec": {"name": "ab", "labels": {"x": "long"}}}, ["spec.labels.x"]),
    "metadata is not the schema's affair": ({"metadata": {"labels": {"x": "long"}}, "spec": {"name": "ab"}}, []),
}


@pytest.mark.parametrize(("value", "places"), FAULTS.values(), ids=FAULTS)
def test_schema_faults(value: Json, places: list[str]) -> None:
    assert [cause.field for cause in schema_faults(SHAPE, value)] == places
