"""Host names: which are valid, the one a lease's service gets by itself, and the key under which ports share a leased
address.

The generated names are the reference's (kubernetes.md §1.1), so that its leases can be adopted and links keep working.
"""

from __future__ import annotations

import base64
import hashlib
import re
import uuid
from collections.abc import Iterable

from manifests.ids import LeaseID

MAX_HOSTNAME = 253
_LABEL = r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN = re.compile(rf"{_LABEL}(?:\.{_LABEL})*", re.ASCII)
_GENERATED = re.compile(r"[a-v0-9]{26}", re.ASCII)
_PLAIN_ENDPOINT = re.compile(r"[a-z\d\-]+", re.ASCII)


def is_hostname(text: str) -> bool:
    """A DNS-1123 subdomain: lower-case letters, digits, `-` and `.`, at most 253 characters; no wildcard, no
    underscore."""
    return len(text) <= MAX_HOSTNAME and _SUBDOMAIN.fullmatch(text) is not None


def static_host(lease: LeaseID, service: str, domain: str) -> str:
    """The host name a service with an ingress gets under the provider's `domain`, e.g.
    `f4hda8….ingress.example.com`."""
    named = uuid.uuid5(uuid.NAMESPACE_DNS, f"{lease}{service}").bytes
    return f"{_base32(named)}.{domain}"


def ip_sharing_key(owner: str, endpoint: str) -> str:
    """Ports of one owner with the same endpoint name share an address under this key; unusual names are hashed."""
    name = endpoint if _PLAIN_ENDPOINT.fullmatch(endpoint) else _base32(hashlib.sha256(endpoint.encode()).digest()[:15])
    return f"{owner}-ip-{name}"


def blocked_by(hostname: str, blocked: Iterable[str]) -> str | None:
    """The entry of the operator's list that forbids a name: an exact name, `.example.com` for that name and all below
    it (bidengine-inventory.md §8.5), `*.example.com` for those below it only; None when it is free."""
    name = hostname.lower()
    for entry in blocked:
        text = entry.strip().lower()
        below = text.removeprefix("*")
        if name == text or (below.startswith(".") and name.endswith(below)) or (text[:1] == "." and name == text[1:]):
            return entry
    return None


def looks_generated(hostname: str, domain: str) -> bool:
    """Whether it could be some lease's `static_host` under `domain`."""
    first, _, rest = hostname.lower().partition(".")
    return bool(domain) and rest == domain.lower() and _GENERATED.fullmatch(first) is not None


def _base32(data: bytes) -> str:
    return base64.b32hexencode(data).decode().rstrip("=").lower()
