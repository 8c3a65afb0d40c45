"""Sets of field paths, in the notation of `metadata.managedFields`: what each manager of an object has spoken for.

A path is a tuple of `f:name` (a field), `k:{"name":"web"}` (a list item by its keys) and `v:"x"` (a member of a set);
where a fault is only to be told, `i:0` is the item of a list without keys.
A list item and a map entry are members themselves, besides what is inside them; an object is not, unless it is empty.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from provider.sandbox.cluster.shapes import ANY, Shape

Path = tuple[str, ...]
MEMBER = object()


def leaves(shape: Shape, value: Any, path: Path = ()) -> dict[Path, Any]:
    """Every path an owner of `value` owns, with the value there, or MEMBER where the path only says "this item
    exists".
    """
    return dict(_leaves(shape, value, path))


def _leaves(shape: Shape, value: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    if shape.atomic or not isinstance(value, dict | list):
        yield path, value
    elif isinstance(value, dict):
        for name, each in value.items():
            below = (*path, f"f:{name}")
            inner = shape.of(name) or ANY
            if each is None or each == {} or name not in shape.fields:
                yield below, (MEMBER if isinstance(each, dict | list) and each and not inner.atomic else each)
            yield from _leaves(inner, each, below)
    elif shape.keys or shape.unique:
        for item in value:
            below = (*path, item_key(shape, item))
            yield below, MEMBER
            if shape.keys:
                yield from _leaves(shape.item or ANY, item, below)
    else:
        yield path, value


def item_key(shape: Shape, item: Any) -> str:
    """The path element of a list item."""
    if shape.unique:
        return "v:" + _json(item)
    keys = {name: item.get(name, shape.key_defaults.get(name)) for name in shape.keys}
    return "k:" + _json({name: each for name, each in keys.items() if each is not None})


def repeated(shape: Shape, value: Any, path: Path = ()) -> Path | None:
    """Where a list names the same item twice, None when none does."""
    if shape.atomic:
        return None
    if isinstance(value, dict):
        below = [((*path, f"f:{name}"), shape.of(name) or ANY, each) for name, each in value.items()]
    elif isinstance(value, list) and (shape.keys or shape.unique):
        below = [((*path, item_key(shape, item)), shape.item or ANY, item) for item in value]
        known: set[Path] = set()
        for place, _, _ in below:
            if place in known:
                return place
            known.add(place)
    else:
        return None
    return next((found for place, inner, each in below if (found := repeated(inner, each, place))), None)


def undeclared(shape: Shape, value: Any, path: Path = ()) -> Iterator[Path]:
    """Fields that the shape has not."""
    if isinstance(value, dict) and shape.kind in ("object", "map"):
        for name in sorted(value):
            inner = shape.of(name)
            if inner is None:
                yield (*path, f"f:{name}")
            else:
                yield from undeclared(inner, value[name], (*path, f"f:{name}"))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            at = item_key(shape, item) if shape.keys and isinstance(item, dict) else f"i:{index}"
            yield from undeclared(shape.item or ANY, item, (*path, at))


def compare(shape: Shape, old: Any, new: Any) -> tuple[set[Path], set[Path]]:
    """Paths that are new or changed, and paths that are gone."""
    before, after = leaves(shape, old), leaves(shape, new)
    changed = {path for path, value in after.items() if path not in before or not _same(before[path], value)}
    return changed, set(before) - set(after)


def _same(one: Any, other: Any) -> bool:
    return one is other or (one is not MEMBER and other is not MEMBER and one == other)


def to_json(paths: set[Path]) -> dict[str, Any]:
    """The `fieldsV1` form."""
    root: dict[str, Any] = {}
    for path in paths:
        here = root
        for part in path:
            here = here.setdefault(part, {})
        here["."] = {}
    return _tidy(root)


def _tidy(tree: dict[str, Any]) -> dict[str, Any]:
    if set(tree) == {"."}:
        return {}
    return {part: {} if part == "." else _tidy(below) for part, below in sorted(tree.items())}


def from_json(tree: dict[str, Any], path: Path = ()) -> set[Path]:
    found: set[Path] = set()
    for part, below in tree.items():
        if part == ".":
            found.add(path)
        elif not below:
            found.add((*path, part))
        else:
            found |= from_json(below, (*path, part))
    return found


def dotted(path: Path) -> str:
    """For people, e.g. `.spec.template.spec.containers[name="web"].image`."""
    text = ""
    for part in path:
        kind, _, rest = part.partition(":")
        if kind == "f":
            text += f".{rest}"
        elif kind == "k":
            text += "[" + ",".join(f"{name}={_json(value)}" for name, value in sorted(json.loads(rest).items())) + "]"
        else:
            text += f"[{rest}]" if kind == "i" else f"[={rest}]"
    return text


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), sort_keys=True)
