from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from provider.sandbox.cluster import validate_names as names
from provider.sandbox.cluster.status import Cause

Rule = Callable[[str, str], Iterator[Cause]]

NAMES: dict[str, tuple[Rule, str, str]] = {
    "a label": (names.label, "a 1 a-b 1-2 " + "x" * 63, "A a.b a_b -a a- " + "x" * 64),
    "a label that starts with a letter": (names.label_1035, "a a1 a-b " + "x" * 63, "1 1a A a. " + "x" * 64),
    "a subdomain": (names.subdomain, "a 1.2 a.b-c.d " + "x" * 253, "A a..b .a a. a_b -a " + "x" * 254),
    "a port's name": (names.port_name, "a http-80 8080-tcp " + "x" * 15, "80 a--b A a_b -a a- " + "x" * 16),
    "a key": (
        names.key,
        "a A_b.c 1 a.test/A a/b " + "x" * 63 + " " + "x" * 253 + "/a",
        "-a a- a/b/c /a a/ A/b a_b/c " + "x" * 64 + " " + "x" * 254 + "/a",
    ),
}


@pytest.mark.parametrize(("rule", "good", "bad"), NAMES.values(), ids=NAMES)
def test_names(rule: Rule, good: str, bad: str) -> None:
    assert [name for name in good.split() if list(rule(name, "f"))] == []
    assert [name for name in bad.split() if not list(rule(name, "f"))] == []


def test_nothing_is_no_name() -> None:
    assert all(list(rule("", "f")) for rule, _, _ in NAMES.values())


@pytest.mark.parametrize("bad", ["a\n", "ä", "a b"])
def test_what_no_rule_lets_through(bad: str) -> None:
    assert all(list(rule(bad, "f")) for rule, _, _ in NAMES.values())


def test_labels_are_looked_at_on_both_sides() -> None:
    causes = list(names.labels({"a": "", "b": "A_b.c", "c/d/e": "x y", "f": "x" * 64}, "metadata.labels"))
    assert [cause.field for cause in causes] == ["metadata.labels"] * 3


REQUIREMENTS: dict[str, tuple[dict[str, Any], bool, str | None]] = {
    "in": ({"operator": "In", "values": ["a"]}, False, None),
    "in nothing": ({"operator": "NotIn"}, False, "f.values"),
    "there": ({"operator": "Exists"}, False, None),
    "there with a value": ({"operator": "DoesNotExist", "values": ["a"]}, False, "f.values"),
    "above, of a node": ({"operator": "Gt", "values": ["1"]}, True, None),
    "above two, of a node": ({"operator": "Lt", "values": ["1", "2"]}, True, "f.values"),
    "above, of labels": ({"operator": "Gt", "values": ["1"]}, False, "f.operator"),
    "no operator": ({}, True, "f.operator"),
    "a bad key": ({"key": "-a", "operator": "Exists"}, True, "f.key"),
}


@pytest.mark.parametrize(("requirement", "ordered", "field"), REQUIREMENTS.values(), ids=REQUIREMENTS)
def test_requirements(requirement: dict[str, Any], ordered: bool, field: str | None) -> None:
    causes = list(names.requirement({"key": "a", **requirement}, "f", ordered=ordered))
    assert [cause.field for cause in causes] == ([] if field is None else [field])


def test_a_selector_names_the_part_that_is_wrong() -> None:
    selector = {"matchLabels": {"a": "b c"}, "matchExpressions": [{"key": "a", "operator": "Exists"}, {"key": "a"}]}
    causes = list(names.selector(selector, "spec.selector"))
    assert [cause.field for cause in causes] == [
        "spec.selector.matchLabels",
        "spec.selector.matchExpressions[1].operator",
    ]
