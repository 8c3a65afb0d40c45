"""CustomResourceDefinitions: the kinds they add, their schemas as shapes, and the checks a schema asks for."""

from __future__ import annotations

import re
from typing import Any

from provider.sandbox.cluster.kinds import Kind
from provider.sandbox.cluster.models import METADATA
from provider.sandbox.cluster.shapes import ANY, PSTR, Shape
from provider.sandbox.cluster.status import Cause, bad, required, unsupported

Json = dict[str, Any]

_LIMITS = ("minimum", "maximum", "minLength", "maxLength", "pattern", "enum", "minItems", "maxItems")
_SCALARS = {"string": "string", "integer": "int", "boolean": "bool", "number": "number"}


def kinds_of(definition: Json) -> list[Kind]:
    """One Kind per served version."""
    spec = definition["spec"]
    names = spec["names"]
    found = []
    for version in spec["versions"]:
        if not version.get("served"):
            continue
        schema = shape_of(version.get("schema", {}).get("openAPIV3Schema", {}))
        shape = Shape(
            "object",
            {**schema.fields, "apiVersion": PSTR, "kind": PSTR, "metadata": METADATA},
            open=schema.open,
            keep=True,
            required=schema.required,
        )
        found.append(
            Kind(
                spec["group"],
                version["name"],
                names["plural"],
                names["kind"],
                spec["scope"] == "Namespaced",
                shape,
                status="status" in version.get("subresources", {}),
                generations=True,
                custom=True,
                short=tuple(names.get("shortNames", ())),
            )
        )
    return found


def shape_of(schema: Json) -> Shape:
    """An OpenAPI v3 schema (structural) as a shape; empty values are kept, custom resources have no pointers."""
    kind = schema.get("type")
    limits = {name: schema[name] for name in _LIMITS if name in schema}
    if schema.get("x-kubernetes-int-or-string"):
        return Shape("intstr", keep=True, limits=limits)
    if kind == "array":
        return _list_of(schema, limits)
    if kind == "object" or "properties" in schema:
        atomic = schema.get("x-kubernetes-map-type") == "atomic"
        if "additionalProperties" in schema and "properties" not in schema:
            more = schema["additionalProperties"]
            return Shape("map", item=shape_of(more) if isinstance(more, dict) else ANY, atomic=atomic, keep=True)
        return Shape(
            "object",
            {name: shape_of(each) for name, each in schema.get("properties", {}).items()},
            open=bool(schema.get("x-kubernetes-preserve-unknown-fields")),
            atomic=atomic,
            keep=True,
            required=tuple(schema.get("required", ())),
        )
    if kind in _SCALARS:
        return Shape(_SCALARS[kind], keep=True, limits=limits | ({"nullable": True} if schema.get("nullable") else {}))
    return ANY


def _list_of(schema: Json, limits: Json) -> Shape:
    item = shape_of(schema.get("items", {}))
    style = schema.get("x-kubernetes-list-type", "atomic")
    keys = tuple(schema.get("x-kubernetes-list-map-keys", ())) if style == "map" else ()
    return Shape(
        "list",
        item=item,
        keys=keys,
        unique=style == "set",
        atomic=style == "atomic",
        keep=True,
        limits=limits,
    )


def schema_faults(shape: Shape, value: Any, path: str = "") -> list[Cause]:
    """Missing required fields and values out of bounds."""
    found: list[Cause] = []
    if isinstance(value, dict) and shape.kind in ("object", "map"):
        missing = [name for name in shape.required if name not in value]
        found += [required(f"{path}.{name}" if path else name) for name in missing]
        for name, each in value.items():
            if path or name not in ("metadata", "apiVersion", "kind"):
                found += schema_faults(shape.of(name) or ANY, each, f"{path}.{name}" if path else name)
    elif isinstance(value, list) and shape.kind == "list":
        for index, each in enumerate(value):
            found += schema_faults(shape.item or ANY, each, f"{path}[{index}]")
    return found + _out_of_bounds(shape.limits, value, path)


def _out_of_bounds(limits: Any, value: Any, path: str) -> list[Cause]:
    found: list[Cause] = []
    if "enum" in limits and value not in limits["enum"]:
        found.append(unsupported(path, value, [str(each) for each in limits["enum"]]))
    if isinstance(value, int | float):
        if "minimum" in limits and value < limits["minimum"]:
            found.append(bad(path, value, f"{path} in body should be greater than or equal to {limits['minimum']}"))
        if "maximum" in limits and value > limits["maximum"]:
            found.append(bad(path, value, f"{path} in body should be less than or equal to {limits['maximum']}"))
    if isinstance(value, str):
        if "pattern" in limits and not re.search(limits["pattern"], value):
            found.append(bad(path, value, f"{path} in body should match '{limits['pattern']}'"))
        if len(value) > limits.get("maxLength", len(value)):
            found.append(bad(path, value, f"{path} in body should be at most {limits['maxLength']} chars long"))
        if len(value) < limits.get("minLength", 0):
            found.append(bad(path, value, f"{path} in body should be at least {limits['minLength']} chars long"))
    if isinstance(value, list) and not limits.get("minItems", 0) <= len(value) <= limits.get("maxItems", len(value)):
        found.append(bad(path, len(value), f"{path} in body has the wrong number of items"))
    return found
