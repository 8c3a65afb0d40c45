"""The SDL compiler: a tenant's YAML → the groups of a deployment, its manifest, and the version hash that ties them.

It answers as the reference does, byte for byte, including the accidents that hashes depend on (sdl-manifest.md), with
two deliberate differences: where the reference crashes this refuses, and what is absurdly large is refused early. The
way through:

    yamlnodes.compose   text → nodes                     bounded in size and depth
    document.read_file  nodes → blocks                   what is written, decoded by what is wanted
    agree.check_agree   blocks among each other          what is deployed exists
    build.build         blocks → groups and manifest     one pass, so that both always fit
    check.*             limits of chain and manifest     the same rules a provider applies to a stranger's manifest
"""

from __future__ import annotations

from dataclasses import dataclass

from manifests.check import check_agreement, check_groups, check_manifest
from manifests.digest import version as version_of
from manifests.errors import ManifestInvalid, SdlInvalid
from manifests.manifest import Manifest
from manifests.resources import GroupSpec
from manifests.sdl.agree import check_agree
from manifests.sdl.build import build
from manifests.sdl.cursor import Notes
from manifests.sdl.document import read_file
from manifests.sdl.locate import located
from manifests.sdl.surprises import SdlWarning, surprises, unread_keys
from manifests.yamlnodes import compose

__all__ = ["Compiled", "Notes", "SdlInvalid", "SdlWarning", "compile_sdl", "unread_keys"]


@dataclass(frozen=True, slots=True)
class Compiled:
    """`version` is 32 bytes. `reclamation_min_window_s` is None when the file has no such block, else whole seconds,
    rounded up; it goes into the message that creates the deployment, not into the manifest."""

    groups: tuple[GroupSpec, ...]
    manifest: Manifest
    version: bytes
    reclamation_min_window_s: int | None
    warnings: tuple[SdlWarning, ...]


def compile_sdl(text: str | bytes, notes: Notes | None = None) -> Compiled:
    """Compile one SDL file. Raises SdlInvalid, with path and line, and nothing else, whatever the text is.

    What was noticed until then is in `notes`, for whoever passes them."""
    notes = Notes() if notes is None else notes
    source = compose(text, own_tags=True)
    file = read_file(source.root, notes)
    check_agree(file)
    built = build(file)
    try:
        check_groups(built.groups)
        check_manifest(built.manifest)
        check_agreement(built.manifest, built.groups)
    except ManifestInvalid as e:
        raise located(e, built.places) from None
    seconds = None if file.reclamation_ns is None else -(-file.reclamation_ns // 10**9)
    version = version_of(built.manifest)
    return Compiled(built.groups, built.manifest, version, seconds, surprises(file, built, notes, source.more))
