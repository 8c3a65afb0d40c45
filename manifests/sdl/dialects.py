"""What the network's own tools do not all read alike (sdl-manifest.md §14, §18.3): words for true, versions, empty
lists.

The same file then has two hashes, or is refused by one tool and taken by another. Each spot comes with what to write so
that all agree."""

from __future__ import annotations

from collections.abc import Iterator

from manifests.sdl.cursor import Cursor
from manifests.sdl.document import KEYS, SdlFile
from manifests.yamlnodes import Scalar

_EVERYWHERE = ("true", "false")
_VERSIONS = ("2.0", "2.1")

Spot = tuple[Cursor, str]


def dialects(file: SdlFile) -> Iterator[Spot]:
    """For the services that are deployed."""
    version = file.root.find("version")
    if version.raw not in _VERSIONS:
        yield version, f"{version.raw!r} is read by the rules of {file.rules}; other tools take only 2.0 and 2.1"
    elif isinstance(version.node, Scalar) and version.node.plain:
        yield version, f'other tools take the version as text only; write version: "{version.raw}"'
    seen: set[str] = set()
    for key, block in file.root.written(*KEYS, what="an SDL file"):
        if key in seen:
            yield block, f"other tools refuse a second {key}; join the two blocks"
        seen.add(key)
    for name in sorted({d.service for d in file.deployed}):
        service = file.services[name]
        for exposed in service.expose:
            if exposed.accept == ():
                yield exposed.at.find("accept"), "an empty list gives another version hash than leaving the key out"
            yield from (spot for to in exposed.to for spot in _truth(to.at.find("global")))
        for mount in service.params.mounts if service.params else ():
            yield from _truth(mount.at.find("readOnly"))


def _truth(at: Cursor) -> Iterator[Spot]:
    if isinstance(at.node, Scalar) and not at.is_null and at.raw.lower() not in _EVERYWHERE:
        yield at, f"{at.raw!r} is a truth to some tools and a text to others; write true or false"
