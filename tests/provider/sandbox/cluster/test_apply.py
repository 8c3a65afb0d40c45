"""Merging and its books, on small shapes; the stories of two appliers stand in tests/contract/test_apply.py."""

from __future__ import annotations

from typing import Any

import pytest

from provider.sandbox.cluster.apply import Manager, apply, merge, ownable, owners, record, update
from provider.sandbox.cluster.fields import leaves
from provider.sandbox.cluster.shapes import PSTR, Shape, atom, by, listing, mapping, obj, unique
from provider.sandbox.cluster.status import ApiError

Json = dict[str, Any]
SHAPE = obj(
    metadata=obj(name=PSTR, labels=mapping(), managedFields=Shape("any", atomic=True, keep=True)),
    plain=PSTR,
    whole=atom(a=PSTR, b=PSTR),
    args=listing(),
    marks=unique(),
    items=by("name", item=obj(name=PSTR, value=PSTR)),
    status=obj(phase=PSTR),
)
ME, OTHER = Manager("me", "Apply"), Manager("other", "Apply")
EDITOR = Manager("editor", "Update")


def items(*names: str, value: str = "x") -> Json:
    return {"items": [{"name": name, "value": value} for name in names]}


MERGES: dict[str, tuple[Json, Json, Json]] = {
    "objects field by field": (
        {"plain": "a", "status": {"phase": "x"}},
        {"plain": "b"},
        {"plain": "b", "status": {"phase": "x"}},
    ),
    "atoms whole": ({"whole": {"a": "1", "b": "2"}}, {"whole": {"a": "3"}}, {"whole": {"a": "3"}}),
    "plain lists whole": ({"args": ["a", "b"]}, {"args": ["c"]}, {"args": ["c"]}),
    "sets together": ({"marks": ["a", "b"]}, {"marks": ["c", "a"]}, {"marks": ["c", "a", "b"]}),
    "items by key": (
        {"items": [{"name": "a", "value": "1"}]},
        {"items": [{"name": "b"}, {"name": "a"}]},
        {"items": [{"name": "b"}, {"name": "a", "value": "1"}]},
    ),
    "items only the server has stay in front": (items("a", "b"), items("b", "c"), items("a", "b", "c")),
    "the request's order wins for shared ones": (items("a", "b", "c"), items("c", "a"), items("b", "c", "a")),
    "another type replaces": ({"plain": "a"}, {"plain": ["b"]}, {"plain": ["b"]}),
}


@pytest.mark.parametrize(("live", "config", "merged"), MERGES.values(), ids=MERGES)
def test_merge(live: Json, config: Json, merged: Json) -> None:
    assert merge(SHAPE, live, config) == merged


def stored(body: Json, *books: tuple[Manager, Json]) -> Json:
    """An object whose managers own what they are given with."""
    obj_: Json = {"apiVersion": "v1", "kind": "X", "metadata": {"name": "a"}, **body}
    record(obj_, {who: ownable(set(leaves(SHAPE, owned))) for who, owned in books}, None, "T1")
    return obj_


GONE: dict[str, tuple[Json, tuple[tuple[Manager, Json], ...], Json, Json]] = {
    "a field nobody else owns": ({"plain": "a"}, ((ME, {"plain": "a"}),), {}, {}),
    "a field another owns too": ({"plain": "a"}, ((ME, {"plain": "a"}), (OTHER, {"plain": "a"})), {}, {"plain": "a"}),
    "a field never owned": (
        {"plain": "a"},
        ((OTHER, {"marks": ["z"]}),),
        {"args": ["b"]},
        {"plain": "a", "args": ["b"]},
    ),
    "an item": (items("a", "b"), ((ME, items("a", "b")),), items("a"), items("a")),
    "an item in which another owns a field": (
        items("a"),
        ((ME, {"items": [{"name": "a"}]}), (OTHER, items("a"))),
        {},
        items("a"),
    ),
    "a field inside an item": (
        items("a"),
        ((ME, items("a")),),
        {"items": [{"name": "a"}]},
        {"items": [{"name": "a"}]},
    ),
    "a member of a set": ({"marks": ["a", "b"]}, ((ME, {"marks": ["a", "b"]}),), {"marks": ["b"]}, {"marks": ["b"]}),
}


@pytest.mark.parametrize(("live", "books", "config", "left"), GONE.values(), ids=GONE)
def test_what_an_applier_lets_go(live: Json, books: Any, config: Json, left: Json) -> None:
    merged, _ = apply(SHAPE, stored(live, *books), config, ME, force=False)
    assert {name: each for name, each in merged.items() if name not in ("apiVersion", "kind", "metadata")} == left


def test_a_contested_field_names_its_owner() -> None:
    live = stored({"plain": "a", **items("x")}, (OTHER, {"plain": "a"}), (EDITOR, items("x")))
    with pytest.raises(ApiError) as no:
        apply(SHAPE, live, {"plain": "b", **items("x", value="y")}, ME, force=False)
    assert (no.value.code, no.value.reason) == (409, "Conflict")
    assert no.value.details is not None
    assert {(each["field"], each["message"]) for each in no.value.details["causes"]} == {
        (".plain", 'conflict with "other"'),
        ('.items[name="x"].value', 'conflict with "editor" using v1 at T1'),
    }
    assert no.value.message.startswith("Apply failed with 2 conflicts: conflicts:\n- ")


def test_force_moves_the_field_to_the_one_who_forces() -> None:
    merged, owned = apply(SHAPE, stored({"plain": "a"}, (OTHER, {"plain": "a"})), {"plain": "b"}, ME, force=True)
    assert merged["plain"] == "b"
    assert owned == {ME: {("f:plain",)}, OTHER: set()}


def test_the_first_applier_of_an_object_without_books_shares_with_whoever_was_before() -> None:
    _, owned = apply(SHAPE, stored({"plain": "a", "args": ["x"]}), {"plain": "a"}, ME, force=False)
    assert owned == {Manager("before-first-apply", "Update"): {("f:plain",), ("f:args",)}, ME: {("f:plain",)}}


def test_a_plain_write_takes_what_it_changes() -> None:
    live = stored({"plain": "a", "args": ["x"]}, (ME, {"plain": "a", "args": ["x"]}))
    assert update(SHAPE, live, {**live, "plain": "b"}, EDITOR) == {ME: {("f:args",)}, EDITOR: {("f:plain",)}}


def test_a_plain_write_without_a_field_takes_it_from_everyone() -> None:
    live = stored({"plain": "a", "args": ["x"]}, (ME, {"plain": "a", "args": ["x"]}))
    new = {name: each for name, each in live.items() if name != "plain"}
    assert update(SHAPE, live, new, EDITOR) == {ME: {("f:args",)}}


@pytest.mark.parametrize("forgotten", [[], [{}]])
def test_the_books_can_be_burnt(forgotten: list[Json]) -> None:
    live = stored({"plain": "a"}, (ME, {"plain": "a"}))
    assert update(SHAPE, live, {**live, "metadata": {"name": "a", "managedFields": forgotten}}, EDITOR) == {}


def test_nobody_owns_a_name_and_a_branch_can_be_out_of_reach() -> None:
    paths = set(
        leaves(SHAPE, {"metadata": {"name": "a", "labels": {"l": "x"}}, "status": {"phase": "p"}, "plain": "a"})
    )
    assert ownable(paths, ignored=(("f:status",),)) == {("f:metadata", "f:labels", "f:l"), ("f:plain",)}


def test_the_books_are_written_and_read_again() -> None:
    of_status = Manager("me", "Apply", "status")
    obj_ = stored({"plain": "a"}, (ME, {"plain": "a"}), (of_status, {"status": {"phase": "p"}}), (OTHER, {}))
    assert owners(obj_) == {ME: {("f:plain",)}, of_status: {("f:status", "f:phase")}}
    assert [each.get("subresource") for each in obj_["metadata"]["managedFields"]] == [None, "status"]


def test_only_an_entry_that_changed_gets_a_new_time() -> None:
    before = stored({"plain": "a"}, (ME, {"plain": "a"}), (OTHER, {"args": ["x"]}))
    after: Json = {"apiVersion": "v1", "metadata": {"name": "a"}}
    record(after, {ME: {("f:plain",)}, OTHER: {("f:marks", 'v:"m"')}}, before, "T2")
    assert {each["manager"]: each["time"] for each in after["metadata"]["managedFields"]} == {"me": "T1", "other": "T2"}
    record(after, {}, before, "T3")
    assert "managedFields" not in after["metadata"]
