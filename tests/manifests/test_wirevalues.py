"""A JSON value asked for by what is wanted."""

from __future__ import annotations

import json

import pytest

from manifests.errors import ManifestInvalid
from manifests.resources import Attribute
from manifests.wirevalues import decoded


def test_fields_of_null_are_null_and_an_empty_object_is_not() -> None:
    at = decoded(b'{"a": null, "b": {}}')
    assert not at["a"]
    assert not at["a"]["deeper"]
    assert at["b"]
    assert not at["b"]["deeper"]
    assert (at["b"]["deeper"].path, at["b"]["deeper"].text(), at["a"].truth(), at["a"].uint32()) == (
        "b.deeper",
        "",
        False,
        0,
    )


def test_lists_have_numbered_places() -> None:
    at = decoded(b'{"a": ["x", null]}')["A"]
    assert [(i.path, i.text()) for i in at.items() or ()] == [("A[0]", "x"), ("A[1]", "")]
    assert at.texts() == ("x", "")


def test_attributes_and_quantities() -> None:
    at = decoded(b'{"q": {"val": "12"}, "a": [{"key": "k", "value": "v"}, {}]}')
    assert at["q"].quantity() == 12
    with pytest.raises(ManifestInvalid, match="whole number"):
        at["z"].quantity()
    assert at["a"].pairs("key", "value") == (Attribute("k", "v"), Attribute("", ""))


def test_a_body_that_is_no_json_says_where() -> None:
    with pytest.raises(ManifestInvalid, match="not JSON") as refused:
        decoded(b'{"a":\n x}')
    assert (refused.value.line, refused.value.column) == (2, 2)


@pytest.mark.parametrize(
    ("val", "number"),
    [
        ("0", 0),
        ("500", 500),
        ("0x1F4", 500),
        ("0b11", 3),
        ("0o17", 15),
        ("017", 15),
        ("1_000", 1000),
        ("+5", 5),
        ("-5", -5),
    ],
)
def test_quantities_in_gos_spellings(val: str, number: int) -> None:
    assert decoded(json.dumps({"val": val}).encode()).quantity() == number


@pytest.mark.parametrize(
    "val",
    [
        "",
        " 5",
        "5.0",
        "5_",
        "_5",
        "1__0",
        "08",
        "0x",
        "5e3",
        "\u0665",
        "1" * 79,
        "9" * 9999,
        "0x" + "f" * 290 + "g",
        "1" * 290 + "_",
    ],
)
def test_no_quantities(val: str) -> None:
    with pytest.raises(ManifestInvalid, match="whole number"):
        decoded(json.dumps({"val": val}).encode()).quantity()


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (b"\xff", "\ufffd"),
        (b"a\xe2\x82b", "a\ufffd\ufffdb"),
        (b"\xf0\x80\x80\x80", "\ufffd" * 4),
        (b"\xed\xa0\x80", "\ufffd" * 3),
        (b"\\ud800x", "\ufffdx"),
        ("é😀".encode(), "é😀"),
    ],
)
def test_what_is_no_text_is_replaced_byte_by_byte(written: bytes, read: str) -> None:
    assert decoded(b'{"a": "' + written + b'"}')["a"].text() == read
