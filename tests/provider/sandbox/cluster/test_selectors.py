"""Readings beyond those told on both servers by tests/contract/test_lists.py."""

from __future__ import annotations

from typing import Any

import pytest

from provider.sandbox.cluster.selectors import expression, fields, labels, matches
from provider.sandbox.cluster.status import ApiError

WEB = {"app": "web", "rank": "7", "akash.network/lease": "", "in": "notin"}

LABELS = {
    "nothing asked": ("", True),
    "spaces do not matter": (" app = web ,  rank in ( 7 , 8 ) ", True),
    "above": ("rank>6", True),
    "not above itself": ("rank>7", False),
    "below": ("rank<8", True),
    "only numbers compare": ("app>1", False),
    "what is not there does not compare": ("age<5", False),
    "a key with a prefix": ("akash.network/lease", True),
    "an empty value is a value": ("akash.network/lease=", True),
    "no label is not an empty value": ("age=", False),
    "one of nothing is an empty value": ("akash.network/lease in ()", True),
    "words of the grammar are keys too": ("in in (notin)", True),
    "all must hold": ("app=web,rank=8", False),
}


@pytest.mark.parametrize(("text", "holds"), LABELS.values(), ids=LABELS)
def test_labels(text: str, holds: bool) -> None:
    assert labels(text)({"metadata": {"labels": WEB}}) is holds


@pytest.mark.parametrize(
    "text",
    ["app=web,", ",app", "app,,rank", "app in (web", "rank>high", "app!=-b-", "a/b/c=1", "-app", "x" * 64, "(a)"],
)
def test_what_is_no_label_selector(text: str) -> None:
    with pytest.raises(ApiError) as no:
        labels(text)
    assert no.value.code == 400


def test_an_object_without_labels_matches_what_asks_for_none() -> None:
    assert labels("!app,tier!=back")({"metadata": {}})
    assert not labels("app")({"metadata": {}})


POD = {
    "metadata": {"name": "p", "namespace": "n"},
    "spec": {"nodeName": "node-1", "unschedulable": True},
    "status": {"phase": "Running"},
}
FIELDS = {
    "by name": ("metadata.name=p", "configmaps", True),
    "double equals": ("metadata.name==q", "configmaps", False),
    "not": ("metadata.namespace!=n", "configmaps", False),
    "where it runs": ("spec.nodeName=node-1,status.phase!=Failed", "pods", True),
    "a field that is empty": ("status.podIP=", "pods", True),
    "yes and no are words": ("spec.unschedulable=true", "nodes", True),
}


@pytest.mark.parametrize(("text", "plural", "holds"), FIELDS.values(), ids=FIELDS)
def test_fields(text: str, plural: str, holds: bool) -> None:
    assert fields(text, plural)(POD) is holds


@pytest.mark.parametrize(
    ("text", "plural"), [("metadata.name", "pods"), ("spec.nodeName=x", "services"), ("=a", "pods")]
)
def test_what_is_no_field_selector(text: str, plural: str) -> None:
    with pytest.raises(ApiError) as no:
        fields(text, plural)
    assert no.value.code == 400


EXPRESSIONS: dict[str, tuple[dict[str, Any], bool]] = {
    "in": ({"key": "app", "operator": "In", "values": ["web"]}, True),
    "not in holds for what is not there": ({"key": "age", "operator": "NotIn", "values": ["1"]}, True),
    "exists": ({"key": "age", "operator": "Exists"}, False),
    "does not exist": ({"key": "age", "operator": "DoesNotExist"}, True),
    "greater": ({"key": "rank", "operator": "Gt", "values": ["6"]}, True),
    "less": ({"key": "rank", "operator": "Lt", "values": ["6"]}, False),
}


@pytest.mark.parametrize(("requirement", "holds"), EXPRESSIONS.values(), ids=EXPRESSIONS)
def test_expressions(requirement: dict[str, Any], holds: bool) -> None:
    assert expression(requirement, WEB) is holds
    assert matches({"matchLabels": {"app": "web"}, "matchExpressions": [requirement]}, WEB) is holds
    assert not matches({"matchLabels": {"app": "db"}, "matchExpressions": [requirement]}, WEB)


def test_an_empty_selector_selects_everything() -> None:
    assert matches({}, {})


def test_an_operator_nobody_knows_is_not_guessed() -> None:
    with pytest.raises(ValueError, match="Is"):
        expression({"key": "app", "operator": "Is", "values": ["web"]}, WEB)
