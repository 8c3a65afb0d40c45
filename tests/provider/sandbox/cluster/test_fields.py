from __future__ import annotations

from typing import Any

import pytest

from provider.sandbox.cluster.fields import (
    MEMBER,
    Path,
    compare,
    dotted,
    from_json,
    item_key,
    leaves,
    repeated,
    to_json,
)
from provider.sandbox.cluster.models import DEPLOYMENT, SERVICE
from provider.sandbox.cluster.shapes import PSTR, atom, by, listing, mapping, obj, unique

ITEM = obj(name=PSTR, port=PSTR, protocol=PSTR, args=listing(), inner=obj(x=PSTR))
SHAPE = obj(
    plain=PSTR,
    labels=mapping(),
    whole=atom(a=PSTR),
    args=listing(),
    finalizers=unique(),
    items=by("port", "protocol", item=ITEM, protocol="TCP"),
)
WEB = 'k:{"port":"80","protocol":"TCP"}'

LEAVES: dict[str, tuple[dict[str, Any], dict[Path, Any]]] = {
    "a scalar is itself": ({"plain": "x"}, {("f:plain",): "x"}),
    "an empty value is owned too": ({"plain": ""}, {("f:plain",): ""}),
    "map entries one by one": ({"labels": {"a": "1", "b": "2"}}, {("f:labels", "f:a"): "1", ("f:labels", "f:b"): "2"}),
    "an empty map as such": ({"labels": {}}, {("f:labels",): {}}),
    "an atom whole": ({"whole": {"a": "1"}}, {("f:whole",): {"a": "1"}}),
    "a plain list whole": ({"args": ["a", "b"]}, {("f:args",): ["a", "b"]}),
    "members of a set": ({"finalizers": ["a/b"]}, {("f:finalizers", 'v:"a/b"'): MEMBER}),
    "an item, and what is in it; a missing key has its default": (
        {"items": [{"port": "80", "name": "web"}]},
        {("f:items", WEB): MEMBER, ("f:items", WEB, "f:port"): "80", ("f:items", WEB, "f:name"): "web"},
    ),
    "a field nobody described, and what is in it": (
        {"other": {"deep": "x"}},
        {("f:other",): MEMBER, ("f:other", "f:deep"): "x"},
    ),
}


@pytest.mark.parametrize(("value", "expected"), LEAVES.values(), ids=LEAVES)
def test_leaves(value: dict[str, Any], expected: dict[Path, Any]) -> None:
    assert leaves(SHAPE, value) == expected


def test_the_key_of_an_item_is_the_same_however_it_is_written() -> None:
    ports = SERVICE.fields["spec"].fields["ports"]
    assert item_key(ports, {"port": 80}) == item_key(ports, {"protocol": "TCP", "port": 80, "name": "web"})
    assert item_key(ports, {"port": 80, "protocol": "UDP"}) != item_key(ports, {"port": 80})


def test_the_stored_form_is_that_of_managed_fields() -> None:
    paths = set(leaves(SHAPE, {"plain": "x", "labels": {"a": "1"}, "items": [{"port": "80"}], "finalizers": ["a/b"]}))
    tree = to_json(paths)
    assert tree == {
        "f:plain": {},
        "f:labels": {"f:a": {}},
        "f:items": {WEB: {".": {}, "f:port": {}}},
        "f:finalizers": {'v:"a/b"': {}},
    }
    assert from_json(tree) == paths


def test_a_member_and_a_field_inside_it_survive_being_stored() -> None:
    paths: set[Path] = {("f:a",), ("f:a", "f:b"), ("f:c", "f:d")}
    assert to_json(paths) == {"f:a": {".": {}, "f:b": {}}, "f:c": {"f:d": {}}}
    assert from_json(to_json(paths)) == paths


CHANGES: dict[str, tuple[Any, Any, set[Path], set[Path]]] = {
    "nothing": ({"plain": "x"}, {"plain": "x"}, set(), set()),
    "a value": ({"plain": "x"}, {"plain": "y"}, {("f:plain",)}, set()),
    "a new entry": ({"labels": {"a": "1"}}, {"labels": {"a": "1", "b": "2"}}, {("f:labels", "f:b")}, set()),
    "an entry gone": ({"labels": {"a": "1", "b": "2"}}, {"labels": {"a": "1"}}, set(), {("f:labels", "f:b")}),
    "the order of a plain list": ({"args": ["a", "b"]}, {"args": ["b", "a"]}, {("f:args",)}, set()),
    "the order of a set": ({"finalizers": ["a/b", "c/d"]}, {"finalizers": ["c/d", "a/b"]}, set(), set()),
    "a field of an item": (
        {"items": [{"port": "80", "name": "a"}]},
        {"items": [{"port": "80", "name": "b"}]},
        {("f:items", WEB, "f:name")},
        set(),
    ),
}


@pytest.mark.parametrize(("old", "new", "changed", "gone"), CHANGES.values(), ids=CHANGES)
def test_compare(old: Any, new: Any, changed: set[Path], gone: set[Path]) -> None:
    assert compare(SHAPE, old, new) == (changed, gone)


REPEATED: dict[str, tuple[Any, str | None]] = {
    "two items of one key": (
        {"items": [{"port": "80"}, {"port": "80", "protocol": "TCP"}]},
        '.items[port="80",protocol="TCP"]',
    ),
    "two keys": ({"items": [{"port": "80"}, {"port": "80", "protocol": "UDP"}]}, None),
    "a member of a set": ({"finalizers": ["a/b", "a/b"]}, '.finalizers[="a/b"]'),
    "a plain list may repeat itself": ({"args": ["a", "a"]}, None),
}


@pytest.mark.parametrize(("value", "where"), REPEATED.values(), ids=REPEATED)
def test_what_is_named_twice(value: Any, where: str | None) -> None:
    found = repeated(SHAPE, value)
    assert (None if found is None else dotted(found)) == where


def test_a_repetition_deep_inside_is_found() -> None:
    env = [{"name": "A", "value": "1"}, {"name": "A", "value": "2"}]
    value = {"spec": {"template": {"spec": {"containers": [{"name": "web", "env": env}]}}}}
    found = repeated(DEPLOYMENT, value)
    assert found is not None
    assert dotted(found) == '.spec.template.spec.containers[name="web"].env[name="A"]'
