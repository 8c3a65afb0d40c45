"""What every file of an operator has in common; the price and the policy file test their own keys."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import Field

from bidengine.typed_file import Part, Wrong, built, parse
from manifests.errors import Invalid


class Leg(Part):
    length: int


class Table(Part):
    name: str = "table"
    top_wood: str = Field("oak", alias="topWood")
    legs: tuple[Leg, ...] = ()
    drawers: dict[str, Leg] = Field({})
    lamp: Leg | None = None


BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12)
)


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
        ("a: [", "", 2, "not YAML"),
        ("wood: oak", "wood", 1, "known here: drawers, lamp, legs, name, topWood"),
        ("name: a\nname: b", "name", 2, "the key is there twice"),
        ("legs:\n- {length: 1}\n- {}", "legs.1.length", 3, "must be said"),
        ("legs:\n- {length: 1}\n- {long: 1}", "legs.1.long", 3, "unknown key, did you mean length? known here: length"),
        ("legs:\n- {length: 1}\n- {lenght: 1}", "legs.1.lenght", 3, "did you mean length? known here: length"),
        ("legs:\n- {length: 1, long: 1}", "legs.0.long", 2, "known here: length"),
        ("drawers: {left: {length: 1, deep: 1}}", "drawers.left.deep", 1, "known here: length"),
        ("lamp: {length: x}", "lamp.length", 1, "valid integer"),
        ("lamp: {length: 1, on: 1}", "lamp.on", 1, "known here: length"),
        ("? {a: b}\n: 1", "", 1, "a key must be a single word"),
        ("[1, 2]", "", 1, "`key: value` lines are expected here"),
        ("lamp: 5", "lamp", 1, "`key: value` lines are expected here"),
        ("&a {lamp: *a}", "", 1, "contains itself"),
        ("lamp: " + "[" * 80, "", 1, "nested more than"),
        ("name: a\n--- 2", "", None, "several; keep one"),
        ("name: " + "x" * (300 << 10), "", None, "at most 262144 are read"),
        (BOMB, "", 6, "with aliases written out"),
    ],
)
def test_a_mistake_is_named_with_its_place(text: str, path: str, line: Any, told: str) -> None:
    with pytest.raises(Invalid) as bad:
        read(text)
    assert (bad.value.path, bad.value.line) == (path, line)
    assert told in bad.value.message


def test_keys_that_do_not_go_together_are_named_with_what_was_found() -> None:
    def build(table: Table) -> str:
        if table.lamp is not None and table.lamp.length > len(table.legs):
            raise Wrong(("lamp", "length"), "the lamp needs as many legs")
        return table.name

    text = "name: desk\nlamp:\n  length: 2\nlegs: [{length: 1}]"
    with pytest.raises(Invalid) as bad:
        built(text, Table, build, empty="", missing="")
    assert (str(bad.value), bad.value.value) == ("lamp.length: the lamp needs as many legs", "2")
    assert (bad.value.line, bad.value.column) == (3, 3)
    assert built(text.replace("2", "1"), Table, build, empty="", missing="") == "desk"
