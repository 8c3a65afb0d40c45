"""Why an image could not be had, read from the words of kubelets, containerd and CRI-O. Pure.

A lease is closed over an image that is not there, so only words that say for sure that it is the image count as that:
its name or tag is unknown, may not be read, is no name, or is of another processor. That it may not be read is its
tenant's matter only where nobody else's key was tried and nobody else's mirror was asked. Whatever else goes wrong
on the way is the registry's, as far as anybody can tell, or the node's own, whose disk takes no image. `not found`
alone says little: containerd says so of its own files too. Names of images are taken out first, since they are
tenants' words.
"""

from __future__ import annotations

import re
from typing import Literal

Lacks = Literal["image", "registry", "node", "unsaid"]
Keys = Literal["none", "tenant", "operator"]
"""Whose credentials the pod pulls its images with."""

_QUOTED = re.compile(r'"[^"]*"')
_URL = re.compile(r"https?://\S+?(?=:?(\s|$))")
_NOT_FOUND = re.compile(r"(?<![^\s(])[^\s/]+/\S+(?=: not found)")
"""A name with its registry, as containerd writes it; a file's path begins with a slash."""

_NODE = re.compile(
    r"no space left on device|input/output error|read-only file system|structure needs cleaning|quota exceeded"
    r"|malformed|permission denied|cannot allocate memory|too many open files|no such device|code = unavailable"
    r"|snapshot|failed to extract|failed to (un)?mount|content store|content digest"
)
_REGISTRY = re.compile(
    r"time(d )?out|deadline exceeded|canceled|connection (refused|reset)|broken pipe|goaway|\beof\b|no such host"
    r"|name resolution|no route to host|network is unreachable|server misbehaving|tls handshake|x509|proxyconnect"
    r"|too ?many ?requests|rate limit|(: |status )(429|5\d\d)\b|\[blobs? |<blobs>|httpreadseeker"
)
_IMAGE = re.compile(
    r"<image>: not found|manifest unknown|name unknown|repository name not known"
    r"|manifest for \S+ not found|manifests\b[^:]*: 404\b"
    r"|invalid reference|could(n't| not) parse|no match for platform|no matching manifest"
)
_CLOSED = re.compile(
    r"does not exist or no pull access|manifests\b[^:]*: 401\b|unauthorized: |authentication required"
    r"|pull access denied|(^|: )denied\b|access to the resource is denied|insufficient_scope"
)
"""The repository is private, or not there."""
_REFUSED = re.compile(r": 40[13]\b|failed to authorize")
"""Said of a key as well as of an address that is blocked."""
_OF_KEYS = re.compile(r"failed to authorize|fetch \w+ token|incorrect username or password")
"""Said of a key, or by the server that gives tokens for it."""
_MIRROR = re.compile(r"https?://[^\s\"]+[?&]ns=")
"""containerd tells a mirror by this for which registry it asks."""
_ONLY_WAITS = re.compile(r"back-off pulling image <name>\W*")


def lacks(said: str, keys: Keys = "none") -> Lacks:
    """What is missing for the pull; "unsaid" where the kubelet tells only that it waits before it tries again."""
    mirror = _MIRROR.search(said.lower()) is not None
    text = _NOT_FOUND.sub("<image>", _URL.sub(_part, _QUOTED.sub("<name>", said.lower())))
    if not text or _ONLY_WAITS.fullmatch(text):
        return "unsaid"
    if _NODE.search(text):
        return "node"
    if _REGISTRY.search(text):
        return "registry"
    if _IMAGE.search(text) or (not mirror and _may_not_be_read(text, keys)):
        return "image"
    return "registry"


def _may_not_be_read(text: str, keys: Keys) -> bool:
    """By what the tenant wrote."""
    if keys == "tenant":
        return any(words.search(text) for words in (_CLOSED, _REFUSED, _OF_KEYS))
    return keys == "none" and _CLOSED.search(text) is not None and _OF_KEYS.search(text) is None


def _part(url: re.Match[str]) -> str:
    """Of a registry: what a refusal was about, without the names in the address."""
    return next((f"<{part}>" for part in ("manifests", "blobs") if f"/{part}/" in url.group()), "<url>")
