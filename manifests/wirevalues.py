"""Reading JSON the way Go reads it into a struct: a value with its place, asked for as text, number, truth or list.

Null is absent and absent is zero; only a value of the wrong type is an error. What is not text becomes U+FFFD as it
does in Go: each byte that is not UTF-8, and half a surrogate pair, which JSON can spell and UTF-8 cannot carry."""

from __future__ import annotations

import codecs
import json
import re
from dataclasses import dataclass
from typing import Any, NoReturn

from manifests.errors import ManifestInvalid
from manifests.resources import Attribute, Attributes

_SURROGATE = re.compile("[\ud800-\udfff]")
_NUMBER = re.compile(
    r"[+-]?(?:0[xX](?:_?[0-9a-fA-F])+|0[bB](?:_?[01])+|0[oO]?(?:_?[0-7])+|0|[1-9](?:_?[0-9])*)", re.ASCII
)
"""Each character can be read in one way only, so that no text makes the search go back."""
_MAX_DIGITS = 300
_MAX_BITS = 256


def decoded(body: bytes) -> At:
    """The JSON of a request body, or ManifestInvalid."""
    try:
        text = body.decode(errors=_BYTE_BY_BYTE)
        return At("", json.loads(text, object_pairs_hook=_Object, parse_constant=_refuse_constant))
    except json.JSONDecodeError as e:
        raise ManifestInvalid("", f"the body is not JSON: {e.msg}", line=e.lineno, column=e.colno) from None
    except (ValueError, RecursionError) as e:
        what = "it is nested too deeply" if isinstance(e, RecursionError) else str(e)
        raise ManifestInvalid("", f"the body is not JSON we read: {what}") from None


class _Object(dict[str, Any]):
    """An object whose keys are lower-cased, the last of equal ones winning."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__((key.lower(), value) for key, value in pairs)


@dataclass(frozen=True, slots=True)
class At:
    """A JSON value and its path. False when null or absent."""

    path: str
    value: Any

    def __bool__(self) -> bool:
        return self.value is not None

    def __getitem__(self, name: str) -> At:
        """A field of an object; of null, again null."""
        if self.value is not None and not isinstance(self.value, _Object):
            raise self.fail("is not an object")
        inner = None if self.value is None else self.value.get(name.lower())
        return At(f"{self.path}.{name}" if self.path else name, inner)

    def items(self) -> list[At] | None:
        if self.value is None:
            return None
        if not isinstance(self.value, list):
            raise self.fail("is not a list")
        return [At(f"{self.path}[{i}]", v) for i, v in enumerate(self.value)]

    def text(self) -> str:
        if self.value is None:
            return ""
        if not isinstance(self.value, str):
            raise self.fail("is not a string")
        return _SURROGATE.sub("\ufffd", self.value)

    def texts(self) -> tuple[str, ...] | None:
        items = self.items()
        return None if items is None else tuple(at.text() for at in items)

    def truth(self) -> bool:
        if self.value is None:
            return False
        if not isinstance(self.value, bool):
            raise self.fail("is not true or false")
        return self.value

    def uint32(self) -> int:
        return self._whole_number(0, (1 << 32) - 1)

    def int32(self) -> int:
        return self._whole_number(-(1 << 31), (1 << 31) - 1)

    def _whole_number(self, low: int, high: int) -> int:
        if self.value is None:
            return 0
        if type(self.value) is not int or not low <= self.value <= high:
            raise self.fail(f"is not a whole number from {low} to {high}")
        return self.value

    def quantity(self) -> int:
        """A resource value, `{"val": "500"}`: a whole number in a string, in any of Go's spellings (`0x1f4`)."""
        val = self["val"]
        number = _whole(val.text()) if val else None
        if number is None:
            raise val.fail("must be a whole number in a string")
        return number

    def pairs(self, key: str, value: str) -> Attributes:
        return tuple(Attribute(at[key].text(), at[value].text()) for at in self.items() or ())

    def fail(self, what: str) -> ManifestInvalid:
        return ManifestInvalid(self.path, what, value=self.value)


def _whole(text: str) -> int | None:
    if len(text) > _MAX_DIGITS or not _NUMBER.fullmatch(text):
        return None
    digits = text.lstrip("+-").replace("_", "")
    octal = len(digits) > 1 and digits[0] == "0" and digits[1] in "01234567"
    number = int(digits, 8 if octal else 0)
    if number.bit_length() > _MAX_BITS:
        return None
    return -number if text[0] == "-" else number


def _replaced(e: UnicodeError) -> tuple[str, int]:
    assert isinstance(e, UnicodeDecodeError)
    return "\ufffd" * (e.end - e.start), e.end


_BYTE_BY_BYTE = "akp-byte-by-byte"
codecs.register_error(_BYTE_BY_BYTE, _replaced)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
