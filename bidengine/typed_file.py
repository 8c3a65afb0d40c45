"""A file an operator writes, as YAML in a fixed shape: checked to the last key, or refused with the place and the cure.

Scalars are kept as they are written, so that the model decides what they mean: 0.02 is two hundredths, never a binary
float, and `on` is a word. A key twice is an error, as is an unknown one, and an empty file: a file that has lost its
content must not be taken for one that says nothing on purpose. Size and aliases are bounded where nodes are made
(manifests/yamlnodes.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from difflib import get_close_matches
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, ValidationError

from manifests.errors import Invalid, SdlInvalid
from manifests.yamlnodes import Node, Scalar, Sequence, compose

Path = tuple[str, ...]
_Place = tuple[int, int]
_Places = dict[Path, _Place]


class Part(BaseModel):
    """A mapping of such a file."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Wrong(Exception):
    """Keys that are right each by itself and wrong together: where, and what would be right."""

    def __init__(self, path: Path, message: str) -> None:
        self.path, self.message = path, message


M = TypeVar("M", bound=Part)
T = TypeVar("T")


def parse(text: str, model: type[M], *, empty: str, missing: str) -> M:
    """Raises `Invalid` with the path of the key, what was found, and line and column where the file gives them. `empty`
    and `missing` are what to say of a file without content and of a key that must be there."""
    return built(text, model, lambda found: found, empty=empty, missing=missing)


def built(text: str, model: type[M], build: Callable[[M], T], *, empty: str, missing: str) -> T:
    """What `build` makes of the file; it raises `Wrong` where keys do not go together."""
    raw, places = _read(text, empty)
    try:
        return build(model.model_validate(raw))
    except ValidationError as bad:
        raise _told(bad, model, places, missing) from None
    except Wrong as bad:
        line, column = _place(bad.path, places)
        raise Invalid(".".join(bad.path), bad.message, value=_at(raw, bad.path), line=line, column=column) from None


def _read(text: str, empty: str) -> tuple[Any, _Places]:
    """The file as nested dicts of text, and where each key stands."""
    try:
        document = compose(text)
    except SdlInvalid as bad:
        raise Invalid("", bad.message, value=bad.value, line=bad.line, column=bad.column) from None
    if document.root is None:
        raise Invalid("", empty)
    if document.more:
        raise Invalid("", "not one YAML document but several; keep one")
    places: _Places = {}
    return _plain(document.root, (), places), places


def _plain(node: Node, path: Path, places: _Places) -> Any:
    places.setdefault(path, (node.line, node.column))
    if isinstance(node, Scalar):
        return node.text
    if isinstance(node, Sequence):
        return [_plain(item, (*path, str(at)), places) for at, item in enumerate(node.items)]
    out: dict[str, Any] = {}
    for key, value in node.pairs:
        if not isinstance(key, Scalar):
            raise Invalid(".".join(path), "a key must be a single word", line=key.line, column=key.column)
        where = (*path, key.text)
        if key.text in out:
            raise Invalid(".".join(where), "the key is there twice; keep one", line=key.line, column=key.column)
        places[where] = key.line, key.column
        out[key.text] = _plain(value, where, places)
    return out


def _told(bad: ValidationError, model: type[Part], places: _Places, missing: str) -> Invalid:
    errors = bad.errors()
    # A misspelt key is told before the key that is missing because of it.
    first = next((error for error in errors if error["type"] == "extra_forbidden"), errors[0])
    path = tuple(str(part) for part in first["loc"] if part != "[key]")
    line, column = _place(path, places)
    found, reason = first["input"], first.get("ctx", {}).get("error")
    match first["type"]:
        case "extra_forbidden":
            keys, found = _known(model, path[:-1]), path[-1]
            near = "".join(f", did you mean {key}?" for key in get_close_matches(found, keys, 1))
            message = f"unknown key{near or ';'} known here: {', '.join(keys)}"
        case "missing":
            message, found = missing, None
        case "model_type" | "dict_type":
            message = "`key: value` lines are expected here"
        case _:
            message = str(reason) if reason is not None else first["msg"]
    return Invalid(".".join(path), message, value=found, line=line, column=column)


def _place(path: Path, places: _Places) -> _Place:
    """Of the key, or of the nearest one above it that is in the file."""
    while path not in places:
        path = path[:-1]
    return places[path]


def _at(raw: Any, path: Path) -> object:
    for part in path:
        raw = raw.get(part) if isinstance(raw, dict) else None
    return raw if isinstance(raw, str) else None


def _known(model: type[Part], path: Path) -> list[str]:
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
