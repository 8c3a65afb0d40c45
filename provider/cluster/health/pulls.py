"""Why an image could not be had, read from the words of kubelets, containerd and CRI-O. Pure.

A lease is closed over an image that is not there, so only words that say for sure that it is the image count as that:
its name or tag is unknown, may not be read, is no name, or is of another processor. Whatever else goes wrong on the
way is the registry's, as far as anybody can tell, or the node's own, whose disk takes no image. `not found` alone says
little: containerd says so of its own files too. Names of images are taken out first, since they are tenants' words.
"""

from __future__ import annotations

import re
from typing import Literal

Lacks = Literal["image", "registry", "node", "unsaid"]

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
    r"<image>: not found|manifest unknown|name unknown|repository name not known|does not exist or no pull access"
    r"|manifest for \S+ not found|manifests\b[^:]*: 404\b|: 40[13]\b|unauthorized: |authentication required"
    r"|pull access denied|(^|: )denied\b|access to the resource is denied|insufficient_scope"
    r"|invalid reference|could(n't| not) parse|no match for platform|no matching manifest"
)
_ONLY_WAITS = re.compile(r"back-off pulling image <name>\W*")


def lacks(said: str) -> Lacks:
    """What is missing for the pull; "unsaid" where the kubelet tells only that it waits before it tries again."""
    text = _NOT_FOUND.sub("<image>", _URL.sub(_part, _QUOTED.sub("<name>", said.lower())))
    if not text or _ONLY_WAITS.fullmatch(text):
        return "unsaid"
    if _NODE.search(text):
        return "node"
    if _REGISTRY.search(text):
        return "registry"
    return "image" if _IMAGE.search(text) else "registry"


def _part(url: re.Match[str]) -> str:
    """Of a registry: what a refusal was about, without the names in the address."""
    return next((f"<{part}>" for part in ("manifests", "blobs") if f"/{part}/" in url.group()), "<url>")
