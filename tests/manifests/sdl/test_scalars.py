"""What a scalar is worth, with tags and without."""

from __future__ import annotations

import pytest

from manifests.sdl.scalars import number_of, text_of, truth_of
from manifests.yamlnodes import Scalar, compose


def scalar(text: str) -> Scalar:
    node = compose(text, own_tags=True).root
    assert isinstance(node, Scalar)
    return node


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("0x10", "0x10"),
        ("!!str ~", "~"),
        ("!!int 0o17", "0o17"),
        ("!!int '5'", "5"),
        ("!!int x", None),
        ("!!int 1.5", None),
        ("!!int ~", None),
        ("!!float 5", "5"),
        ("!!float -1.5e3", "-1.5e3"),
        ("!!float .nan", ".nan"),
        ("!!float -.inf", "-.inf"),
        ("!!float x", None),
        ("!!bool true", "true"),
        ("!!bool yes", None),
        ("!!null ~", "~"),
        ("!!null x", None),
        ("!!timestamp 2020-01-01", "2020-01-01"),
        ("!!timestamp 2001-12-14t21:59:43.10-05:00", "2001-12-14t21:59:43.10-05:00"),
        ("!!timestamp today", None),
        ("!!binary aGVsbG8=", "hello"),
        ('!!binary "aGVs\\nbG8="', "hello"),
        ("!!binary x", None),
        ("!!binary /w==", None),
        ("!!binary é", None),
        ("!!unknown 5", "5"),
        ("!mine ~", "~"),
        ("!<tag:example.com,2000:mine> x", "x"),
    ],
)
def test_texts(written: str, text: str | None) -> None:
    assert text_of(scalar(written)) == text


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("! 5", 5),
        ("!!int '5'", 5),
        ("!!float 1.9", 1),
        ("!!float 5", 5),
        ("0" * 200 + "1", 1),
        ("08", 8),
        ("1_0.5", 10),
        (".5", 0),
        (".5_0", None),
        ("08.9", 8),
        ("+0x_F", 15),
        ("-0.9", 0),
        ("1" * 2000, None),
        ("!mine 5", None),
        ("!!bool 5", None),
        (".inf", None),
        (".", None),
    ],
)
def test_numbers(written: str, number: int | None) -> None:
    assert number_of(scalar(written)) == number


@pytest.mark.parametrize(
    ("written", "truth"),
    [
        ("!!bool true", True),
        ("!!bool 'true'", True),
        ("!!bool yes", None),
        ("!mine yes", True),
        ("!mine true", None),
        ("!!str off", False),
        ("|-\n  yes", True),
        ("|\n  yes\n", None),
        ("yEs", None),
    ],
)
def test_truths(written: str, truth: bool | None) -> None:
    assert truth_of(scalar(written)) is truth
