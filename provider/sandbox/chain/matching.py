"""May this provider bid on this group? Placement attributes with auditors, then storage and GPU capabilities
(chain.md §6.2–6.3).

Keys of requirements are globs where `*` does not cross a slash. CPU and memory attributes are not looked at, and
neither is capacity.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any

Attributes = Iterable[Any]
"""messages or anything with `key` and `value`"""


def placement_fits(requirements: Any, own: Attributes, audited: Callable[[str], Attributes | None]) -> bool:
    """`audited(auditor)` is what that auditor signed for the provider, or None."""
    wanted, signed_by = requirements.attributes, requirements.signed_by
    if not signed_by.all_of and not signed_by.any_of:
        return satisfies(wanted, own)

    def vouches(auditor: str) -> bool:
        signed = audited(auditor)
        return signed is not None and satisfies(wanted, signed)

    if not all(vouches(auditor) for auditor in signed_by.all_of):
        return False
    return not signed_by.any_of or any(vouches(auditor) for auditor in signed_by.any_of)


def satisfies(wanted: Attributes, provided: Attributes) -> bool:
    """Every wanted attribute is met by one provided."""
    have = [(a.key, a.value) for a in provided]
    return all(any(glob(w.key, key) and w.value == value for key, value in have) for w in wanted)


def resources_fit(units: Iterable[Any], own: Attributes) -> bool:
    """Storage classes and GPU models of every unit are among the provider's own capabilities."""
    have = [(a.key, a.value) for a in own]
    volumes = _storage_groups(have)
    gpus = [
        (key.removeprefix("capabilities/gpu/"), value)
        for key, value in have
        if key.startswith("capabilities/gpu/") and key.count("/") >= 3
    ]
    for unit in units:
        resource = unit.resource
        for volume in resource.storage:
            wanted = {(a.key, a.value) for a in volume.attributes}
            if wanted and not any(wanted <= group for group in volumes):
                return False
        gpu = resource.gpu
        if (
            int(gpu.units.val or b"0") > 0
            and gpu.attributes
            and not any(glob(a.key, key) and a.value == value for a in gpu.attributes for key, value in gpus)
        ):
            return False
    return True


def glob(pattern: str, text: str) -> bool:
    """Path rules: `*` any run without a slash, `?` one character but a slash, `[…]` a class; a malformed pattern
    matches nothing.
    """
    compiled = _compiled(pattern)
    return compiled is not None and compiled.fullmatch(text) is not None


def _storage_groups(have: list[tuple[str, str]]) -> list[set[tuple[str, str]]]:
    groups: dict[str, set[tuple[str, str]]] = {}
    for key, value in have:
        parts = key.split("/")
        if parts[:2] == ["capabilities", "storage"] and len(parts) == 4:
            groups.setdefault(parts[2], set()).add((parts[3], value))
    return list(groups.values())


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> re.Pattern[str] | None:
    out, at = "", 0
    while at < len(pattern):
        char = pattern[at]
        at += 1
        if char == "*":
            out += "[^/]*"
        elif char == "?":
            out += "[^/]"
        elif char == "\\":
            if at == len(pattern):
                return None
            out += re.escape(pattern[at])
            at += 1
        elif char == "[":
            end = pattern.find("]", at + 1)
            if end < 0:
                return None
            inside = pattern[at:end]
            negated = inside.startswith("^")
            body = re.sub(r"([\[\]\\^&~|])", r"\\\1", inside[1:] if negated else inside)
            out += f"[{'^' if negated else ''}{body}]"
            at = end + 1
        else:
            out += re.escape(char)
    try:
        return re.compile(out, re.DOTALL)
    except re.error:
        return None
