"""A YAML node with its path, read by what is wanted of it: the decoding rules of the reference (sdl-manifest.md §2).

The same scalar is a text, a number or a truth depending on who asks. Null (and absent) is the zero of whatever is
wanted; a null element of a list is dropped; unknown keys of a block are ignored, but remembered, because most of them
are typing errors."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from manifests.errors import SdlInvalid
from manifests.yamlnodes import Mapping, Node, Scalar, Sequence

_TRUE = frozenset({"true", "True", "TRUE"})
_FALSE = frozenset({"false", "False", "FALSE"})
_OLD_TRUE = frozenset({"y", "Y", "yes", "Yes", "YES", "on", "On", "ON"})
_OLD_FALSE = frozenset({"n", "N", "no", "No", "NO", "off", "Off", "OFF"})

_INTEGER = re.compile(r"([+-]?)(?:0[xX]([0-9a-fA-F]+)|0[bB]([01]+)|0[oO]([0-7]+)|0([0-7]+)|(0|[1-9][0-9]*))", re.ASCII)
_BASES = (16, 2, 8, 8, 10)
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", re.ASCII)
_NUMBER_START = frozenset("0123456789+-.")
_MAX_DIGITS = 64


@dataclass(frozen=True, slots=True)
class Unknown:
    """A key nobody reads, with the keys that would have been."""

    at: Cursor
    key: str
    known: tuple[str, ...]


@dataclass(slots=True)
class Notes:
    """What reading noticed without minding."""

    unknown: list[Unknown] = field(default_factory=list)


@dataclass(frozen=True, slots=True, eq=False)
class Cursor:
    node: Node
    path: str
    notes: Notes
    key: Scalar | None = None
    """The key it stands behind, if it does: where to point when it is a whole block."""

    @property
    def place(self) -> Node:
        return self.node if self.key is None or isinstance(self.node, Scalar) else self.key

    @property
    def is_null(self) -> bool:
        return isinstance(self.node, Scalar) and self.node.is_null

    def __bool__(self) -> bool:
        return not self.is_null

    @property
    def raw(self) -> str:
        """The literal text of a scalar, null or not; "" for collections. For the few keys that are read before
        types."""
        return self.node.text if isinstance(self.node, Scalar) else ""

    def fields(self, *known: str) -> Fields:
        """A block with known keys. Other keys are ignored; a key given twice is an error."""
        given = dict(self._pairs("a block of keys and values"))
        for key in (k for k in given if k not in known):
            self.notes.unknown.append(Unknown(given[key], key, known))
        return Fields(self, given)

    def strict_fields(self, *known: str, what: str) -> Fields:
        """A block where an unknown key is an error, as is the merge key."""
        if self.is_null:
            return Fields(self, {})
        given = dict(self._pairs(what, merge=False))
        for key in (k for k in given if k not in known):
            raise given[key].fail(f"is not a key of {what}; known are {', '.join(known)}")
        return Fields(self, given)

    def entries(self, what: str = "a block of names and values") -> list[tuple[str, Cursor]]:
        """A block with free names, in file order."""
        return list(self._pairs(what))

    def items(self) -> list[Cursor] | None:
        """A list without its null elements; None when absent."""
        return None if self.is_null else [c for c in self.elements("a list") if not c.is_null]

    def elements(self, what: str) -> list[Cursor]:
        """A list with its null elements."""
        if not isinstance(self.node, Sequence):
            raise self.fail(f"must be {what}", self._shown())
        return [Cursor(n, f"{self.path}[{i}]", self.notes) for i, n in enumerate(self.node.items)]

    def text(self) -> str:
        if self.is_null:
            return ""
        if not isinstance(self.node, Scalar):
            raise self.fail("must be a text, not a list or a block")
        return self.node.text

    def texts(self) -> tuple[str, ...] | None:
        items = self.items()
        return None if items is None else tuple(c.text() for c in items)

    def uint32(self) -> int:
        if self.is_null:
            return 0
        value = _number(self.node) if isinstance(self.node, Scalar) else None
        if value is None or not 0 <= value < 1 << 32:
            quoted = isinstance(self.node, Scalar) and not self.node.plain and _FLOAT.fullmatch(self.node.text)
            cure = "; remove the quotes" if quoted else ""
            raise self.fail(f"must be a whole number from 0 to 4294967295{cure}", self._shown())
        return value

    def truth(self) -> bool:
        if self.is_null:
            return False
        if isinstance(self.node, Scalar):
            if (self.node.plain or self.node.tag == "bool") and self.node.text in _TRUE | _FALSE:
                return self.node.text in _TRUE
            # Words of YAML 1.1 count even when quoted; "true" in quotes does not.
            if self.node.text in _OLD_TRUE | _OLD_FALSE and self.node.tag in ("", "str", "bool"):
                return self.node.text in _OLD_TRUE
        raise self.fail("must be true or false, without quotes", self._shown())

    def fail(self, message: str, value: object = None) -> SdlInvalid:
        return SdlInvalid(self.path, message, value=value, line=self.place.line, column=self.place.column)

    def find(self, *names: str | int) -> Cursor:
        """As far down as the names lead: for telling a place, never for reading."""
        at = self
        for name in names:
            inner = at._child(name)
            if inner is None:
                break
            at = inner
        return at

    def _child(self, name: str | int) -> Cursor | None:
        if isinstance(name, int):
            if not isinstance(self.node, Sequence) or name >= len(self.node.items):
                return None
            return Cursor(self.node.items[name], f"{self.path}[{name}]", self.notes)
        if not isinstance(self.node, Mapping):
            return None
        return next((c for key, c in self._pairs("") if key == name), None)

    def _pairs(self, what: str, merge: bool = True) -> Iterator[tuple[str, Cursor]]:
        """Keys and values, merged ones (`<<`) behind the block's own and only where it has none. A null key is
        skipped."""
        if self.is_null:
            return
        if not isinstance(self.node, Mapping):
            raise self.fail(f"must be {what}", self._shown())
        seen: dict[str, int] = {}
        merged: list[Node] = []
        for key, value in self.node.pairs:
            if not isinstance(key, Scalar):
                raise SdlInvalid(self.path, "a key must be a text", line=key.line, column=key.column)
            if key.text in seen:
                what = f"the key {key.text!r} is already given on line {seen[key.text]}"
                raise SdlInvalid(self._under(key.text), what, line=key.line, column=key.column)
            seen[key.text] = key.line
            if merge and key.plain and key.text == "<<":
                merged += value.items if isinstance(value, Sequence) else [value]
            elif not key.is_null:
                yield key.text, Cursor(value, self._under(key.text), self.notes, key)
        for block in merged:
            if not isinstance(block, Mapping):
                raise SdlInvalid(
                    self._under("<<"), "only a block, or a list of blocks, can be merged in", line=block.line
                )
            for name, inner in Cursor(block, self.path, self.notes)._pairs(what):
                if name not in seen:
                    seen[name] = inner.node.line
                    yield name, inner

    def _under(self, key: str) -> str:
        return f"{self.path}.{key}" if self.path else key

    def _shown(self) -> str:
        return (
            self.node.text if isinstance(self.node, Scalar) else ("a list", "a block")[isinstance(self.node, Mapping)]
        )


@dataclass(frozen=True, slots=True)
class Fields:
    """A block read by known keys; an absent key is a null at the place of the block."""

    at: Cursor
    given: dict[str, Cursor]

    def __getitem__(self, key: str) -> Cursor:
        found = self.given.get(key)
        if found is not None:
            return found
        place = self.at.place
        absent = Scalar("", True, "", place.line, place.column)
        return Cursor(absent, f"{self.at.path}.{key}" if self.at.path else key, self.at.notes)

    def __contains__(self, key: str) -> bool:
        return key in self.given


def _number(node: Scalar) -> int | None:
    """An integer in Go's spellings (`0x10`, `0b11`, `010` is eight, `1_000`), or a float cut to one."""
    if (
        not (node.plain or node.tag in ("int", "float"))
        or node.text[:1] not in _NUMBER_START
        or len(node.text) > _MAX_DIGITS
    ):
        return None
    text = node.text.replace("_", "")
    if m := _INTEGER.fullmatch(text):
        digits, base = next((d, b) for d, b in zip(m.groups()[1:], _BASES, strict=True) if d is not None)
        return int(digits, base) * (-1 if m[1] == "-" else 1)
    if _FLOAT.fullmatch(text):
        value = float(text)
        return int(value) if abs(value) < 1 << 64 else None
    return None
