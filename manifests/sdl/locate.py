"""Tells a fault found in groups or manifest by its place in the file: `groups[0].resources[1].cpu` → line 31, cpu
units."""

from __future__ import annotations

import re
from collections.abc import Mapping

from manifests.errors import ManifestInvalid, SdlInvalid
from manifests.sdl.cursor import Cursor

_STEP = re.compile(r"\.?([A-Za-z_]+)|\[([0-9]+)\]")
_AS_WRITTEN: dict[str, tuple[str, ...]] = {
    "cpu": ("cpu", "units"),
    "memory": ("memory", "size"),
    "gpu": ("gpu", "units"),
    "hosts": ("accept",),
}


def located(error: ManifestInvalid, places: Mapping[str, Cursor]) -> SdlInvalid:
    """The same refusal at the nearest known place."""
    known, rest = error.path, ""
    while known not in places:
        cut = max(known.rfind("."), known.rfind("["), 0)
        known, rest = known[:cut], known[cut:] + rest
    names: list[str | int] = []
    for word, index in _STEP.findall(rest):
        names += [int(index)] if index else _AS_WRITTEN.get(word, (word,))
    return places[known].find(*names).fail(error.message, error.value)
