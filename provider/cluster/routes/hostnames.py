"""Which host names a tenant may not have at all: those the operator has blocked, and the provider's own. Pure.

Under the domain of generated names a tenant may choose a name of his own, as with the reference, but none that looks
like a generated one: another lease's name can be computed before that lease has claimed it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from manifests.hostnames import blocked_by, looks_generated
from manifests.manifest import ManifestGroup, Service
from provider.settings import ClusterSettings


def keeping(settings: ClusterSettings, own: Iterable[str]) -> ClusterSettings:
    """The settings with more names that no tenant may have: whoever had that of the gateway could have a certificate
    for it, too."""
    kept = (*settings.blocked_hostnames, *(name.lower() for name in own))
    return settings.model_copy(update={"blocked_hostnames": tuple(dict.fromkeys(kept))})


def given_hosts(service: Service) -> list[str]:
    """The names that the tenant wrote for routes to this service."""
    return [host.lower() for e in service.expose if e.is_ingress for host in e.hosts or ()]


def nameless(group: ManifestGroup) -> str | None:
    """The first service that HTTP cannot reach because no name is given, where none is generated."""
    for service in group.services:
        if any(expose.is_ingress and not expose.hosts for expose in service.expose):
            return service.name
    return None


def why_blocked(hosts: Iterable[str], settings: ClusterSettings, generated: Collection[str] = ()) -> str | None:
    """Why the first that may not be had may not, in the reference's words (gateway-auth.md §5.2); None when all may.
    `generated` is the name of the service that asks."""
    for host in hosts:
        if host in generated:
            continue
        if (entry := blocked_by(host, settings.blocked_hostnames)) is not None:
            which = f'domain "{entry}"' if entry.startswith((".", "*.")) else f'"{host}"'
            return f"hostname not allowed: {which} is blocked by this provider"
        if _is_own(host, settings):
            return blocked(host)
    return None


def blocked(host: str, why: str = "") -> str:
    """In the reference's words, and why where it is not plain."""
    return f'hostname not allowed: "{host}" is blocked by this provider' + (f": {why}" if why else "")


def _is_own(host: str, settings: ClusterSettings) -> bool:
    domain = settings.ingress_domain
    return host in (domain, settings.public_hostname.lower()) or looks_generated(host, domain)
