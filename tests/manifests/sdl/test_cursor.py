"""One scalar, many meanings."""

from __future__ import annotations

import pytest

from manifests.errors import SdlInvalid
from manifests.sdl.cursor import Cursor, Notes
from manifests.yamlnodes import compose


def at(text: str) -> Cursor:
    root = compose(text, own_tags=True).root
    assert root is not None
    return Cursor(root, "here", Notes())


@pytest.mark.parametrize(
    ("text", "truth"),
    [
        *(
            (word, True)
            for word in ("true", "True", "TRUE", "y", "Y", "yes", "Yes", "YES", "on", "On", "ON", '"yes"', "'on'")
        ),
        *(
            (word, False)
            for word in ("false", "False", "FALSE", "n", "N", "no", "NO", "off", "OFF", "'off'", "~", "''  # x")
        ),
    ][:-1],
)
def test_truths(text: str, truth: bool) -> None:
    assert at(text).truth() is truth


@pytest.mark.parametrize("text", ['"true"', "1", "0", "tRue", "[true]", "!!int 1", "''"])
def test_no_truths(text: str) -> None:
    with pytest.raises(SdlInvalid, match="true or false"):
        at(text).truth()


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0", 0),
        ("4294967295", 2**32 - 1),
        ("0XfF", 255),
        ("-0", 0),
        ("-0.5", 0),
        (".5", 0),
        ("1__0", 10),
        ("!!int 7", 7),
        ("~", 0),
    ],
)
def test_numbers(text: str, number: int) -> None:
    assert at(text).uint32() == number


@pytest.mark.parametrize(
    "text",
    [
        '"7"',
        "-1",
        "_1",
        "0xg",
        "1e99",
        "4294967296",
        "2020-01-01",
        "1:30",
        "9" * 70,
        "!!str 7",
        "!!int 1.5",
        "!mine 7",
        "!!timestamp 7",
    ],
)
def test_no_numbers(text: str) -> None:
    with pytest.raises(SdlInvalid, match="whole number"):
        at(text).uint32()


def test_keys_in_quotes_say_so() -> None:
    with pytest.raises(SdlInvalid, match="remove the quotes"):
        at('"80"').uint32()


def test_blocks() -> None:
    cursor = at("{a: 1, b: 2, ~: x}")
    fields = cursor.fields("a", "c")
    assert (fields["a"].uint32(), fields["c"].is_null, fields["c"].path) == (1, True, "here.c")
    assert [u.key for u in cursor.notes.unknown] == ["b"]


@pytest.mark.parametrize(
    ("text", "entries"),
    [
        ("{<<: {a: 1, b: 2}, a: 3}", {"a": "3", "b": "2"}),
        ("{<<: [{a: 1}, {a: 2, b: 2}]}", {"a": "1", "b": "2"}),
        ("{x: &x {<<: {a: 1}, b: 2}, <<: *x}", {"x": None, "b": "2", "a": "1"}),
        ("{'<<': 5}", {"<<": "5"}),
    ],
)
def test_merging(text: str, entries: dict[str, str | None]) -> None:
    found = {key: value.raw or None for key, value in at(text).entries()}
    assert found == entries


@pytest.mark.parametrize(
    "text",
    ["{a: 1, a: 2}", "{a: 1, 'a': 2}", "{[x]: 1}", "{<<: 5}", "{<<: }", "{<<: [5]}", "[a]", "a", "{<<: {b: 1, b: 2}}"],
)
def test_blocks_refused(text: str) -> None:
    with pytest.raises(SdlInvalid):
        at(text).entries()


def test_finding_goes_as_far_as_it_leads() -> None:
    cursor = at("{a: [{b: 1}]}")
    assert cursor.find("a", 0, "b").path == "here.a[0].b"
    assert cursor.find("a", 7, "b").path == "here.a"
    assert cursor.find("z").path == "here"


def test_finding_looks_into_what_is_merged_and_never_refuses() -> None:
    cursor = at("{a: {<<: [{b: {c: 1}}, 5], d: 1, d: 2}}")
    assert cursor.find("a", "b", "c").raw == "1"
    assert cursor.find("a", "d").raw == "1"


@pytest.mark.parametrize(
    ("text", "pairs"),
    [
        ("{a: 1, b: 2, a: 3}", [("a", "1"), ("b", "2"), ("a", "3")]),
        ("[a, 1, b, 2]", [("a", "1"), ("b", "2")]),
        ("[]", []),
        ("x", []),
        ("~", []),
    ],
)
def test_blocks_read_by_hand(text: str, pairs: list[tuple[str, str]]) -> None:
    assert [(key, c.raw) for key, c in at(text).written("a", "b", what="this")] == pairs


@pytest.mark.parametrize("text", ["{c: 1}", "{~: 1}", "{<<: {a: 1}}", "{[a]: 1}", "[a]", "[a, 1, b]"])
def test_blocks_read_by_hand_refused(text: str) -> None:
    with pytest.raises(SdlInvalid):
        list(at(text).written("a", "b", what="this"))


def test_a_quantity_is_read_before_its_type() -> None:
    assert at("!mine 5").literal() == at("!!str 5").literal() == at("'5'").literal() == "5"
    for text in ("[5]", "{a: 5}", "!!null 5"):
        with pytest.raises(SdlInvalid):
            at(text).literal()
