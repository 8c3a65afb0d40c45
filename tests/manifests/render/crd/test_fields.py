from __future__ import annotations

import pytest

from manifests.errors import ManifestInvalid
from manifests.render.crd.fields import Field


def test_what_is_missing_is_nothing_all_the_way_down():
    gone = Field({"a": None}, "")["a"]["b"]["c"]
    assert (bool(gone), gone.path) == (False, "a.b.c")
    assert (gone.text(), gone.number(), gone.flag(), gone.items(), gone.texts()) == ("", 0, False, None, None)


def test_elements_know_their_place():
    assert [f.path for f in Field({"a": [1, 2]}, "spec")["a"].items() or ()] == ["spec.a[0]", "spec.a[1]"]


def test_sizes_are_numbers_in_digits():
    assert Field("4096", "").number() == 4096


@pytest.mark.parametrize(
    ("value", "read"),
    [
        (7, Field.text),
        ("1.5", Field.number),
        (-1, Field.number),
        (True, Field.number),
        (1, Field.flag),
        ("x", Field.items),
        ([1], Field.texts),
        ("x", lambda f: f["y"]),
    ],
)
def test_another_kind_than_expected_is_refused_with_its_place(value, read):
    with pytest.raises(ManifestInvalid) as no:
        read(Field(value, "spec.here"))
    assert no.value.path.startswith("spec.here")
