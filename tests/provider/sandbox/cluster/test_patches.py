"""The examples of RFC 7386 (appendix A) and RFC 6902 (appendix A), and what the real server adds to them."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from provider.sandbox.cluster.patches import json_patch, merge_patch
from provider.sandbox.cluster.status import ApiError

MERGES: list[tuple[Any, Any, Any]] = [
    ({"a": "b"}, {"a": "c"}, {"a": "c"}),
    ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
    ({"a": "b"}, {"a": None}, {}),
    ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
    ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
    ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
    ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
    ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
    (["a", "b"], ["c", "d"], ["c", "d"]),
    ({"a": "b"}, ["c"], ["c"]),
    ({"a": "foo"}, None, None),
    ({"a": "foo"}, "bar", "bar"),
    ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
    ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
    ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
]


@pytest.mark.parametrize(("target", "patch", "result"), MERGES)
def test_merge(target: Any, patch: Any, result: Any) -> None:
    before = copy.deepcopy(target)
    assert merge_patch(target, patch) == result
    assert target == before


def op(name: str, path: Any, value: Any = None, **more: Any) -> dict[str, Any]:
    return {"op": name, "path": path, **({} if value is None else {"value": value}), **more}


OPERATIONS: dict[str, tuple[Any, list[dict[str, Any]], Any]] = {
    "add a field": ({"foo": "bar"}, [op("add", "/baz", "qux")], {"baz": "qux", "foo": "bar"}),
    "add a list item": ({"foo": ["bar", "baz"]}, [op("add", "/foo/1", "qux")], {"foo": ["bar", "qux", "baz"]}),
    "add at the end": ({"foo": ["bar"]}, [op("add", "/foo/-", ["abc"])], {"foo": ["bar", ["abc"]]}),
    "add over what is there": ({"foo": "bar"}, [op("add", "/foo", "baz")], {"foo": "baz"}),
    "remove a field": ({"baz": "qux", "foo": "bar"}, [op("remove", "/baz")], {"foo": "bar"}),
    "remove a list item": ({"foo": ["bar", "qux", "baz"]}, [op("remove", "/foo/1")], {"foo": ["bar", "baz"]}),
    "remove the last item": ({"foo": ["bar", "baz"]}, [op("remove", "/foo/-1")], {"foo": ["bar"]}),
    "replace": ({"baz": "qux", "foo": "bar"}, [op("replace", "/baz", "boo")], {"baz": "boo", "foo": "bar"}),
    "replace a list item": ({"foo": ["a", "b"]}, [op("replace", "/foo/0", "c")], {"foo": ["c", "b"]}),
    "move": (
        {"foo": {"bar": "baz", "waldo": "fred"}, "qux": {"corge": "grault"}},
        [op("move", "/qux/thud", **{"from": "/foo/waldo"})],
        {"foo": {"bar": "baz"}, "qux": {"corge": "grault", "thud": "fred"}},
    ),
    "move a list item": (
        {"foo": ["all", "grass", "cows", "eat"]},
        [op("move", "/foo/3", **{"from": "/foo/1"})],
        {"foo": ["all", "cows", "eat", "grass"]},
    ),
    "a copy has a life of its own": (
        {"a": {"x": 1}},
        [op("copy", "/b", **{"from": "/a"}), op("replace", "/b/x", 2)],
        {"a": {"x": 1}, "b": {"x": 2}},
    ),
    "test": ({"baz": "qux", "foo": ["a", 2]}, [op("test", "/baz", "qux"), op("test", "/foo/1", 2)], None),
    "test that it is not there": ({"a": {}}, [op("test", "/a/b")], None),
    "escaped names": ({"/": 9, "~1": 10}, [op("replace", "/~01", 11), op("replace", "/~1", 8)], {"/": 8, "~1": 11}),
}


@pytest.mark.parametrize(("target", "operations", "result"), OPERATIONS.values(), ids=OPERATIONS)
def test_operations(target: Any, operations: list[dict[str, Any]], result: Any) -> None:
    before = copy.deepcopy(target)
    assert json_patch(target, operations) == (before if result is None else result)
    assert target == before


REFUSED: dict[str, tuple[Any, int]] = {
    "no list": ({"op": "add"}, 400),
    "an item that is no operation": ([1], 400),
    "a path that is no text": ([op("add", 5, "x")], 400),
    "an operation nobody knows": ([op("frob", "/list")], 422),
    "no operation": ([{"path": "/list"}], 422),
    "a test that fails": ([op("test", "/name", "other")], 422),
    "remove what is not there": ([op("remove", "/none")], 422),
    "replace what is not there": ([op("replace", "/none", "x")], 422),
    "move what is not there": ([op("move", "/new", **{"from": "/none"})], 422),
    "move from nowhere": ([op("move", "/new")], 422),
    "a parent that is not there": ([op("add", "/none/below", "x")], 422),
    "a parent that is text": ([op("add", "/name/below", "x")], 422),
    "an index past the end": ([op("add", "/list/3", "x")], 422),
    "an index before the beginning": ([op("remove", "/list/-3")], 422),
    "an index in words": ([op("add", "/list/first", "x")], 422),
    "replace past the end": ([op("replace", "/list/-", "x")], 422),
    "remove everything": ([op("remove", "")], 422),
    "replace everything": ([op("replace", "", {"a": 1})], 422),
}


@pytest.mark.parametrize(("operations", "code"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_done(operations: Any, code: int) -> None:
    with pytest.raises(ApiError) as no:
        json_patch({"name": "a", "list": ["x", "y"]}, operations)
    assert no.value.code == code
