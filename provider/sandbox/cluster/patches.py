"""The two patch forms every client knows: merge patch (RFC 7386) and JSON patch (RFC 6902)."""

from __future__ import annotations

import copy
import re
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
    """add, remove, replace, test, move, copy; 422 when one cannot be done, 400 when it is not a patch.

    Two habits of the real server beyond the RFC: an index may count from the end (`-1`), and copying a key that is not
    there copies null. The whole document (an empty path) can be neither replaced nor taken away.
    """
    if not isinstance(operations, list) or not all(isinstance(each, dict) for each in operations):
        raise bad_request("error decoding patch: json: cannot unmarshal it into a list of operations")
    for operation in operations:
        for name in ("op", "path", "from"):
            if not isinstance(operation.get(name, ""), str):
                raise bad_request(f"error decoding patch: json: `{name}` must be of type string")
    document = copy.deepcopy(target)
    for operation in operations:
        document = _operate(document, operation)
    return document


def _operate(document: Any, operation: dict[str, Any]) -> Any:
    name, path, origin = operation.get("op"), operation.get("path", ""), operation.get("from", "")
    match name:
        case "add" | "replace":
            return _set(document, path, operation.get("value"), must_exist=name == "replace")
        case "remove":
            _take(document, path)
        case "test":
            if _look(document, path) != operation.get("value"):
                raise _impossible(f"testing value {path} failed")
        case "move":
            return _set(document, path, _take(document, origin), must_exist=False)
        case "copy":
            return _set(document, path, copy.deepcopy(_look(document, origin)), must_exist=False)
        case _:
            raise _impossible(f"Unexpected kind: {name}")
    return document


def _set(document: Any, path: str, value: Any, *, must_exist: bool) -> Any:
    parent, last = _parent(document, path)
    if isinstance(parent, list):
        room = 0 if must_exist else 1
        index = len(parent) if last == "-" and room else _index(parent, last, path, room=room)
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
    parent, last = _parent(document, path)
    if isinstance(parent, list):
        return parent[_index(parent, last, path, room=0)]
    return parent.get(last)


def _parent(document: Any, path: str) -> tuple[Any, str]:
    if "/" not in path:
        raise _impossible(f"doc is missing path: {path}: missing value")
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
    size = len(items) + room
    if not re.fullmatch("-?[0-9]+", text) or not -size <= int(text) < size:
        raise _impossible(f"Unable to access invalid index: {path}")
    return int(text) % size


def _impossible(why: str) -> ApiError:
    return ApiError(422, "Invalid", f"the server rejected our request due to an error in our request: {why}", {})
