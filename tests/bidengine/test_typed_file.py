"""What every file of an operator has in common; the price and the policy file test their own keys."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import Field

from bidengine.typed_file import Part, parse
from manifests.errors import Invalid


class Leg(Part):
    length: int


class Table(Part):
    name: str = "table"
    top_wood: str = Field("oak", alias="topWood")
    legs: tuple[Leg, ...] = ()
    drawers: dict[str, Leg] = Field({})
    lamp: Leg | None = None


def read(text: str) -> Table:
    return parse(text, Table, empty="nothing is written here", missing="must be said")


def test_what_is_written_is_text_until_the_model_says_otherwise() -> None:
    found = read("{name: 1.50, topWood: on, legs: [{length: 7}]}")
    assert (found.name, found.top_wood, found.legs[0].length) == ("1.50", "on", 7)


@pytest.mark.parametrize(
    ("text", "path", "line", "told"),
    [
        ("", "", None, "nothing is written here"),
        ("# only a comment", "", None, "nothing is written here"),
        ("a: [", "", 1, "not YAML"),
        ("wood: oak", "wood", 1, "known here: drawers, lamp, legs, name, topWood"),
        ("name: a\nname: b", "name", 2, "the key is there twice"),
        ("legs:\n- {length: 1}\n- {long: 1}", "legs.1.length", None, "must be said"),
        ("legs:\n- {length: 1, long: 1}", "legs.0.long", 2, "known here: length"),
        ("drawers: {left: {length: 1, deep: 1}}", "drawers.left.deep", 1, "known here: length"),
        ("lamp: {length: x}", "lamp.length", 1, "valid integer"),
        ("lamp: {length: 1, on: 1}", "lamp.on", 1, "known here: length"),
        ("? {a: b}\n: 1", "", 1, "a key must be a single word"),
        ("[1, 2]", "", 1, "dict"),
        ("&a {lamp: *a}", "lamp." * 8 + "lamp", 1, "nested too deeply"),
    ],
)
def test_a_mistake_is_named_with_its_place(text: str, path: str, line: Any, told: str) -> None:
    with pytest.raises(Invalid) as bad:
        read(text)
    assert (bad.value.path, bad.value.line) == (path, line)
    assert told in bad.value.message
