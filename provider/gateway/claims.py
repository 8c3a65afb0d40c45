"""Who a caller is and what they may do: the value both ways of identifying lead to. Pure.

A client certificate gives full access to the owner's own things; a token may give less (jwt.py). What the scopes open
is decided in authorize.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Access(StrEnum):
    NONE = "none"
    """nobody: public routes only"""
    FULL = "full"
    SCOPED = "scoped"
    GRANULAR = "granular"


class Scope(StrEnum):
    """gateway-auth.md §3.1."""

    SEND_MANIFEST = "send-manifest"
    GET_MANIFEST = "get-manifest"
    LOGS = "logs"
    SHELL = "shell"
    EVENTS = "events"
    STATUS = "status"
    RESTART = "restart"
    HOSTNAME_MIGRATE = "hostname-migrate"
    IP_MIGRATE = "ip-migrate"
    ATTESTATION = "attestation"


@dataclass(frozen=True, slots=True)
class DeploymentGrant:
    """One entry of `deployments`; gseq and oseq 0 stand for any."""

    dseq: int
    scope: frozenset[Scope]
    services: frozenset[str]
    gseq: int = 0
    oseq: int = 0


@dataclass(frozen=True, slots=True)
class Permission:
    """What a granular token says about one provider."""

    provider: str
    access: Access
    scope: frozenset[Scope] = frozenset()
    deployments: tuple[DeploymentGrant, ...] = ()


@dataclass(frozen=True, slots=True)
class Claims:
    owner: str
    """bech32 address; empty for nobody"""
    access: Access
    scope: frozenset[Scope] = frozenset()
    permissions: tuple[Permission, ...] = ()
    expires_unix_s: float | None = None
    """None: as long as the connection's certificate is good"""


NOBODY = Claims("", Access.NONE)
