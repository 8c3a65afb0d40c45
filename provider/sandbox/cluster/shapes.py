"""What an object may look like: scalars, objects, maps and lists, and for lists how their items are told apart.

One description serves three purposes: reading a request (wrong types are refused, unknown fields dropped, quantities
made canonical, empty values left out as the real server's encoder does), server-side apply (what is merged, what is
replaced whole), and the CustomResourceDefinitions a client brings along.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from provider.sandbox.cluster.quantity import canonical


@dataclass(frozen=True, slots=True)
class Shape:
    """`kind`: string int bool number quantity intstr any object map list.

    `keep`: an empty value says something (a pointer in the original) and is not left out. `keys`: fields telling list
    items apart, with `key_defaults` for those that may be missing; `unique`: a set of scalars. `atomic`: replaced
    whole by apply. `open`: an object that keeps fields it does not know.
    """

    kind: str
    fields: Mapping[str, Shape] = field(default_factory=dict)
    item: Shape | None = None
    keys: tuple[str, ...] = ()
    key_defaults: Mapping[str, Any] = field(default_factory=dict)
    unique: bool = False
    atomic: bool = False
    open: bool = False
    keep: bool = False
    required: tuple[str, ...] = ()
    limits: Mapping[str, Any] = field(default_factory=dict)

    def of(self, name: str) -> Shape | None:
        """The shape of a field or map entry; None when there is no such field."""
        if self.kind == "map":
            return self.item or ANY
        if self.kind == "any":
            return ANY
        found = self.fields.get(name)
        return ANY if found is None and self.open else found


ANY = Shape("any", keep=True)
STR, INT, BOOL, NUM = Shape("string"), Shape("int"), Shape("bool"), Shape("number")
PSTR, PINT, PBOOL = Shape("string", keep=True), Shape("int", keep=True), Shape("bool", keep=True)
QUANTITY, INTSTR = Shape("quantity", keep=True), Shape("intstr", keep=True)


def obj(**fields: Shape) -> Shape:
    """A trailing underscore is taken off a field name that is a Python keyword."""
    return Shape("object", {name.rstrip("_"): shape for name, shape in fields.items()}, keep=True)


def atom(**fields: Shape) -> Shape:
    """An object that apply replaces whole."""
    return Shape("object", fields, atomic=True, keep=True)


def mapping(item: Shape = PSTR, *, atomic: bool = False) -> Shape:
    return Shape("map", item=item, atomic=atomic)


def listing(item: Shape = PSTR) -> Shape:
    """Replaced whole by apply."""
    return Shape("list", item=item, atomic=True)


def by(*keys: str, item: Shape, **defaults: Any) -> Shape:
    return Shape("list", item=item, keys=keys, key_defaults=defaults)


def unique(item: Shape = PSTR) -> Shape:
    return Shape("list", item=item, unique=True)


class WrongType(Exception):
    """`path` of the field, what was found and what belongs there."""

    def __init__(self, path: str, found: str, wanted: str) -> None:
        self.path, self.found, self.wanted = path, found, wanted
        super().__init__(f"cannot unmarshal {found} into field {path} of type {wanted}")


def read(shape: Shape, value: Any, path: str = "", unknown: list[str] | None = None, empties: bool = False) -> Any:
    """A copy as the server keeps it. Names of dropped fields go to `unknown`; a wrong type raises WrongType.

    `empties`: leave empty values in (an applier owns them, even though they are not stored).
    """
    match shape.kind:
        case "any":
            return value
        case "object" | "map":
            return _read_object(shape, _expect(value, dict, path, "object"), path, unknown, empties)
        case "list":
            items = _expect(value, list, path, "array")
            return [read(shape.item or ANY, item, f"{path}[{n}]", unknown, empties) for n, item in enumerate(items)]
        case "quantity":
            try:
                return canonical(value)
            except ValueError as trouble:
                raise WrongType(path, str(trouble), "quantity") from None
        case "intstr":
            return _expect(value, (int, str), path, "int or string")
        case "int":
            if isinstance(value, bool) or (isinstance(value, float) and not value.is_integer()):
                raise WrongType(path, _name(value), "int")
            return int(_expect(value, (int, float), path, "int"))
        case "number":
            return _expect(value, (int, float), path, "number")
        case "bool":
            return _expect(value, bool, path, "bool")
        case _:
            return _expect(value, str, path, "string")


def _read_object(
    shape: Shape, value: dict[str, Any], path: str, unknown: list[str] | None, empties: bool
) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for name, each in value.items():
        inner = shape.of(name)
        where = f"{path}.{name}" if path else name
        if inner is None:
            if unknown is not None:
                unknown.append(where)
            continue
        if each is None:
            continue
        got = read(inner, each, where, unknown, empties)
        if empties or inner.keep or got not in ("", 0, False, [], {}):
            kept[name] = got
    return kept


def _expect(value: Any, types: type | tuple[type, ...], path: str, wanted: str) -> Any:
    if not isinstance(value, types) or (isinstance(value, bool) and types is not bool):
        raise WrongType(path, _name(value), wanted)
    return value


def _name(value: Any) -> str:
    names = {bool: "bool", str: "string", int: "number", float: "number", list: "array", dict: "object"}
    return names.get(type(value), "null")
