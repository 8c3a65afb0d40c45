"""Which of the two sets of rules a file is written for: version 2.0, or 2.1 and everything after it (sdl-manifest.md
§3)."""

from __future__ import annotations

import re
from enum import StrEnum

from manifests.sdl.cursor import Cursor
from manifests.yamlnodes import Scalar

_NUMBER = re.compile(r"[0-9]{1,20}", re.ASCII)
_PRE = re.compile(
    r"(?:0|[1-9][0-9]*|[0-9]*[A-Za-z-][0-9A-Za-z-]*)(?:\.(?:0|[1-9][0-9]*|[0-9]*[A-Za-z-][0-9A-Za-z-]*))*", re.ASCII
)
_BUILD = re.compile(r"[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*", re.ASCII)
_HELP = 'write version: "2.0" or version: "2.1"'
_SPACE = "\t\n\v\f\r \x85\xa0"


class Rules(StrEnum):
    V2_0 = "2.0"
    """One resource unit per service; registry credentials as written and without e-mail."""
    V2_1 = "2.1"
    """Services of one profile share a unit; registry credentials trimmed and complete."""


def rules_of(at: Cursor) -> Rules:
    """The rules for `version:`; text counts, not type, so `2.0`, `"2.0"`, `v2` and `2.0.0` are the same."""
    if not isinstance(at.node, Scalar):
        raise at.fail(f"must be a text; {_HELP}")
    text = at.node.text
    numbers, prerelease = _parsed(at, text.strip(_SPACE).removeprefix("v"))
    if numbers == (2, 0, 0) and not prerelease:
        return Rules.V2_0
    if numbers > (2, 1, 0) or (numbers == (2, 1, 0) and not prerelease):
        return Rules.V2_1
    raise at.fail(f"version {text} is not supported; {_HELP}", text)


def _parsed(at: Cursor, text: str) -> tuple[tuple[int, ...], str]:
    """A semantic version, read tolerantly: leading zeros and missing parts are fine, a suffix needs all three parts."""
    numbers, build_mark, build = text.partition("+")
    numbers, pre_mark, prerelease = numbers.partition("-")
    parts = numbers.split(".")
    suffixes_good = (not pre_mark or _PRE.fullmatch(prerelease)) and (not build_mark or _BUILD.fullmatch(build))
    short_with_suffix = len(parts) < 3 and (pre_mark or build_mark)
    if (
        len(text) > 256
        or len(parts) > 3
        or not suffixes_good
        or short_with_suffix
        or not all(map(_NUMBER.fullmatch, parts))
    ):
        raise at.fail(f"{text[:40]!r} is not a version; {_HELP}", text)
    numbers_read = tuple(int(p) for p in parts + ["0"] * (3 - len(parts)))
    if max(numbers_read) >= 1 << 64:
        raise at.fail(f"{text[:40]!r} is not a version; {_HELP}", text)
    return numbers_read, prerelease
