"""What the gateway needs from the rest of the daemon: one desk to hand things in and to ask at.

Every method takes ids and values only; that the caller may name a lease has been decided before (authorize.py), and
the owner in an id always is the authenticated one. A refusal is an `Answer`: status and the exact text, because
clients match on both.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from manifests.ids import LeaseID

Allowed = Callable[[LeaseID, str], None]
"""Lease and service; raises Unauthorized when the caller may not move names to or from it."""


class Answer(Exception):
    """A refusal to be sent as it is: HTTP status and a plain text without a newline (gateway-auth.md §5)."""

    def __init__(self, status: int, text: str) -> None:
        self.status, self.text = status, text
        super().__init__(f"{status} {text}")


class Desk(Protocol):
    @property
    def provider(self) -> str:
        """Our own address."""

    def status(self) -> dict[str, Any]:
        """The body of GET /status, keys as in gateway-auth.md §5.1. Costs nothing: it is polled by strangers."""

    def version(self) -> dict[str, Any]:
        """The body of GET /version: `{"akash": {…, "version", "cosmos_sdk_version"}, "kube": {…}}`. Costs nothing
        either."""

    async def submit_manifest(self, owner: str, dseq: int, body: bytes) -> None:
        """Take a manifest for the deployment owner/dseq. `body` is what the tenant sent, unread.

        Raises Answer: 404 "no lease for deployment", 422 "manifest version validation failed" or another text of
        §5.2."""

    def lease_status(self, lease: LeaseID) -> dict[str, Any]:
        """`{"services": {name: {…}}, "forwarded_ports": {name: […]} | None, "ips": … | None}` (§5.4); Answer 404
        "lease not found"."""

    def lease_manifest(self, lease: LeaseID) -> list[dict[str, Any]]:
        """The one group of the manifest that this lease runs, in the JSON form of §8.1; Answer 404 "lease not
        found"."""

    async def migrate_hostnames(self, owner: str, dseq: int, gseq: int, names: Sequence[str], allowed: Allowed) -> None:
        """Make host names lead to this deployment of the owner (§5.7). Answer 400 with the reference's texts when
        there is no such deployment, it has no such name, or another tenant has it; `allowed` is asked for every
        deployment that gets or loses one."""

    async def migrate_endpoints(self, owner: str, dseq: int, gseq: int, names: Sequence[str], allowed: Allowed) -> None:
        """The same for leased addresses by their names in the SDL (§5.8)."""

    async def certificate(self, owner: str, serial: int) -> bytes | None:
        """PEM of the certificate, or of its public key, that the chain holds as valid; None when absent or revoked."""

    async def account_key(self, owner: str) -> bytes | None:
        """The 33 bytes of the account's secp256k1 key; None when the account has none (it never signed a
        transaction)."""
