from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from manifests.ids import LeaseID
from manifests.render.crd import definitions
from manifests.render.crd.sample import plain_samples, samples
from manifests.render.crd.write import manifest_object
from manifests.render.site import Site
from manifests.sdl import compile_sdl

PLAINEST = """
version: "2.0"
services: {web: {image: nginx, expose: [{port: 80, to: [{global: true}]}]}}
profiles:
  compute: {web: {resources: {cpu: {units: 1}, memory: {size: 1Gi}, storage: {size: 1Gi}}}}
  placement: {west: {pricing: {web: {denom: uact, amount: 1}}}}
deployment: {web: {west: {profile: web, count: 1}}}
"""


def test_a_sample_has_every_field_its_definition_has() -> None:
    made = {obj["kind"]: obj for obj in samples("here")}
    found = {definition["spec"]["names"]["kind"]: definition for definition in definitions()}
    assert made.keys() == found.keys()
    for kind, definition in found.items():
        schema = definition["spec"]["versions"][1]["schema"]["openAPIV3Schema"]["properties"]["spec"]
        assert sorted(_missing(schema, made[kind]["spec"], "spec")) == [], kind


def test_the_plain_sample_has_the_fields_of_the_plainest_manifest_and_no_more() -> None:
    (group,) = compile_sdl(PLAINEST).manifest
    written = manifest_object(LeaseID("akash1o", 1, 1, 1, "akash1p"), group, {}, Site())
    manifest, host = plain_samples("here")
    assert set(_paths(manifest["spec"])) == set(_paths(written["spec"]))
    assert set(_paths(host["spec"])) == set(_paths(samples("here")[1]["spec"]))


def test_a_sample_is_written_where_the_provider_writes() -> None:
    assert {obj["metadata"]["namespace"] for obj in (*samples("here"), *plain_samples("here"))} == {"here"}


def _paths(value: Any, path: str = "") -> Iterator[str]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _paths(inner, f"{path}.{name}")
    elif isinstance(value, list):
        for inner in value:
            yield from _paths(inner, f"{path}[]")
    else:
        yield path


def _missing(schema: dict[str, Any], value: Any, path: str) -> Iterator[str]:
    if value is None:
        yield path
    elif schema["type"] == "array":
        yield from _missing(schema["items"], next(iter(value), None), f"{path}[]")
    elif schema["type"] == "object":
        for name, inner in schema["properties"].items():
            yield from _missing(inner, value.get(name), f"{path}.{name}")
