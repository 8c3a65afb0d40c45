"""A file an operator writes, as YAML in a fixed shape: checked to the last key, or refused with the place and the cure.

Scalars are kept as they are written, so that the model decides what they mean: 0.02 is two hundredths, never a binary
float, and `on` is a word. A key twice is an error, as is an unknown one, and an empty file: a file that has lost its
content must not be taken for one that says nothing on purpose.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeVar, get_args

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from manifests.errors import Invalid

_DEEPEST = 8
_Place = tuple[int, int]
_Places = dict[tuple[str, ...], _Place]


class Part(BaseModel):
    """A mapping of such a file."""

    model_config = ConfigDict(extra="forbid", frozen=True)


M = TypeVar("M", bound=Part)


def parse(text: str, model: type[M], *, empty: str, missing: str) -> M:
    """Raises `Invalid` with the path of the key, what was found, and line and column where the file gives them. `empty`
    and `missing` are what to say of a file without content and of a key that must be there."""
    raw, places = _read(text, empty)
    try:
        return model.model_validate(raw)
    except ValidationError as bad:
        raise _told(bad, model, places, missing) from None


def _read(text: str, empty: str) -> tuple[Any, _Places]:
    """The file as nested dicts of text, and where each key stands."""
    places: _Places = {}
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as bad:
        mark = getattr(bad, "problem_mark", None)
        line, column = (mark.line + 1, mark.column + 1) if mark is not None else (None, None)
        raise Invalid("", f"not YAML: {getattr(bad, 'problem', None) or bad}", line=line, column=column) from None
    if root is None:
        raise Invalid("", empty)
    return _plain(root, (), places), places


def _plain(node: yaml.Node, path: tuple[str, ...], places: _Places) -> Any:
    place = node.start_mark.line + 1, node.start_mark.column + 1
    places.setdefault(path, place)
    if len(path) > _DEEPEST:
        raise Invalid(".".join(path), "nested too deeply", line=place[0], column=place[1])
    if isinstance(node, yaml.ScalarNode):
        return node.value
    if isinstance(node, yaml.SequenceNode):
        return [_plain(item, (*path, str(at)), places) for at, item in enumerate(node.value)]
    out: dict[str, Any] = {}
    for key, value in node.value:
        line, column = key.start_mark.line + 1, key.start_mark.column + 1
        where = (*path, str(key.value))
        if not isinstance(key, yaml.ScalarNode):
            raise Invalid(".".join(path), "a key must be a single word", line=line, column=column)
        if key.value in out:
            raise Invalid(".".join(where), "the key is there twice", line=line, column=column)
        places[where] = line, column
        out[key.value] = _plain(value, where, places)
    return out


def _told(bad: ValidationError, model: type[Part], places: _Places, missing: str) -> Invalid:
    first = bad.errors()[0]
    path = tuple(str(part) for part in first["loc"] if part != "[key]")
    line, column = places.get(path, (None, None))
    where, found = ".".join(path), first["input"]
    match first["type"]:
        case "extra_forbidden":
            message = f"unknown key; known here: {', '.join(_known(model, path[:-1]))}"
        case "missing":
            message, found = missing, None
        case _:
            reason = first.get("ctx", {}).get("error")
            message = str(reason) if reason is not None else first["msg"]
    return Invalid(where, message, value=found, line=line, column=column)


def _known(model: type[Part], path: tuple[str, ...]) -> list[str]:
    """The keys of the mapping at `path`, which may lead through lists and maps."""
    for part in path:
        by_key = {field.alias or name: field for name, field in model.model_fields.items()}
        if part in by_key:  # else a place in a list, or a key the operator chose: the model stays
            model = next(_parts(by_key[part].annotation), model)
    return sorted(field.alias or name for name, field in model.model_fields.items())


def _parts(kind: Any) -> Iterator[type[Part]]:
    if isinstance(kind, type) and issubclass(kind, Part):
        yield kind
    for inner in get_args(kind):
        yield from _parts(inner)
