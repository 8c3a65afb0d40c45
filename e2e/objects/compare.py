"""Two objects, leaf by leaf.

Lists whose items have a name, a port or a mount path are compared by it, so an item too many is one difference and not
a dozen; an item given twice is one too. Other lists go by place. What only an API server or a controller can have
written is no part of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

ABSENT = "absent"

ASSIGNED = {
    "*": {"metadata": {"generation", "uid", "resourceVersion", "creationTimestamp", "managedFields", "selfLink"}},
    "Service": {"spec": {"clusterIP", "clusterIPs", "healthCheckNodePort"}},
}
"""By kind and part: given by the API server, each time anew. Status and node ports as well."""


_MAPS = (".labels", ".annotations")
"""Compared key by key also where one side has none at all; elsewhere that is one difference."""


@dataclass(frozen=True, slots=True)
class Difference:
    """`theirs` or `ours` is ABSENT where only the other has something there; `whole` is our object."""

    case: str
    kind: str
    name: str
    path: str
    theirs: Any
    ours: Any
    whole: Any

    def __str__(self) -> str:
        said = f"theirs {_short(self.theirs)}, ours {_short(self.ours)}"
        return f"{self.case}: {self.kind}/{self.name} {self.path}: {said}"


def differences(case: str, kind: str, name: str, theirs: Any, ours: Any) -> Iterator[Difference]:
    for path, a, b in _walk("", _own(kind, theirs), _own(kind, ours)):
        yield Difference(case, kind, name, path.lstrip("."), a, b, ours)


def _own(kind: str, obj: Any) -> Any:
    """Without what was assigned."""
    if not isinstance(obj, dict):
        return obj
    obj = _without_words_of_controllers(obj)
    out = {key: value for key, value in obj.items() if key != "status"}
    for parts in (ASSIGNED["*"], ASSIGNED.get(kind, {})):
        for part, names in parts.items():
            if isinstance(out.get(part), dict):
                out[part] = {key: value for key, value in out[part].items() if key not in names}
    return _without_node_ports(out) if kind == "Service" else out


def _without_words_of_controllers(obj: dict[str, Any]) -> dict[str, Any]:
    """Without the rollout's number, and the state of claims that are only templates."""
    metadata = dict(obj.get("metadata", {}))
    annotations = {k: v for k, v in metadata.pop("annotations", {}).items() if k != "deployment.kubernetes.io/revision"}
    out = {**obj, "metadata": {**metadata, "annotations": annotations} if annotations else metadata}
    if templates := (obj.get("spec") or {}).get("volumeClaimTemplates"):
        bare = [{k: v for k, v in template.items() if k != "status"} for template in templates]
        out["spec"] = {**obj["spec"], "volumeClaimTemplates": bare}
    return out


def _without_node_ports(obj: dict[str, Any]) -> dict[str, Any]:
    ports = [{k: v for k, v in port.items() if k != "nodePort"} for port in obj["spec"].get("ports", [])]
    return {**obj, "spec": {**obj["spec"], "ports": ports}}


def _walk(path: str, theirs: Any, ours: Any) -> Iterator[tuple[str, Any, Any]]:
    if isinstance(theirs, dict) and isinstance(ours, dict):
        for key in sorted({*theirs, *ours}):
            yield from _walk(f"{path}.{key}", theirs.get(key, ABSENT), ours.get(key, ABSENT))
    elif isinstance(theirs, list) and isinstance(ours, list):
        mine, other = _keyed(theirs), _keyed(ours)
        if mine is None or other is None:
            mine, other = {str(i): v for i, v in enumerate(theirs)}, {str(i): v for i, v in enumerate(ours)}
        for key in sorted({*mine, *other}):
            yield from _walk(f"{path}[{key}]", mine.get(key, ABSENT), other.get(key, ABSENT))
        if [k for k in mine if k in other] != [k for k in other if k in mine]:
            yield f"{path}<order>", list(mine), list(other)
    elif path.endswith(_MAPS) and ABSENT in (theirs, ours):
        yield from _walk(path, {} if theirs == ABSENT else theirs, {} if ours == ABSENT else ours)
    elif theirs != ours:
        yield path, theirs, ours


def _keyed(items: list[Any]) -> dict[str, Any] | None:
    """By what tells the items apart; None when nothing does. A second item of one key is `key#2`."""
    out: dict[str, Any] = {}
    seen: Counter[str] = Counter()
    for item in items:
        key = _key(item)
        if key is None:
            return None
        seen[key] += 1
        out[key if seen[key] == 1 else f"{key}#{seen[key]}"] = item
    return out


def _key(item: Any) -> str | None:
    if not isinstance(item, dict):
        return None
    if "containerPort" in item:
        return f"{item['containerPort']}/{item.get('protocol', 'TCP')}"
    if "mountPath" in item:
        return str(item["mountPath"])
    if "key" in item and "operator" in item:
        return str(item["key"])
    if "port" in item and "targetPort" in item:
        return f"{item['port']}/{item['protocol']}"
    if "name" in item:
        return str(item["name"])
    return str(item["metadata"]["name"]) if "name" in item.get("metadata", {}) else None


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= 120 else f"{text[:117]}…"
