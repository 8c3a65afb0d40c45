"""Whether what a provider says about itself grants what an order requires (chain.md §6.2 and §6.3).

The required key is a glob of Go's `filepath.Match`: `*` and `?` stop at `/`, and a star takes the leftmost place
where what follows it fits and never reconsiders. Keys come from strangers, so matching is written out here, without a
regular expression that could be made to run for hours. Values are compared verbatim."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from manifests.resources import Attribute, Attributes, Gpu, Storage

CAPABILITIES = "capabilities/"
_SPECIAL = re.compile(r"[*?\[\\]")
_KEY = re.compile(r"[a-zA-Z][\w/.\-]{1,126}[\w*]?", re.ASCII)


def valid_key(key: str) -> bool:
    """The chain's rule for keys of resource and provider attributes: 2 to 128 characters, a star only at the end."""
    return _KEY.fullmatch(key) is not None


def glob(pattern: str, text: str) -> bool:
    """Go's `filepath.Match` on a slash-separated text; a malformed pattern matches nothing."""
    try:
        chunks = _parsed(pattern)
    except _BadPattern:
        return False
    at = 0
    for number, chunk in enumerate(chunks):
        found = _place(chunk, text, at, number == len(chunks) - 1)
        if found is None:
            return False
        at = found
    return at == len(text)


def satisfies(required: Attributes, provided: Attributes) -> bool:
    """Every required attribute is granted by some provided one."""
    return all(granted(wanted, provided) for wanted in required)


def granted(wanted: Attribute, provided: Attributes) -> bool:
    """Some provided attribute has a key that matches the wanted one, and the same value."""
    key, value = wanted.key, wanted.value
    plain = _SPECIAL.search(key) is None  # nearly always; and it matches nothing but itself
    return any(own.value == value and (own.key == key if plain else glob(key, own.key)) for own in provided)


def missing(required: Attributes, provided: Attributes) -> Attributes:
    """What of `required` nothing grants, in its order: for telling why not."""
    return tuple(wanted for wanted in required if not granted(wanted, provided))


def storage_groups(provided: Attributes) -> tuple[Attributes, ...]:
    """The kinds of storage a provider publishes: `capabilities/storage/<n>/<key>` gathered by `<n>`, in order of
    appearance."""
    groups: dict[str, list[Attribute]] = {}
    for own in provided:
        parts = own.key.split("/")
        if len(parts) == 4 and parts[:2] == ["capabilities", "storage"]:
            groups.setdefault(parts[2], []).append(Attribute(parts[3], own.value))
    return tuple(tuple(group) for group in groups.values())


def storage_granted(volume: Storage, kinds: tuple[Attributes, ...]) -> bool:
    """A volume's attributes must all be in one kind of storage (`storage_groups`); a volume without attributes needs
    none."""
    return not volume.attributes or any(satisfies(volume.attributes, kind) for kind in kinds)


def gpu_capabilities(provided: Attributes) -> Attributes:
    """The cards a provider publishes, in the words of an order: `capabilities/gpu/vendor/…` without the prefix."""
    prefix = CAPABILITIES + "gpu/"
    return tuple(
        Attribute(own.key.removeprefix(prefix), own.value)
        for own in provided
        if own.key.startswith(prefix) and own.key.count("/") >= 3
    )


def gpu_granted(gpu: Gpu, cards: Attributes) -> bool:
    """Any one of the models asked for is enough (`gpu_capabilities`); no GPU, or no model named, always passes."""
    return gpu.units == 0 or not gpu.attributes or any(granted(wanted, cards) for wanted in gpu.attributes)


class _BadPattern(Exception):
    pass


_Single = Callable[[str], bool]
"""Whether one character is taken."""


@dataclass(frozen=True, slots=True)
class _Chunk:
    """What stands between two stars; `star` tells whether one precedes it."""

    star: bool
    singles: tuple[_Single, ...]

    def fits(self, text: str, at: int) -> bool:
        end = at + len(self.singles)
        return end <= len(text) and all(takes(c) for takes, c in zip(self.singles, text[at:end], strict=True))


def _place(chunk: _Chunk, text: str, at: int, last: bool) -> int | None:
    """Where the text goes on after `chunk`, the leftmost fit; the last chunk must reach the end."""
    if chunk.star and not chunk.singles:
        return None if "/" in text[at:] else len(text)
    start = at
    while True:
        end = start + len(chunk.singles)
        if chunk.fits(text, start) and (not last or end == len(text)):
            return end
        if not chunk.star or start >= len(text) or text[start] == "/":
            return None
        start += 1


def _parsed(pattern: str) -> tuple[_Chunk, ...]:
    chunks: list[_Chunk] = []
    star, singles, at = False, list[_Single](), 0
    while at < len(pattern):
        c = pattern[at]
        if c == "*":
            if singles:
                chunks.append(_Chunk(star, tuple(singles)))
            star, singles = True, []
            at += 1
        elif c == "?":
            singles.append(_not_slash)
            at += 1
        elif c == "[":
            takes, at = _class(pattern, at + 1)
            singles.append(takes)
        else:
            c, at = _literal(pattern, at)
            singles.append(c.__eq__)
    if singles or star:
        chunks.append(_Chunk(star, tuple(singles)))
    return tuple(chunks)


def _not_slash(c: str) -> bool:
    return c != "/"


def _class(pattern: str, at: int) -> tuple[_Single, int]:
    """`[a-z]` or `[^a-z]` from behind its bracket on."""
    negated = pattern.startswith("^", at)
    at += negated
    ranges: list[tuple[str, str]] = []
    while not (ranges and pattern.startswith("]", at)):
        low, at = _bound(pattern, at)
        high = low
        if pattern.startswith("-", at):
            high, at = _bound(pattern, at + 1)
        ranges.append((low, high))
    return (lambda c: any(low <= c <= high for low, high in ranges) != negated), at + 1


def _bound(pattern: str, at: int) -> tuple[str, int]:
    if at >= len(pattern) or pattern[at] in "-]":
        raise _BadPattern
    c, at = _literal(pattern, at)
    if at >= len(pattern):
        raise _BadPattern
    return c, at


def _literal(pattern: str, at: int) -> tuple[str, int]:
    if pattern[at] == "\\":
        at += 1
        if at >= len(pattern):
            raise _BadPattern
    return pattern[at], at + 1
