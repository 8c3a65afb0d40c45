"""A YAML node with its path, read by what is wanted of it: the decoding rules of the reference (sdl-manifest.md §2).

The same scalar is a text, a number or a truth depending on who asks. Null (and absent) is the zero of whatever is
wanted; a null element of a list is dropped; unknown keys of a block are ignored, but remembered, because most of them
are typing errors."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TypeVar

from manifests.errors import SdlInvalid
from manifests.sdl.scalars import looks_like_a_number, number_of, text_of, truth_of
from manifests.yamlnodes import Mapping, Node, Scalar, Sequence

T = TypeVar("T")


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


@dataclass(slots=True, eq=False)
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

    def written(self, *known: str, what: str) -> Iterator[tuple[str, Cursor]]:
        """The keys and values of the few blocks the reference reads by hand: no merging, no other keys, the same key
        as often as it comes. A list is read as keys and values in turn, and a scalar has none."""
        for key, value in _in_turn(self):
            name = key.text if isinstance(key, Scalar) else ""
            inner = Cursor(value, self._under(name), self.notes, key if isinstance(key, Scalar) else None)
            if name not in known:
                raise inner.fail(f"is not a key of {what}; known are {', '.join(known)}")
            yield name, inner

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
        """A scalar as text, whatever it looks like; what is tagged must be what its tag says."""
        if self.is_null:
            return ""
        literal = self.literal()
        assert isinstance(self.node, Scalar)
        text = text_of(self.node)
        if text is None:
            raise self.fail(f"is not what the tag !!{self.node.tag} says; remove the tag", literal)
        return text

    def literal(self) -> str:
        """The text of a scalar as it is written, tags or not: for quantities, which are read before types."""
        if not isinstance(self.node, Scalar):
            raise self.fail("must be a text, not a list or a block", self._shown())
        if self.node.tag == "null" and not self.is_null:
            raise self.fail("is not what the tag !!null says; remove the tag", self.node.text)
        return self.node.text

    def texts(self) -> tuple[str, ...] | None:
        items = self.items()
        return None if items is None else tuple(c.text() for c in items)

    def uint32(self) -> int:
        if self.is_null:
            return 0
        value = number_of(self.node) if isinstance(self.node, Scalar) else None
        if value is None or not 0 <= value < 1 << 32:
            quoted = isinstance(self.node, Scalar) and not self.node.plain and looks_like_a_number(self.node)
            cure = "; remove the quotes" if quoted else ""
            raise self.fail(f"must be a whole number from 0 to 4294967295{cure}", self._shown())
        return value

    def truth(self) -> bool:
        if self.is_null:
            return False
        value = truth_of(self.node) if isinstance(self.node, Scalar) else None
        if value is None:
            raise self.fail("must be true or false, without quotes", self._shown())
        return value

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
        for key, value in self.node.pairs:
            if isinstance(key, Scalar) and key.text == name:
                return Cursor(value, self._under(name), self.notes, key)
        merged = (c for block in self._merged() if (c := Cursor(block, self.path, self.notes)._child(name)))
        return next(merged, None)

    def _merged(self) -> list[Node]:
        """The blocks behind `<<`, as they are written."""
        assert isinstance(self.node, Mapping)
        behind = [value for key, value in self.node.pairs if _merges(key)]
        return [block for value in behind for block in (value.items if isinstance(value, Sequence) else (value,))]

    def _pairs(self, what: str) -> Iterator[tuple[str, Cursor]]:
        """Keys and values, merged ones (`<<`) behind the block's own and only where it has none. A null key is
        skipped."""
        if self.is_null:
            return
        if not isinstance(self.node, Mapping):
            raise self.fail(f"must be {what}", self._shown())
        seen: dict[str, int] = {}
        merging = False
        for key, value in self.node.pairs:
            if not isinstance(key, Scalar):
                raise SdlInvalid(self.path, "a key must be a text", line=key.line, column=key.column)
            if key.text in seen:
                what = f"the key {key.text!r} is already given on line {seen[key.text]}"
                raise SdlInvalid(self._under(key.text), what, line=key.line, column=key.column)
            seen[key.text] = key.line
            if _merges(key):
                merging = True
            elif not key.is_null:
                yield key.text, Cursor(value, self._under(key.text), self.notes, key)
        for block in self._merged() if merging else ():
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


def layered(blocks: Iterable[Cursor], read: Callable[[str, Cursor], T]) -> dict[str, T]:
    """What several blocks of one name say together: a later entry replaces an earlier one unless it is null, and a null
    block takes all away."""
    found: dict[str, T] = {}
    for block in blocks:
        if not block:
            found.clear()
        for name, inner in block.entries():
            entry = read(name, inner)
            if inner or name not in found:
                found[name] = entry
    return found


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


def _merges(key: Node) -> bool:
    return isinstance(key, Scalar) and key.plain and key.text == "<<"


def _in_turn(at: Cursor) -> Iterable[tuple[Node, Node]]:
    if isinstance(at.node, Mapping):
        return at.node.pairs
    if not isinstance(at.node, Sequence):
        return ()
    if len(at.node.items) % 2:
        raise at.fail("must be a block of keys and values")
    return zip(at.node.items[::2], at.node.items[1::2], strict=True)
