"""A cursor into a resource's JSON that knows where it stands, for errors that name the place."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from manifests.errors import ManifestInvalid


class Field:
    """One value and its path. A field that is missing or null is falsy, and so is everything below it."""

    __slots__ = ("path", "value")

    def __init__(self, value: Any, path: str) -> None:
        self.value, self.path = value, path

    def __bool__(self) -> bool:
        return self.value is not None

    def __getitem__(self, key: str) -> Field:
        path = f"{self.path}.{key}" if self.path else key
        if self.value is None:
            return Field(None, path)
        if not isinstance(self.value, Mapping):
            raise self._expected("an object")
        return Field(self.value.get(key), path)

    def items(self) -> list[Field] | None:
        """The elements of a list; None when there is no list."""
        if self.value is None:
            return None
        if not isinstance(self.value, list):
            raise self._expected("a list")
        return [Field(value, f"{self.path}[{i}]") for i, value in enumerate(self.value)]

    def texts(self) -> tuple[str, ...] | None:
        found = self.items()
        return None if found is None else tuple(field.text() for field in found)

    def text(self) -> str:
        if self.value is None:
            return ""
        if not isinstance(self.value, str):
            raise self._expected("a text")
        return self.value

    def number(self) -> int:
        """A whole number ≥ 0, also written as text (sizes are)."""
        if self.value is None:
            return 0
        if isinstance(self.value, str) and self.value.isascii() and self.value.isdigit():
            return int(self.value)
        if not isinstance(self.value, int) or isinstance(self.value, bool) or self.value < 0:
            raise self._expected("a whole number")
        return self.value

    def flag(self) -> bool:
        if self.value is None:
            return False
        if not isinstance(self.value, bool):
            raise self._expected("true or false")
        return self.value

    def _expected(self, what: str) -> ManifestInvalid:
        return ManifestInvalid(self.path, f"{what} is expected, found {type(self.value).__name__}", value=self.value)
