from __future__ import annotations

from typing import Any

import pytest

from provider.sandbox.cluster.shapes import (
    ANY,
    BOOL,
    INT,
    INTSTR,
    NUM,
    PINT,
    PSTR,
    QUANTITY,
    STR,
    Shape,
    WrongType,
    atom,
    by,
    listing,
    mapping,
    obj,
    read,
    unique,
)

SHAPE = obj(
    name=STR,
    note=PSTR,
    count=INT,
    limit=PINT,
    on=BOOL,
    size=QUANTITY,
    port=INTSTR,
    share=NUM,
    labels=mapping(),
    args=listing(),
    items=by("name", item=obj(name=PSTR, value=STR)),
    more=ANY,
)

KEPT: dict[str, tuple[Any, Any]] = {
    "empty values are left out": ({"name": "", "count": 0, "on": False, "labels": {}}, {}),
    "unless emptiness says something": ({"note": "", "limit": 0}, {"note": "", "limit": 0}),
    "null is not there": ({"name": None, "note": None}, {}),
    "numbers without a fraction are whole": ({"count": 2.0}, {"count": 2}),
    "quantities become canonical": ({"size": "1024Mi"}, {"size": "1Gi"}),
    "a port by number": ({"port": 80}, {"port": 80}),
    "a port by name": ({"port": "http"}, {"port": "http"}),
    "inside lists and maps too": (
        {"items": [{"name": "a", "value": ""}], "labels": {"a": ""}},
        {"items": [{"name": "a"}], "labels": {"a": ""}},
    ),
    "anything is kept as it comes": ({"more": {"x": [None, ""]}}, {"more": {"x": [None, ""]}}),
}


@pytest.mark.parametrize(("value", "kept"), KEPT.values(), ids=KEPT)
def test_what_is_kept(value: Any, kept: Any) -> None:
    assert read(SHAPE, value) == kept


def test_an_applier_keeps_its_empty_values() -> None:
    assert read(SHAPE, {"name": "", "count": 0, "note": None}, empties=True) == {"name": "", "count": 0}


def test_unknown_fields_are_dropped_and_named() -> None:
    unknown: list[str] = []
    value = {"name": "a", "nmae": "b", "items": [{"name": "x"}, {"name": "y", "vlaue": 1}]}
    assert read(SHAPE, value, unknown=unknown) == {"name": "a", "items": [{"name": "x"}, {"name": "y"}]}
    assert unknown == ["nmae", "items[1].vlaue"]


WRONG: dict[str, tuple[Any, str, str]] = {
    "a number for text": ({"name": 1}, "name", "number"),
    "text for a number": ({"count": "1"}, "count", "string"),
    "a fraction for a whole number": ({"count": 1.5}, "count", "number"),
    "yes for a number": ({"count": True}, "count", "bool"),
    "yes for a share": ({"share": True}, "share", "bool"),
    "yes for a port": ({"port": True}, "port", "bool"),
    "a fraction for a port": ({"port": 80.5}, "port", "number"),
    "one for yes": ({"on": 1}, "on", "number"),
    "a list for a map": ({"labels": []}, "labels", "array"),
    "an object for a list": ({"args": {}}, "args", "object"),
    "nothing in a list": ({"args": ["a", None]}, "args[1]", "null"),
    "deep inside": ({"items": [{"name": "a"}, {"name": ["b"]}]}, "items[1].name", "array"),
    "not even an object": ([], "", "array"),
}


@pytest.mark.parametrize(("value", "path", "found"), WRONG.values(), ids=WRONG)
def test_wrong_types_name_their_place(value: Any, path: str, found: str) -> None:
    with pytest.raises(WrongType) as wrong:
        read(SHAPE, value)
    assert (wrong.value.path, wrong.value.found) == (path, found)


def test_what_is_no_quantity_is_a_wrong_type() -> None:
    with pytest.raises(WrongType) as wrong:
        read(SHAPE, {"size": "much"})
    assert (wrong.value.path, wrong.value.wanted) == ("size", "quantity")


def test_which_shape_a_field_has() -> None:
    assert SHAPE.of("count") is INT
    assert SHAPE.of("none") is None
    assert mapping(QUANTITY).of("cpu") is QUANTITY
    assert ANY.of("x") is ANY
    assert Shape("object", {"a": STR}, open=True).of("b") is ANY


def test_how_apply_takes_them() -> None:
    """Plain lists and atoms are replaced whole; keyed lists, sets, maps and objects are merged."""
    assert listing().atomic
    assert atom(a=STR).atomic
    assert not any(each.atomic for each in (by("name", item=ANY), unique(), mapping(), obj(a=STR)))
    assert by("port", item=ANY, protocol="TCP").key_defaults == {"protocol": "TCP"}


def test_a_field_named_like_a_keyword() -> None:
    assert set(obj(exec_=ANY, name=STR).fields) == {"exec", "name"}
