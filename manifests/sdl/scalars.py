"""What one scalar is worth, asked as text, number or truth: the resolution of the reference (sdl-manifest.md §2).

A tag of the core schema (`!!int 5`) must fit what the text is, tags of one's own (`!secret x`) make it a text, and `!`
alone says nothing. Every reader gives None for what it cannot read; null is for the caller."""

from __future__ import annotations

import base64
import re

from manifests.yamlnodes import Scalar

_TRUE = frozenset({"true", "True", "TRUE"})
_FALSE = frozenset({"false", "False", "FALSE"})
_OLD_TRUE = frozenset({"y", "Y", "yes", "Yes", "YES", "on", "On", "ON"})
_OLD_FALSE = frozenset({"n", "N", "no", "No", "NO", "off", "Off", "OFF"})

_INTEGER = re.compile(r"([+-]?)(?:0[xX]([0-9a-fA-F]+)|0[bB]([01]+)|0[oO]([0-7]+)|0([0-7]+)|(0|[1-9][0-9]*))", re.ASCII)
_BASES = (16, 2, 8, 8, 10)
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", re.ASCII)
_NO_NUMBERS = frozenset({".inf", ".Inf", ".INF", ".nan", ".NaN", ".NAN"})
_DATE = re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt ][0-9:.]+(Z|[+-][0-9:]+)?)?", re.ASCII)
_NUMBER_START = frozenset("0123456789+-.")
_MAX_DIGITS = 1024


def text_of(node: Scalar) -> str | None:
    """Its literal text, whatever it looks like; `!!binary` is decoded."""
    match node.tag:
        case "binary":
            return _decoded(node.text)
        case "bool":
            fits = node.text in _TRUE | _FALSE
        case "int":
            fits = _integer(node.text) is not None
        case "float":
            fits = _integer(node.text) is not None or _float(node.text) is not None or _is_no_number(node.text)
        case "timestamp":
            fits = _DATE.fullmatch(node.text) is not None
        case "null":
            fits = node.is_null
        case _:
            fits = True
    return node.text if fits else None


def number_of(node: Scalar) -> int | None:
    """An integer in Go's spellings (`0x10`, `0b11`, `010` is eight, `1_000`), or a float cut to one; unquoted."""
    if not (node.plain or node.tag in ("int", "float")):
        return None
    whole = _integer(node.text)
    if whole is not None or node.tag == "int":
        return whole
    value = _float(node.text)
    return int(value) if value is not None and abs(value) < 1 << 64 else None


def truth_of(node: Scalar) -> bool | None:
    """Words of YAML 1.1 count even when quoted; "true" in quotes does not."""
    if (node.plain or node.tag == "bool") and node.text in _TRUE | _FALSE:
        return node.text in _TRUE
    if node.tag in ("", "str") and node.text in _OLD_TRUE | _OLD_FALSE:
        return node.text in _OLD_TRUE
    return None


def looks_like_a_number(node: Scalar) -> bool:
    """Whether it would be one without its quotes."""
    return _FLOAT.fullmatch(node.text) is not None


def _integer(text: str) -> int | None:
    if text[:1] not in _NUMBER_START or len(text) > _MAX_DIGITS:
        return None
    m = _INTEGER.fullmatch(text.replace("_", ""))
    if m is None:
        return None
    digits, base = next((d, b) for d, b in zip(m.groups()[1:], _BASES, strict=True) if d is not None)
    return int(digits, base) * (-1 if m[1] == "-" else 1)


def _float(text: str) -> float | None:
    if text[:1] not in _NUMBER_START or len(text) > _MAX_DIGITS:
        return None
    plain = text if text.startswith(".") else text.replace("_", "")  # Go's resolver has this exception, too
    return float(plain) if _FLOAT.fullmatch(plain) else None


def _is_no_number(text: str) -> bool:
    return (text[1:] if text[:1] in ("+", "-") else text) in _NO_NUMBERS


def _decoded(text: str) -> str | None:
    try:
        return base64.b64decode("".join(text.splitlines()), validate=True).decode()
    except ValueError:  # no base64, no ASCII to begin with, or no UTF-8 in the end
        return None
