"""Label and field selectors as they stand in a query string, and as they stand in an object."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from provider.sandbox.cluster.status import bad_request

Json = dict[str, Any]
Test = Callable[[Json], bool]

_SET = re.compile(r"\s*(?P<key>[^\s!=,()<>]+)\s+(?P<op>in|notin)\s*\((?P<values>[^)]*)\)\s*(?:,|$)")
_EQUAL = re.compile(r"\s*(?P<key>[^\s!=,()<>]+)\s*(?P<op>==|!=|=|<|>)\s*(?P<value>[^\s,()=!]*)\s*(?:,|$)")
_EXISTS = re.compile(r"\s*(?P<not>!?)\s*(?P<key>[^\s!=,()<>]+)\s*(?:,|$)")
_KEY = re.compile(r"([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?([A-Za-z0-9][-A-Za-z0-9_.]{0,61})?[A-Za-z0-9]")
_LABEL_VALUE = re.compile(r"(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?")
_POD_FIELDS = ("spec.nodeName", "status.phase", "spec.restartPolicy", "spec.serviceAccountName", "status.podIP")
_FIELDS = {
    "pods": _POD_FIELDS,
    "secrets": ("type",),
    "namespaces": ("status.phase",),
    "nodes": ("spec.unschedulable",),
    "events": (
        "involvedObject.name",
        "involvedObject.kind",
        "involvedObject.namespace",
        "involvedObject.uid",
        "reason",
        "type",
    ),
    "services": ("spec.clusterIP", "spec.type"),
}


def labels(text: str) -> Test:
    """e.g. `app=web,tier in (a,b),!old`; 400 when it is not one."""
    tests: list[Callable[[dict[str, str]], bool]] = []
    rest, more = text, bool(text.strip())
    while more:
        found = _SET.match(rest) or _EQUAL.match(rest) or _EXISTS.match(rest)
        if not found:
            raise bad_request(
                f'unable to parse requirement: found {rest.strip()!r}, expected: a label selector in "{text}"'
            )
        tests.append(_requirement(found.groupdict()))
        rest, more = rest[found.end() :], found.group().endswith(",")
    return lambda obj: all(test(obj["metadata"].get("labels") or {}) for test in tests)


def _requirement(part: dict[str, str | None]) -> Callable[[dict[str, str]], bool]:
    key, op = part["key"] or "", part.get("op")
    if not _KEY.fullmatch(key):
        raise bad_request(f"unable to parse requirement: Invalid value: {key!r}: it is no label key")
    if op in ("in", "notin"):
        values = {each.strip() for each in (part["values"] or "").split(",")}
        _check(values)
        return (lambda have: have.get(key) in values) if op == "in" else (lambda have: have.get(key) not in values)
    value = part.get("value") or ""
    _check({value})
    if op in ("=", "=="):
        return lambda have: have.get(key) == value
    if op == "!=":
        return lambda have: have.get(key) != value
    if op in ("<", ">"):
        if not re.fullmatch("-?[0-9]+", value):
            why = "for 'Gt', 'Lt' operators, the value must be an integer"
            raise bad_request(f"unable to parse requirement: values[0]: Invalid value: {value!r}: {why}")
        return _compared(key, op, value)
    if part.get("not"):
        return lambda have: key not in have
    return lambda have: key in have


def _compared(key: str, op: str, value: str) -> Callable[[dict[str, str]], bool]:
    def test(have: dict[str, str]) -> bool:
        try:
            found, bound = int(have[key]), int(value)
        except (KeyError, ValueError):
            return False
        return found > bound if op == ">" else found < bound

    return test


def _check(values: set[str]) -> None:
    for value in values:
        if len(value) > 63 or not _LABEL_VALUE.fullmatch(value):
            why = "a valid label must be 63 characters or less, of alphanumeric characters, '-', '_' or '.'"
            raise bad_request(f"unable to parse requirement: values[0]: Invalid value: {value!r}: {why}")


def fields(text: str, plural: str) -> Test:
    """`metadata.name`, `metadata.namespace` and what the kind itself offers; 400 for others, as the real server."""
    tests: list[tuple[str, bool, str]] = []
    for part in filter(None, (each.strip() for each in text.split(","))):
        found = re.fullmatch(r"([^!=]+?)(==|!=|=)(.*)", part)
        if not found:
            raise bad_request(f"invalid field selector: {text}")
        name, op, value = found.groups()
        if name not in ("metadata.name", "metadata.namespace", *_FIELDS.get(plural, ())):
            raise bad_request(f"field label not supported: {name}")
        tests.append((name, op == "!=", value))
    return lambda obj: all((_field(obj, name) == value) is not negate for name, negate, value in tests)


def _field(obj: Json, path: str) -> str:
    here: Any = obj
    for part in path.split("."):
        here = here.get(part) if isinstance(here, dict) else None
    return "" if here is None else str(here).lower() if isinstance(here, bool) else str(here)


def matches(selector: Json, labels_: dict[str, str]) -> bool:
    """A LabelSelector object (`matchLabels`, `matchExpressions`)."""
    if any(labels_.get(key) != value for key, value in (selector.get("matchLabels") or {}).items()):
        return False
    return all(expression(each, labels_) for each in selector.get("matchExpressions") or [])


def expression(requirement: Json, labels_: dict[str, str]) -> bool:
    """In, NotIn, Exists, DoesNotExist, Gt, Lt."""
    key, values = requirement["key"], requirement.get("values") or []
    match requirement["operator"]:
        case "In":
            return labels_.get(key) in values
        case "NotIn":
            return labels_.get(key) not in values
        case "Exists":
            return key in labels_
        case "DoesNotExist":
            return key not in labels_
        case "Gt" | "Lt" as op:
            return _compared(key, ">" if op == "Gt" else "<", values[0])(labels_)
        case other:
            raise ValueError(f"operator {other!r}")
