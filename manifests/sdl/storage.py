"""Volumes of a compute profile: their attributes, and the order the reference brings them into (sdl-manifest.md
§5.1)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from manifests.gostable import go_stable_sorted
from manifests.resources import Attribute, Attributes, Storage
from manifests.sdl.cursor import Cursor
from manifests.units import sdl_bytes
from manifests.yamlnodes import Mapping, Sequence

MAX_VOLUMES = 1000
"""Providers take about four; what is refused here is only what no machine should have to sort."""

_CLASSES = ("default", "beta1", "beta2", "beta3", "ram")
_TRUTHS = {"true": "true", "on": "true", "yes": "true", "false": "false", "off": "false", "no": "false"}


@dataclass(frozen=True, slots=True)
class Volume:
    at: Cursor
    storage: Storage


def read_volumes(at: Cursor) -> tuple[Volume, ...]:
    """The volumes, ordered. A block is one volume named `default`; anything else that is no list gives none."""
    if isinstance(at.node, Mapping):
        return (_volume(at, named=False),)
    if not isinstance(at.node, Sequence):
        return ()
    elements = at.elements("a list")
    if len(elements) > MAX_VOLUMES:
        raise at.fail(f"has {len(elements)} volumes; at most {MAX_VOLUMES} are supported", len(elements))
    volumes = [_volume(e, named=True) for e in elements]
    seen: set[str] = set()
    for v in volumes:
        if v.storage.name in seen:
            raise v.at.fail(f"a second volume is named {v.storage.name!r}; give each its own name", v.storage.name)
        seen.add(v.storage.name)
    return ordered(volumes)


def ordered(volumes: Iterable[Volume]) -> tuple[Volume, ...]:
    """By size, then those without `persistent`, then as `_before` says."""
    return go_stable_sorted(volumes, lambda x, y: _before(x.storage, y.storage))


def _before(x: Storage, y: Storage) -> bool:
    """Not a strict order: of two equal volumes that are not persistent, each comes before the other. So they end up
    reversed, and stay so on purpose, since a tenant's hash was computed that way."""
    if x.quantity_bytes != y.quantity_bytes:
        return x.quantity_bytes < y.quantity_bytes
    own, other = x.attribute("persistent"), y.attribute("persistent")
    if (not own and other) or (own and other and own < other):
        return True
    if own and not other:
        return False
    if own != "true":
        return True
    return other == "true" and x.name < y.name


def _volume(at: Cursor, named: bool) -> Volume:
    f = at.fields("name", "size", "attributes")
    written = f["name"].text()
    name = (written if named else "") or "default"
    try:
        size = sdl_bytes(f["size"].literal()) if f["size"] else 0
    except ValueError as e:
        raise f["size"].fail(str(e), f["size"].raw) from None
    return Volume(at, Storage(name, size, _attributes(f["attributes"])))


def _attributes(at: Cursor) -> Attributes:
    if at.is_null:
        return ()
    given = {key: (inner, inner.text()) for key, inner in at.entries()}
    persistent = given.get("persistent", (at, "false"))[1]
    class_ = given.get("class", (at, ""))[1]
    if class_ == "" and persistent == "true":
        given["class"] = (at, class_ := "default")
    if class_ == "ram" and persistent != "false":
        raise at.fail("a volume of class ram lives in memory and cannot be persistent; write persistent: false")
    if class_ not in ("", "ram") and persistent == "false":
        raise at.fail(f"class {class_!r} is for persistent volumes; add persistent: true or remove the class", class_)
    given.setdefault("persistent", (at, "false"))
    return tuple(Attribute(key, _value(key, *given[key])) for key in sorted(given))


def _value(key: str, at: Cursor, text: str) -> str:
    match key:
        case "persistent":
            if text not in _TRUTHS:
                raise at.fail("must be true or false, in small letters", text)
            return _TRUTHS[text]
        case "class":
            if text not in _CLASSES:
                raise at.fail(f"{text!r} is not a storage class; known are {', '.join(_CLASSES)}", text)
            return text
    raise at.fail("is not an attribute of storage; known are persistent and class", key)
