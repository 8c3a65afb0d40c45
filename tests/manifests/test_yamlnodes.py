"""YAML as nodes, and the bounds that keep a small file from becoming a large one."""

from __future__ import annotations

import pytest

from manifests.errors import SdlInvalid
from manifests.yamlnodes import MAX_DEPTH, MAX_TEXT_BYTES, Mapping, Scalar, Sequence, compose


def scalar(text: str) -> Scalar:
    node = compose(text, own_tags=True).root
    assert isinstance(node, Scalar)
    return node


@pytest.mark.parametrize(
    ("text", "kept", "plain", "null"),
    [
        ("yes", "yes", True, False),
        ("2020-01-01", "2020-01-01", True, False),
        ("'5'", "5", False, False),
        ("!!str 5", "5", False, False),
        ("! 5", "5", True, False),
        ("! '5'", "5", False, False),
        ("!secret 5", "5", False, False),
        ("!!null x", "x", False, False),
        ("~", "~", True, True),
        ("NULL", "NULL", True, True),
        ("'null'", "null", False, False),
        ("!!null null", "null", False, True),
        ('"\\u00e9\\u2028"', "é\u2028", False, False),
    ],
)
def test_scalars_keep_their_text(text: str, kept: str, plain: bool, null: bool) -> None:
    node = scalar(text)
    assert (node.text, node.plain, node.is_null) == (kept, plain, null)


def test_places_count_from_one_and_pairs_stay_in_order() -> None:
    root = compose("b: 1\na:\n  - x\n").root
    assert isinstance(root, Mapping)
    (b, _), (a, items) = root.pairs
    assert isinstance(b, Scalar)
    assert isinstance(a, Scalar)
    assert isinstance(items, Sequence)
    assert ((b.text, b.line, b.column), (a.text, a.line), (items.items[0].line, items.items[0].column)) == (
        ("b", 1, 1),
        ("a", 2),
        (3, 5),
    )


def test_an_alias_is_the_same_node() -> None:
    root = compose("a: &x [1, 2]\nb: *x").root
    assert isinstance(root, Mapping)
    assert root.pairs[0][1] is root.pairs[1][1]


def test_empty_text_has_no_root_and_more_documents_are_only_noticed() -> None:
    assert compose("").root is None
    assert compose("# nothing\n").root is None
    assert compose("a").more is False
    assert compose("a\n---\n[").more is True
    assert compose("a\n...\n\t").more is False
    assert compose("a\n%YAML 1.2\n").root is not None
    assert compose("%YAML 1.1\n---\na\n%YAML 1.2\n---\nb").more is True


def test_a_refusal_counts_lines_as_an_editor_does() -> None:
    with pytest.raises(SdlInvalid) as refused:
        compose("a: 1\r\nb: 2\n\ufeffc: 3\n")
    assert (refused.value.line, refused.value.column) == (3, 1)


@pytest.mark.parametrize(
    ("data", "line", "column", "words"),
    [
        (b"a: 1\r\n# caf\xe9\nb: 2", 2, 6, "is not UTF-8; save the file in that encoding"),
        (b"a: 1\nb: \xc3", 2, 4, "is not UTF-8"),
        ("a: é\nb: \x1b[31m".encode(), 2, 4, "control characters are not allowed (#x1b)"),
        (b"a: \x00\n\xff", 1, 4, "#x00"),
    ],
    ids=["latin-1", "cut short", "an escape", "the first of two faults"],
)
def test_bytes_that_are_no_text_have_a_place_too(data: bytes, line: int, column: int, words: str) -> None:
    with pytest.raises(SdlInvalid) as refused:
        compose(data)
    assert (refused.value.line, refused.value.column) == (line, column)
    assert words in refused.value.message


def test_a_foreign_tag_makes_a_text_and_creates_nothing() -> None:
    node = scalar("!python/object/apply:os.system x")
    assert (node.text, node.tag, node.plain) == ("x", "str", False)
    assert scalar("!!python/name:os.system x").tag == "str"
    assert scalar("!!binary aGk=").tag == "binary"


@pytest.mark.parametrize("text", ["!python/object/apply:os.system x", "a: !secret b", "!!unknown x", "!<x> y"])
def test_a_foreign_tag_is_refused_where_nobody_asked_for_it(text: str) -> None:
    with pytest.raises(SdlInvalid, match="has no meaning here; remove it"):
        compose(text)


BOMB = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{b}: &{b} [" + ", ".join([f"*{a}"] * 10) + "]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param(BOMB, "aliases written out", id="billion laughs"),
        pytest.param("[" * 200_000, "levels deep", id="deep flow"),
        pytest.param("{a: " * 50_000, "levels deep", id="deep flow mappings"),
        pytest.param("- " * 100_000, "levels deep", id="deep block"),
        pytest.param(
            "a0: &a0 [1]\n" + "".join(f"a{i}: &a{i} [*a{i - 1}]\n" for i in range(1, 200)),
            "levels deep",
            id="deep by alias",
        ),
        pytest.param("x" * (MAX_TEXT_BYTES + 1), "bytes", id="too long"),
        pytest.param("&a [*a]", "contains itself", id="cycle"),
        pytest.param("*nobody", "no anchor", id="unknown alias"),
        pytest.param("a: [1", "not YAML", id="unfinished"),
        pytest.param("a:\n\t- b", "not YAML", id="tab"),
        pytest.param(b"\xff\xfe\xfd", "not YAML: incomplete UTF-16", id="no text"),
        pytest.param("a: \ud800", "surrogate", id="half a character"),
        pytest.param('"\\ud800"', "not YAML", id="half a character, escaped"),
        pytest.param("%YAML 9.9\n---\na", "not YAML", id="other YAML"),
        pytest.param("%YAML 1.2\n---\na", "only %YAML 1.1", id="newer YAML"),
        pytest.param("a: 1\n\ufeffb: 2", "byte order mark", id="a mark inside"),
        pytest.param("\ufeff\ufeffa: 1", "byte order mark", id="two marks"),
        pytest.param("a: 1\n---\n\t- x", "not YAML", id="the first word of the next document"),
    ],
)
def test_refused(text: str | bytes, words: str) -> None:
    with pytest.raises(SdlInvalid, match=words):
        compose(text)


def test_depth_up_to_the_limit_is_read() -> None:
    assert compose("[" * MAX_DEPTH + "]" * MAX_DEPTH).root is not None
