"""The 32 bytes a deployment carries on chain: SHA-256 over the manifest's canonical JSON (sdl-manifest.md §11).

Canonical means keys in byte order, no white space, UTF-8, and Go's escapes for characters that HTML or JavaScript
would misread. It is computed from our decoded manifest, never from a tenant's bytes, so a field we do not know cannot
hide in it."""

from __future__ import annotations

import hashlib
import json

from manifests.manifest import Manifest, ManifestGroup
from manifests.wire import manifest_json

_ESCAPES = str.maketrans({c: f"\\u{ord(c):04x}" for c in "<>&\u2028\u2029"})


def canonical(manifest: Manifest) -> bytes:
    text = json.dumps(manifest_json(manifest), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.translate(_ESCAPES).encode()


def version(manifest: Manifest) -> bytes:
    """32 bytes; equals `hash` of the deployment on chain when the manifest is the one it was made for."""
    return hashlib.sha256(canonical(manifest)).digest()


def revision(group: ManifestGroup) -> str:
    """What the objects of a lease are labelled with (akash.network/manifest.resource.version): changes with the group
    and with nothing else."""
    return version((group,)).hex()[:16]
