"""Names, labels, keys and selectors: the rules every kind shares. Causes name the field they were asked about."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from provider.sandbox.cluster.status import Cause, bad, forbidden_field, required

Json = dict[str, Any]

_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_LABEL_1035 = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_VALUE = re.compile(r"(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?")
_KEY_NAME = re.compile(r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]")
_PORT_NAME = re.compile(r"(?=.*[a-z])(?!.*--)[a-z0-9]([-a-z0-9]*[a-z0-9])?")

_LABEL_RULE = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-'"
_1035_RULE = "a DNS-1035 label must consist of lower case alphanumeric characters or '-', and start with a letter"
_SUBDOMAIN_RULE = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.'"
_VALUE_RULE = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.'"
_PORT_NAME_RULE = "must be 15 characters or less: lower case alphanumeric characters or single '-', at least one letter"


def label(name: str, field: str) -> Iterator[Cause]:
    yield from _fits(name, field, _LABEL, 63, _LABEL_RULE)


def label_1035(name: str, field: str) -> Iterator[Cause]:
    yield from _fits(name, field, _LABEL_1035, 63, _1035_RULE)


def subdomain(name: str, field: str) -> Iterator[Cause]:
    yield from _fits(name, field, _SUBDOMAIN, 253, _SUBDOMAIN_RULE)


def port_name(name: str, field: str) -> Iterator[Cause]:
    """Of a container's port, and of a target that names one."""
    if len(name) > 15 or not _PORT_NAME.fullmatch(name):
        yield bad(field, name, _PORT_NAME_RULE)


def labels(found: dict[str, str], field: str) -> Iterator[Cause]:
    for name, value in found.items():
        yield from key(name, field)
        yield from _fits(value, field, _VALUE, 63, _VALUE_RULE)


def key(text: str, field: str) -> Iterator[Cause]:
    """Of a label or an annotation: a name, with or without a domain before it."""
    prefix, slash, name = text.rpartition("/")
    if slash and (len(prefix) > 253 or not _SUBDOMAIN.fullmatch(prefix)):
        yield bad(field, text, f"prefix part {_SUBDOMAIN_RULE}")
    if len(name) > 63 or not _KEY_NAME.fullmatch(name):
        yield bad(field, text, "name part must be 63 characters or less, of alphanumeric characters, '-', '_' or '.'")


def selector(found: Json, field: str) -> Iterator[Cause]:
    """A LabelSelector: its labels, and expressions of the four operators it knows."""
    yield from labels(found.get("matchLabels") or {}, f"{field}.matchLabels")
    for index, each in enumerate(found.get("matchExpressions") or []):
        yield from requirement(each, f"{field}.matchExpressions[{index}]", ordered=False)


def requirement(found: Json, field: str, *, ordered: bool) -> Iterator[Cause]:
    """One expression; `ordered` ones (of nodes) may also compare with Gt and Lt."""
    operator, values = found.get("operator", ""), found.get("values") or []
    yield from key(found.get("key", ""), f"{field}.key")
    if operator in ("In", "NotIn"):
        if not values:
            yield required(f"{field}.values", "must be specified when `operator` is 'In' or 'NotIn'")
    elif operator in ("Exists", "DoesNotExist"):
        if values:
            yield forbidden_field(
                f"{field}.values", "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"
            )
    elif ordered and operator in ("Gt", "Lt"):
        if len(values) != 1:
            yield required(f"{field}.values", "must be specified single value when `operator` is 'Lt' or 'Gt'")
    else:
        yield bad(f"{field}.operator", operator, "not a valid selector operator")


def _fits(text: str, field: str, pattern: re.Pattern[str], longest: int, rule: str) -> Iterator[Cause]:
    if len(text) > longest:
        yield bad(field, text, f"must be no more than {longest} characters")
    elif not pattern.fullmatch(text):
        yield bad(field, text, rule)
