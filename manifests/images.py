"""Which images a provider lets tenants run: by registry, by repository, and whether a digest must pin them.

A short name is judged by what a cluster makes of it (`nginx` is docker.io/library/nginx), and a registry by what it
is called in the end: other spellings of its name, its default port and Docker Hub's other names make no difference.
A reference that cannot be read is refused wherever there is a policy at all. A name proves little: who can push to an
allowed registry can run what he likes, and a denied image can be copied elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Container
from dataclasses import dataclass

from manifests.attributes import glob
from manifests.errors import ManifestInvalid
from manifests.manifest import Manifest

_MAX_TEXT = 512
_HUB = "docker.io"
_HUB_TOO = frozenset({"index.docker.io", "registry-1.docker.io", "registry.hub.docker.com", "hub.docker.com"})
_HOST = re.compile(r"[a-z0-9.-]+(:[0-9]{1,5})?|\[[0-9a-f:.]+\](:[0-9]{1,5})?", re.ASCII)
_DEFAULT_PORT = re.compile(r":0*443$")
_COMPONENT = re.compile(r"[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*", re.ASCII)
_TAG = re.compile(r"\w[\w.-]{0,127}", re.ASCII)
_DIGEST = re.compile(r"sha(256:[0-9a-f]{64}|384:[0-9a-f]{96}|512:[0-9a-f]{128})", re.ASCII)
_PATTERN = re.compile(r"[^\s/]+(/[^\s/]+)*", re.ASCII)


@dataclass(frozen=True, slots=True)
class ImagePolicy:
    """Patterns are `registry` or `registry/repository` with `*` inside a part and `**` for any number of parts:
    `ghcr.io`, `docker.io/library/*`, `**/xmrig*`. `deny` goes before `allow`."""

    allow: tuple[str, ...] = ()
    """when there are any, nothing else runs"""
    deny: tuple[str, ...] = ()
    digest_required: bool = False


def check_images(manifest: Manifest, policy: ImagePolicy, groups: Container[str]) -> None:
    """ManifestInvalid names the first service, of the groups with these names, whose image the policy refuses, and the
    rule."""
    for g, group in enumerate(manifest):
        for s, service in enumerate(group.services) if group.name in groups else ():
            found = objection(service.image, policy)
            if found is not None:
                raise ManifestInvalid(
                    f"[{g}].services[{s}].image",
                    f"service {service.name!r}: the image {service.image[:200]!r} {found}",
                    value=service.image,
                )


def objection(image: str, policy: ImagePolicy) -> str | None:
    """Why an image may not run here, as the end of a sentence that begins with it; None when it may."""
    if policy == ImagePolicy():
        return None
    read = _read(image)
    if read is None:
        return "cannot be judged by this provider's image policy: it is not a reference to an image"
    name, digest = read
    for pattern in policy.deny:
        if _matches(pattern, name):
            return f"is refused by this provider (images.deny: {pattern})"
    if policy.allow and not any(_matches(pattern, name) for pattern in policy.allow):
        return f"is not one this provider runs (images.allow: {', '.join(policy.allow)})"
    if policy.digest_required and not digest:
        return "has no digest, and this provider runs only images pinned by one (images.digestRequired)"
    return None


def valid_pattern(pattern: str) -> bool:
    """Whether a pattern can match anything: a bare word is neither a registry nor a repository."""
    first, slash, _ = pattern.partition("/")
    is_host = any(c in first for c in ".:*?[") or first == "localhost"
    return _PATTERN.fullmatch(pattern) is not None and (bool(slash) or is_host)


def _read(image: str) -> tuple[list[str], str] | None:
    """Registry and parts of the repository, and the digest; None when it is no reference."""
    if len(image) > _MAX_TEXT:
        return None
    name, at, digest = image.partition("@")
    *path, last = name.split("/")
    last, colon, tag = last.partition(":")
    parts = [*path, last]
    if (at and not _DIGEST.fullmatch(digest)) or (colon and not _TAG.fullmatch(tag)):
        return None
    if len(parts) > 1 and (any(c in parts[0] for c in ".:") or parts[0].lower() == "localhost"):
        host = parts.pop(0).lower()
    else:
        host = _HUB
    if not _HOST.fullmatch(host) or not all(_COMPONENT.fullmatch(part) for part in parts):
        return None
    host = _DEFAULT_PORT.sub("", host).rstrip(".")
    host = _HUB if host in _HUB_TOO else host
    if host == _HUB and len(parts) == 1:
        parts.insert(0, "library")
    return [host, *parts], digest


def _matches(pattern: str, name: list[str]) -> bool:
    """Which parts of the name may be used up after each part of the pattern, so no pattern takes long."""
    reached = {0}
    wanted = pattern.split("/")
    for part in wanted if len(wanted) > 1 or wanted == ["**"] else [*wanted, "**"]:
        if part == "**":
            reached = set(range(min(reached), len(name) + 1)) if reached else reached
        else:
            reached = {n + 1 for n in reached if n < len(name) and glob(part, name[n])}
    return len(name) in reached
