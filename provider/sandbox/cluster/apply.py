"""Server-side apply: merge a partial object into the live one, and keep the books of who owns which field.

The rules, as the real server keeps them:
- An applier owns exactly the fields of its last request. What it no longer mentions and nobody else owns is removed.
- Changing a field somebody else owns is a conflict; `force` takes the field over. Applying the same value shares it.
- A plain create, update or patch owns what it changed, and takes that from whoever owned it before.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from provider.sandbox.cluster import fields
from provider.sandbox.cluster.fields import Path
from provider.sandbox.cluster.shapes import ANY, Shape
from provider.sandbox.cluster.status import ApiError

Json = dict[str, Any]

# Nobody owns these: they say which object is meant, or are the server's own.
_NOT_OWNED = {("f:apiVersion",), ("f:kind",), ("f:metadata",)} | {
    ("f:metadata", f"f:{name}")
    for name in (
        "name",
        "namespace",
        "uid",
        "resourceVersion",
        "generation",
        "creationTimestamp",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
        "managedFields",
        "selfLink",
        "generateName",
    )
} - {("f:metadata", "f:generateName")}


@dataclass(frozen=True, slots=True)
class Manager:
    """`operation` is Apply or Update; the same name may stand once for each, and for each subresource."""

    name: str
    operation: str
    subresource: str = ""


Owners = dict[Manager, set[Path]]


def owners(obj: Json) -> Owners:
    """Read `metadata.managedFields`."""
    found: Owners = {}
    for entry in obj.get("metadata", {}).get("managedFields") or []:
        if not entry:
            continue
        who = Manager(entry.get("manager", ""), entry.get("operation", "Update"), entry.get("subresource", ""))
        found[who] = found.get(who, set()) | fields.from_json(entry.get("fieldsV1") or {})
    return found


def record(obj: Json, owned: Owners, before: Json | None, now: str) -> None:
    """Write `metadata.managedFields`; an entry that did not change keeps its time."""
    known: dict[Manager, Json] = {}
    for entry in ((before or {}).get("metadata", {}).get("managedFields")) or []:
        known[Manager(entry.get("manager", ""), entry.get("operation", ""), entry.get("subresource", ""))] = entry
    entries = []
    for who, paths in owned.items():
        if not paths:
            continue
        tree, old = fields.to_json(paths), known.get(who)
        same = old is not None and old.get("fieldsV1") == tree
        entry = {
            "manager": who.name,
            "operation": who.operation,
            "apiVersion": obj["apiVersion"],
            "time": old["time"] if same and old is not None and "time" in old else now,
            "fieldsType": "FieldsV1",
            "fieldsV1": tree,
        }
        entries.append(entry | ({"subresource": who.subresource} if who.subresource else {}))
    entries.sort(key=lambda entry: (entry["operation"], entry["time"], entry["manager"]))
    if entries:
        obj["metadata"]["managedFields"] = entries
    else:
        obj["metadata"].pop("managedFields", None)


def ownable(paths: set[Path], *, ignored: tuple[Path, ...] = ()) -> set[Path]:
    """Without what nobody owns, and without whole branches in `ignored` (`status` on the main resource, and so on)."""
    return {path for path in paths if path not in _NOT_OWNED and not any(path[: len(each)] == each for each in ignored)}


def apply(
    shape: Shape, live: Json, config: Json, who: Manager, *, force: bool, ignored: tuple[Path, ...] = ()
) -> tuple[Json, Owners]:
    """The merged object and its owners; raises 409 with one cause per contested field."""
    owned = owners(live)
    if not owned:
        everything = ownable(set(fields.leaves(shape, live)), ignored=ignored)
        owned = {Manager("before-first-apply", "Update"): everything}
    wanted = ownable(set(fields.leaves(shape, config)), ignored=ignored)
    others: set[Path] = set().union(*(paths for each, paths in owned.items() if each != who))
    gone = owned.get(who, set()) - wanted
    merged = merge(shape, live, config)
    if gone:
        merged = _prune(shape, merged, gone, others | wanted, ())
    changed, removed = (ownable(paths, ignored=ignored) for paths in fields.compare(shape, live, merged))
    contested = [(each, path) for each, paths in owned.items() if each != who for path in sorted(paths & changed)]
    if contested and not force:
        raise _conflict(contested, live)
    result: Owners = {each: paths - changed - removed for each, paths in owned.items() if each != who}
    result[who] = wanted
    return merged, result


def update(shape: Shape, live: Json | None, new: Json, who: Manager, *, ignored: tuple[Path, ...] = ()) -> Owners:
    """Owners after a plain write. `new` may bring managedFields of its own, or `[{}]` to forget them all."""
    given = new.get("metadata", {}).get("managedFields")
    reset = given is not None and (given in ([], [{}]))
    owned = {} if reset else owners(new) or owners(live or {})
    changed, removed = (ownable(paths, ignored=ignored) for paths in fields.compare(shape, live or {}, new))
    result = {each: (paths if each == who else paths - changed) - removed for each, paths in owned.items()}
    if changed:
        result[who] = result.get(who, set()) | changed
    return result


def merge(shape: Shape, live: Any, config: Any) -> Any:
    """`config` over `live`: objects field by field, keyed lists item by item, everything else replaced."""
    if shape.atomic or type(live) is not type(config):
        return config
    if isinstance(config, dict):
        merged = dict(live)
        for name, each in config.items():
            merged[name] = merge(shape.of(name) or ANY, live[name], each) if name in live else each
        return merged
    if isinstance(config, list) and (shape.keys or shape.unique):
        return _merge_items(shape, live, config)
    return config


def _merge_items(shape: Shape, live: list[Any], config: list[Any]) -> list[Any]:
    """The request's items in its order. What only the server has stays behind what it stood behind, as far as the
    request says nothing else.
    """
    mine = {fields.item_key(shape, item): item for item in config}
    theirs = [(fields.item_key(shape, item), item) for item in live]
    known = dict(theirs)
    shared = [key for key in mine if key in known]
    merged: list[Any] = []
    at = 0
    for key, item in mine.items():
        while at < len(theirs):
            here, untouched = theirs[at]
            if here not in mine:
                merged.append(untouched)
            elif shared and here == shared[0] != key:
                break  # the request's own, new item comes before the next one both have
            elif here == key or not shared:
                at += 1
                break
            at += 1
        if shared[:1] == [key]:
            shared.pop(0)
        merged.append(merge(shape.item or ANY, known[key], item) if key in known else item)
    return merged + [item for key, item in theirs[at:] if key not in mine]


def _prune(shape: Shape, value: Any, gone: set[Path], kept: set[Path], path: Path) -> Any:
    """Take `gone` away, except what is `kept` by others; an item lives on while anything inside it is kept."""
    if isinstance(value, dict) and not shape.atomic:
        left = {}
        for name, each in value.items():
            below = (*path, f"f:{name}")
            if not _touches(gone, below):
                left[name] = each
                continue
            rest = _prune(shape.of(name) or ANY, each, gone, kept, below)
            emptied = rest in ({}, []) and rest != each
            if _touches(kept, below) or not (below in gone or emptied):
                left[name] = rest
        return left
    if isinstance(value, list) and (shape.keys or shape.unique):
        items = []
        for item in value:
            below = (*path, fields.item_key(shape, item))
            if below in gone and not _touches(kept, below):
                continue
            if shape.unique or not _touches(gone, below):
                items.append(item)
                continue
            keys = {(*below, f"f:{name}") for name in shape.keys}
            items.append(_prune(shape.item or ANY, item, gone - keys, kept, below))
        return items
    return value


def _touches(paths: set[Path], prefix: Path) -> bool:
    return any(path[: len(prefix)] == prefix for path in paths)


def _conflict(contested: list[tuple[Manager, Path]], live: Json) -> ApiError:
    entries = {
        Manager(e.get("manager", ""), e.get("operation", ""), e.get("subresource", "")): e
        for e in live["metadata"].get("managedFields", [])
    }
    causes, lines = [], []
    for who, path in contested:
        text = f'conflict with "{who.name}"'
        if who.subresource:
            text += f' with subresource "{who.subresource}"'
        if who.operation == "Update":
            entry = entries.get(who, {})
            text += f" using {entry.get('apiVersion', '')}"
            text += f" at {entry['time']}" if "time" in entry else ""
        causes.append({"reason": "FieldManagerConflict", "message": text, "field": fields.dotted(path)})
        lines.append(f"{text}: {fields.dotted(path)}")
    count = len(lines)
    body = lines[0] if count == 1 else "\n- ".join(["conflicts:", *lines])
    message = f"Apply failed with {count} conflict{'' if count == 1 else 's'}: {body}"
    return ApiError(409, "Conflict", message, {"causes": causes})
