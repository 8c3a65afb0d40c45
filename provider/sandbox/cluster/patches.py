"""The two patch forms every client knows: merge patch (RFC 7386) and JSON patch (RFC 6902)."""

from __future__ import annotations

import copy
from typing import Any

from provider.sandbox.cluster.status import ApiError, bad_request


def merge_patch(target: Any, patch: Any) -> Any:
    """null removes, objects merge, everything else replaces."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for name, each in patch.items():
        if each is None:
            result.pop(name, None)
        else:
            result[name] = merge_patch(result.get(name), each)
    return result


def json_patch(target: Any, operations: Any) -> Any:
    """add, remove, replace, test, move, copy; 422 when one cannot be done, 400 when it is not a patch."""
    if not isinstance(operations, list):
        raise bad_request("error decoding patch: json: cannot unmarshal object into Go value of type jsonpatch.Patch")
    document = copy.deepcopy(target)
    for operation in operations:
        document = _operate(document, operation)
    return document


def _operate(document: Any, operation: dict[str, Any]) -> Any:
    name, path = operation.get("op"), operation.get("path", "")
    match name:
        case "add" | "replace":
            return _set(document, path, operation.get("value"), must_exist=name == "replace")
        case "remove":
            _take(document, path)
        case "test":
            if _look(document, path) != operation.get("value"):
                raise _impossible(f"testing value {path} failed")
        case "move":
            return _set(document, path, _take(document, operation["from"]), must_exist=False)
        case "copy":
            return _set(document, path, copy.deepcopy(_look(document, operation["from"])), must_exist=False)
        case _:
            raise bad_request(f"Unexpected kind: {name}")
    return document


def _set(document: Any, path: str, value: Any, *, must_exist: bool) -> Any:
    if path == "":
        return value
    parent, last = _parent(document, path)
    if isinstance(parent, list):
        index = len(parent) if last == "-" else _index(parent, last, path, room=0 if must_exist else 1)
        if must_exist:
            parent[index] = value
        else:
            parent.insert(index, value)
    elif must_exist and last not in parent:
        raise _impossible(f"replace operation does not apply: doc is missing key: {path}: missing value")
    else:
        parent[last] = value
    return document


def _take(document: Any, path: str) -> Any:
    parent, last = _parent(document, path)
    if isinstance(parent, list):
        return parent.pop(_index(parent, last, path, room=0))
    if last not in parent:
        raise _impossible(f"remove operation does not apply: doc is missing path: {path}: missing value")
    return parent.pop(last)


def _look(document: Any, path: str) -> Any:
    if path == "":
        return document
    parent, last = _parent(document, path)
    if isinstance(parent, list):
        return parent[_index(parent, last, path, room=0)]
    return parent.get(last)


def _parent(document: Any, path: str) -> tuple[Any, str]:
    *way, last = [part.replace("~1", "/").replace("~0", "~") for part in path.split("/")[1:]]
    here = document
    for part in way:
        if isinstance(here, list):
            here = here[_index(here, part, path, room=0)]
        elif isinstance(here, dict) and part in here:
            here = here[part]
        else:
            here = None
        if not isinstance(here, dict | list):
            raise _impossible(f"doc is missing path: {path}: missing value")
    return here, last


def _index(items: list[Any], text: str, path: str, *, room: int) -> int:
    if not text.isdigit() or int(text) >= len(items) + room:
        raise _impossible(f"Unable to access invalid index: {path}")
    return int(text)


def _impossible(why: str) -> ApiError:
    return ApiError(422, "Invalid", f"the server rejected our request due to an error in our request: {why}", {})
