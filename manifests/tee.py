"""Trusted execution environments: who asks for one, on chain and in a manifest (sdl-manifest.md §8,
kubernetes.md §2.16).

This provider gives none: it starts no encrypted machine and hands out no quote that would prove one. A tenant who was
served all the same would believe his data hidden from the operator, so whoever asks is refused.
"""

from __future__ import annotations

from collections.abc import Container

from manifests.attributes import glob
from manifests.errors import ManifestInvalid
from manifests.manifest import Manifest
from manifests.resources import Attributes

TEE_TYPE = "tee/type"
"""The attribute that an SDL file's `params.tee` becomes in the placement's requirements."""


def tee_required(required: Attributes) -> str:
    """The type that a placement demands, `cpu` or `cpu-gpu`; "" when it demands none. Its key may be a pattern."""
    return next((wanted.value for wanted in required if glob(wanted.key, TEE_TYPE)), "")


def check_no_tee(manifest: Manifest, groups: Container[str]) -> None:
    """ManifestInvalid names the first service, of the groups with these names, that is to run in one."""
    for g, group in enumerate(manifest):
        for s, service in enumerate(group.services) if group.name in groups else ():
            tee = service.params.tee if service.params is not None else None
            if tee is not None:
                what = "this provider gives no trusted execution environment; take tee out, or choose another provider"
                raise ManifestInvalid(f"[{g}].services[{s}].params.tee", what, value=tee.type)
