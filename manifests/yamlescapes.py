r"""The two escapes of double-quoted YAML that libyaml and the reference's reader, Go's yaml.v3, do not agree on.

`\'` is an apostrophe there and an error here, `\/` an error there and a slash here. Both are settled as the reference
has them."""

from __future__ import annotations

import codecs
import re

import yaml

_REST_OF_SCALAR = re.compile(r'(?:[^"\\]|\\.)*', re.DOTALL)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def with_apostrophes(data: bytes, stopped: Exception) -> bytes | None:
    r"""The text with the apostrophes of one scalar in a spelling libyaml knows (`\x27`), where it stopped at the first
    of them; None where something else stopped it. What follows in the line moves right by two columns each."""
    if not isinstance(stopped, yaml.scanner.ScannerError) or "unknown escape" not in str(stopped.problem):
        return None
    text, mark = _text(data), stopped.problem_mark
    if mark is None or text[mark.index : mark.index + 2] != r"\'":
        return None
    rest = _REST_OF_SCALAR.match(text, mark.index)
    assert rest is not None
    spelled = _ESCAPE.sub(lambda m: r"\x27" if m[1] == "'" else m[0], rest[0])
    return f"{text[: mark.index]}{spelled}{text[rest.end() :]}".encode()


def text_with_slashes(data: bytes) -> str:
    r"""The text if `\/` stands in it anywhere, else nothing."""
    return _text(data) if rb"\/" in data else ""


def escapes_a_slash(event: yaml.ScalarEvent, text: str) -> bool:
    r"""Whether the `\/` of the text is an escape of this scalar."""
    start, end = event.start_mark, event.end_mark
    if not text or event.style != '"' or start is None or end is None:
        return False
    written = text[start.index : end.index]
    return any(m[1] == "/" for m in _ESCAPE.finditer(written))


def _text(data: bytes) -> str:
    """As libyaml counts it: characters, without the mark at the start of the file. Empty for the rare UTF-16."""
    return "" if data.startswith(_UTF16) else data.decode("utf-8-sig", errors="replace")
