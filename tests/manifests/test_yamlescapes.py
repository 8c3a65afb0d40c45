"""Escapes mean in our reading what they mean to Go's yaml.v3, whatever libyaml thinks of them."""

from __future__ import annotations

import pytest

from manifests.errors import SdlInvalid
from manifests.yamlnodes import MOST_READ_AGAIN_BYTES, Scalar, Sequence, compose


def texts(text: str | bytes) -> list[str]:
    root = compose(text).root
    assert isinstance(root, Sequence)
    return [n.text for n in root.items if isinstance(n, Scalar)]


@pytest.mark.parametrize(
    ("text", "read"),
    [
        (r"""["it\'s"]""", ["it's"]),
        (r"""["\'a\' \"b\"", '\', "\'"]""", ["""'a' "b\"""", "\\", "'"]),
        (r"""["\\'", "\'\\'\\"]""", [r"\'", r"'\'" + "\\"]),
        ("\ufeff- é\n- \"\\'é\\\n  b\\'\"\n", ["é", "'éb'"]),
        (r"[a\'b, \']", [r"a\'b", r"\'"]),
    ],
    ids=["one", "several", "behind escaped backslashes", "behind a mark and over lines", "not in quotes"],
)
def test_an_apostrophe_may_be_escaped(text: str, read: list[str]) -> None:
    assert texts(text) == read
    assert texts(text.encode()) == read


@pytest.mark.parametrize("text", [r'["\/"]', r'["a\\\/b"]', '\ufeff- é\n- "\\/"'])
def test_a_slash_may_not(text: str) -> None:
    with pytest.raises(SdlInvalid, match=r"escape \\/ is not known") as refused:
        compose(text)
    assert refused.value.line == text.count("\n") + 1


def test_a_backslash_before_a_slash_is_fine_where_it_escapes_nothing() -> None:
    assert texts(r"""["\\/", '\/', \/]""") == [r"\/", r"\/", r"\/"]


@pytest.mark.parametrize("text", [r'["\q"]', r"""["\'", "\q"]""", r'["\\q]', r"""["\'"""])
def test_what_is_wrong_otherwise_stays_wrong(text: str) -> None:
    with pytest.raises(SdlInvalid, match="not YAML") as refused:
        compose(text)
    assert refused.value.line == 1


def test_a_long_file_of_apostrophes_is_not_read_for_ever() -> None:
    long = "[" + r'"\'",' * 40_000 + "]"
    assert len(long) * 10 > MOST_READ_AGAIN_BYTES
    with pytest.raises(SdlInvalid, match="unknown escape"):
        compose(long)
    assert len(texts("[" + r'"\'",' * 300 + "]")) == 300
