"""Reading JSON the way Go reads it into a struct: a value with its place, asked for as text, number, truth or list.

Null is absent and absent is zero; only a value of the wrong type is an error. Half a surrogate pair, which JSON can
spell and UTF-8 cannot carry, becomes U+FFFD as it does in Go."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, NoReturn

from manifests.errors import ManifestInvalid
from manifests.resources import Attribute, Attributes

_SURROGATE = re.compile("[\ud800-\udfff]")
_NATURAL = re.compile(r"0|[1-9][0-9]{0,77}", re.ASCII)  # 78 digits hold any 256-bit integer


def decoded(body: bytes) -> At:
    """The JSON of a request body, or ManifestInvalid."""
    try:
        return At("", json.loads(body.decode(), object_pairs_hook=_Object, parse_constant=_refuse_constant))
    except UnicodeDecodeError as e:
        raise ManifestInvalid("", f"the body is not UTF-8 (byte {e.start})") from None
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
        if self.value is None:
            return 0
        if type(self.value) is not int or not 0 <= self.value < 1 << 32:
            raise self.fail("is not a whole number from 0 to 4294967295")
        return self.value

    def quantity(self) -> int:
        """A resource value, `{"val": "500"}`: decimal digits in a string."""
        val = self["val"]
        text = val.text()
        if not val:
            return 0
        if not _NATURAL.fullmatch(text):
            raise val.fail("is not a whole number of decimal digits in a string")
        return int(text)

    def pairs(self, key: str, value: str) -> Attributes:
        return tuple(Attribute(at[key].text(), at[value].text()) for at in self.items() or ())

    def fail(self, what: str) -> ManifestInvalid:
        return ManifestInvalid(self.path, what, value=self.value)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
