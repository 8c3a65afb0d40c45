from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from manifests.render.crd import definitions
from manifests.render.crd.sample import samples


def test_a_sample_has_every_field_its_definition_has() -> None:
    made = {obj["kind"]: obj for obj in samples("here")}
    found = {definition["spec"]["names"]["kind"]: definition for definition in definitions()}
    assert made.keys() == found.keys()
    for kind, definition in found.items():
        schema = definition["spec"]["versions"][1]["schema"]["openAPIV3Schema"]["properties"]["spec"]
        assert sorted(_missing(schema, made[kind]["spec"], "spec")) == [], kind


def test_a_sample_is_written_where_the_provider_writes() -> None:
    assert {obj["metadata"]["namespace"] for obj in samples("here")} == {"here"}


def _missing(schema: dict[str, Any], value: Any, path: str) -> Iterator[str]:
    if value is None:
        yield path
    elif schema["type"] == "array":
        yield from _missing(schema["items"], next(iter(value), None), f"{path}[]")
    elif schema["type"] == "object":
        for name, inner in schema["properties"].items():
            yield from _missing(inner, value.get(name), f"{path}.{name}")
