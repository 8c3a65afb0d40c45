"""A JSON value asked for by what is wanted."""

from __future__ import annotations

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
    assert (at["q"].quantity(), at["z"].quantity()) == (12, 0)
    assert at["a"].pairs("key", "value") == (Attribute("k", "v"), Attribute("", ""))


def test_a_body_that_is_no_json_says_where() -> None:
    with pytest.raises(ManifestInvalid, match="not JSON") as refused:
        decoded(b'{"a":\n x}')
    assert (refused.value.line, refused.value.column) == (2, 2)
