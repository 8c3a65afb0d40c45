"""YAML as nodes: every scalar keeps its text, whether it was quoted, and its place; nothing is resolved to a Python
value.

SDL gives the same text different meanings by where it stands (`yes` is a word in `env` and a truth in `global`), so
meaning is decided later, by the target (sdl-manifest.md §2). The one subtlety is size: an alias is a second pointer
to one node, so a small file can stand for a huge one. Depth and weight are therefore counted as if every alias were
written out, while the tree is built from the event stream, without recursion. Nodes are not frozen, though nobody
changes them: a file has thousands, and freezing would take a fifth of the time to compile one."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

import yaml

from manifests.errors import SdlInvalid
from manifests.yamlescapes import escapes_a_slash, text_with_slashes, with_apostrophes

MAX_TEXT_BYTES = 256 * 1024
MAX_DEPTH = 64
MAX_WEIGHT = 2 * 1024 * 1024
"""Characters of all scalars with aliases written out, each scalar counted as at least `_SCALAR` characters."""

MOST_READ_AGAIN_BYTES = 1024 * 1024
"""Of a text with apostrophes libyaml stops at, which it reads once more for each scalar that has them."""

_SCALAR = 16
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_CORE = "tag:yaml.org,2002:"
_TAGS = frozenset({"str", "int", "float", "bool", "null", "timestamp", "binary"})
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_INNER_BOM = re.compile(rb"(?:\A\xef\xbb\xbf|[\n\r]|\xc2\x85|\xe2\x80[\xa8\xa9])\xef\xbb\xbf")
"""libyaml skips such a mark at the start of any line, the reference only at the start of the file."""


@dataclass(slots=True, eq=False)
class Scalar:
    """`plain` is true for unquoted text without a tag; `tag` is the core tag's short name (`int`, `bool`, …), `str` for
    any other tag, or ""."""

    text: str
    plain: bool
    tag: str
    line: int
    column: int
    depth: int = 0
    weight: int = _SCALAR

    @property
    def is_null(self) -> bool:
        return (self.plain or self.tag == "null") and self.text in _NULLS


@dataclass(slots=True, eq=False)
class Sequence:
    items: tuple[Node, ...]
    line: int
    column: int
    depth: int
    weight: int


@dataclass(slots=True, eq=False)
class Mapping:
    """Pairs in file order, duplicates and merge keys (`<<`) still in place."""

    pairs: tuple[tuple[Node, Node], ...]
    line: int
    column: int
    depth: int
    weight: int


Node = Scalar | Sequence | Mapping


@dataclass(frozen=True, slots=True)
class Document:
    """`root` is None for an empty file; `more` tells that further documents follow, which nobody reads."""

    root: Node | None
    more: bool


def compose(text: str | bytes, *, own_tags: bool = False) -> Document:
    """The first document of a YAML text. Raises SdlInvalid, and nothing else, for whatever is not YAML or too large.

    Tags that are not of the core schema are refused, or with `own_tags` make a text of what they stand before."""
    data = _encoded(text)
    for _ in range(1 + MOST_READ_AGAIN_BYTES // (len(data) + 1)):
        try:
            return _composed(data, own_tags)
        except (yaml.YAMLError, UnicodeError) as e:
            stopped: Exception = e
        again = with_apostrophes(data, stopped)
        if again is None:
            break
        data = again
    raise _not_yaml(stopped, data)


def _composed(data: bytes, own_tags: bool) -> Document:
    builder = _Builder(own_tags)
    with_slashes = text_with_slashes(data)
    documents, ended = 0, False
    try:
        for event in yaml.parse(data, Loader=_LOADER):
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents == 1 and event.version not in (None, (1, 1)):
                    raise _refused(event, "only %YAML 1.1 is read by everyone; remove this line")
            elif isinstance(event, yaml.DocumentEndEvent):
                ended = bool(event.explicit)
            elif documents > 1:
                break
            elif isinstance(event, yaml.ScalarEvent) and escapes_a_slash(event, with_slashes):
                raise _refused(event, r"the escape \/ is not known to everyone; write / alone")
            else:
                builder.take(event)
    except (yaml.YAMLError, UnicodeError) as e:
        # What follows the first document is not read, except for the first word behind `---`.
        if builder.root is None or (isinstance(e, yaml.scanner.ScannerError) and not ended):
            raise
    return Document(builder.root, documents > 1)


def _not_yaml(e: Exception, data: bytes) -> SdlInvalid:
    if isinstance(e, yaml.reader.ReaderError):
        return _not_text(e, data)
    if not isinstance(e, yaml.MarkedYAMLError):
        return SdlInvalid("", f"not YAML: {' '.join(str(e).split())}")
    mark = e.problem_mark or e.context_mark
    what = " ".join(filter(None, (e.context, e.problem)))
    line, column = (mark.line + 1, mark.column + 1) if mark else (None, None)
    return SdlInvalid("", f"not YAML: {what}", line=line, column=column)


def _not_text(e: yaml.reader.ReaderError, data: bytes) -> SdlInvalid:
    """Bytes of another encoding, or a control character; libyaml counts its position in bytes."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return SdlInvalid("", f"not YAML: {e.reason}")
    at, what = e.position, f"{e.reason} (#x{e.character:02x})"
    try:
        data.decode()
    except UnicodeDecodeError as bad:
        if bad.start <= at:
            at, what = bad.start, "this is not UTF-8; save the file in that encoding"
    lines = f"{data[:at].decode(errors='replace')}?".splitlines()
    return SdlInvalid("", f"not YAML: {what}", line=len(lines), column=len(lines[-1]))


def _encoded(text: str | bytes) -> bytes:
    if isinstance(text, str):
        try:
            text = text.encode()
        except UnicodeEncodeError as e:
            raise SdlInvalid("", f"character {e.start + 1} is half of a surrogate pair, which is not text") from None
    if len(text) > MAX_TEXT_BYTES:
        raise SdlInvalid("", f"the file has too many bytes; at most {MAX_TEXT_BYTES} are read", value=len(text))
    if mark := _INNER_BOM.search(text):
        line = len(text[: mark.end() - 3].decode(errors="replace").splitlines()) + 1
        what = "this line begins with a byte order mark, which no editor shows; write the line anew"
        raise SdlInvalid("", what, line=line, column=1)
    return text


@dataclass(slots=True)
class _Open:
    """A collection whose end has not come yet."""

    mapping: bool
    anchor: str | None
    line: int
    column: int
    children: list[Node] = field(default_factory=list)


@dataclass(slots=True)
class _Builder:
    own_tags: bool
    root: Node | None = None
    stack: list[_Open] = field(default_factory=list)
    anchors: dict[str, Node | None] = field(default_factory=dict)
    """None while the anchored collection is still open: an alias to it would contain itself."""

    def take(self, event: object) -> None:
        match event:
            case yaml.ScalarEvent():
                self._add(_scalar(event, self.own_tags), event.anchor)
            case yaml.AliasEvent():
                self._add(self._aliased(event), None)
            case yaml.MappingStartEvent() | yaml.SequenceStartEvent():
                if len(self.stack) >= MAX_DEPTH:
                    raise _refused(event, f"nested more than {MAX_DEPTH} levels deep")
                if event.anchor is not None:
                    self.anchors[event.anchor] = None
                mapping = isinstance(event, yaml.MappingStartEvent)
                self.stack.append(_Open(mapping, event.anchor, *_position(event)))
            case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                done = self.stack.pop()
                self._add(_closed(done), done.anchor)

    def _add(self, node: Node, anchor: str | None) -> None:
        if anchor is not None:
            self.anchors[anchor] = node
        if self.stack:
            self.stack[-1].children.append(node)
        else:
            self.root = node

    def _aliased(self, event: yaml.AliasEvent) -> Node:
        if event.anchor not in self.anchors:
            raise _refused(event, f"the alias *{event.anchor} has no anchor &{event.anchor} before it")
        node = self.anchors[event.anchor]
        if node is None:
            raise _refused(event, f"the anchor &{event.anchor} contains itself")
        return node


def _scalar(event: yaml.ScalarEvent, own_tags: bool) -> Scalar:
    written = event.tag or ""
    tag = written.removeprefix(_CORE)
    if written == "!":
        tag = ""
    elif tag and (tag == written or tag not in _TAGS):
        if not own_tags:
            raise _refused(event, f"the tag {written} has no meaning here; remove it")
        tag = "str"
    plain = not tag and not event.style
    text = event.value
    return Scalar(text, plain, tag, *_position(event), weight=max(_SCALAR, len(text)))


def _closed(done: _Open) -> Node:
    weight = _SCALAR + sum(n.weight for n in done.children)
    depth = 1 + max((n.depth for n in done.children), default=0)
    if weight > MAX_WEIGHT:
        what = f"with aliases written out this would be more than {MAX_WEIGHT} characters"
        raise SdlInvalid("", what, line=done.line, column=done.column)
    if depth > MAX_DEPTH:
        what = f"with aliases written out this is nested more than {MAX_DEPTH} levels deep"
        raise SdlInvalid("", what, line=done.line, column=done.column)
    if not done.mapping:
        return Sequence(tuple(done.children), done.line, done.column, depth, weight)
    pairs: Iterable[tuple[Node, Node]] = zip(done.children[::2], done.children[1::2], strict=True)
    return Mapping(tuple(pairs), done.line, done.column, depth, weight)


def _refused(event: yaml.Event, what: str) -> SdlInvalid:
    line, column = _position(event)
    return SdlInvalid("", what, line=line, column=column)


def _position(event: yaml.Event) -> tuple[int, int]:
    """Line and column, counted from 1."""
    mark = event.start_mark
    return (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)
