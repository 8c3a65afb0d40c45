"""How the market names things: deployment, group, order, bid and lease, and the namespace a lease lives in.

Ids are values: equal by content, ordered as the chain orders keys (by the text of the address, then by number).
A bid and the lease it becomes have the same name, so `BidID` and `LeaseID` are one type.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass

from manifests.errors import Invalid


@dataclass(frozen=True, slots=True, order=True)
class DeploymentID:
    owner: str
    dseq: int

    def __str__(self) -> str:
        return f"{self.owner}/{self.dseq}"

    @staticmethod
    def parse(text: str) -> DeploymentID:
        owner, dseq = _split(text, "owner/dseq")
        return DeploymentID(owner, _number(text, dseq))


@dataclass(frozen=True, slots=True, order=True)
class GroupID:
    owner: str
    dseq: int
    gseq: int

    @property
    def deployment(self) -> DeploymentID:
        return DeploymentID(self.owner, self.dseq)

    def __str__(self) -> str:
        return f"{self.owner}/{self.dseq}/{self.gseq}"

    @staticmethod
    def parse(text: str) -> GroupID:
        owner, dseq, gseq = _split(text, "owner/dseq/gseq")
        return GroupID(owner, _number(text, dseq), _number(text, gseq))


@dataclass(frozen=True, slots=True, order=True)
class OrderID:
    owner: str
    dseq: int
    gseq: int
    oseq: int

    @property
    def deployment(self) -> DeploymentID:
        return DeploymentID(self.owner, self.dseq)

    @property
    def group(self) -> GroupID:
        return GroupID(self.owner, self.dseq, self.gseq)

    def bid_of(self, provider: str) -> LeaseID:
        return LeaseID(self.owner, self.dseq, self.gseq, self.oseq, provider)

    def __str__(self) -> str:
        return f"{self.owner}/{self.dseq}/{self.gseq}/{self.oseq}"

    @staticmethod
    def parse(text: str) -> OrderID:
        owner, dseq, gseq, oseq = _split(text, "owner/dseq/gseq/oseq")
        return OrderID(owner, _number(text, dseq), _number(text, gseq), _number(text, oseq))


@dataclass(frozen=True, slots=True, order=True)
class LeaseID:
    owner: str
    dseq: int
    gseq: int
    oseq: int
    provider: str

    @property
    def deployment(self) -> DeploymentID:
        return DeploymentID(self.owner, self.dseq)

    @property
    def group(self) -> GroupID:
        return GroupID(self.owner, self.dseq, self.gseq)

    @property
    def order(self) -> OrderID:
        return OrderID(self.owner, self.dseq, self.gseq, self.oseq)

    def __str__(self) -> str:
        return f"{self.owner}/{self.dseq}/{self.gseq}/{self.oseq}/{self.provider}"

    @staticmethod
    def parse(text: str) -> LeaseID:
        owner, dseq, gseq, oseq, provider = _split(text, "owner/dseq/gseq/oseq/provider")
        return LeaseID(owner, _number(text, dseq), _number(text, gseq), _number(text, oseq), provider)


BidID = LeaseID


def lease_namespace(lease: LeaseID) -> str:
    """The Kubernetes namespace of a lease, and the name of its Manifest: unpadded lower-case base32hex of SHA-224 of
    the id's text, 45 characters (the reference's rule; kept so that its leases can be adopted where they stand)."""
    return base64.b32hexencode(hashlib.sha224(str(lease).encode()).digest()).decode().rstrip("=").lower()


def _split(text: str, shape: str) -> list[str]:
    parts = text.split("/")
    if len(parts) != shape.count("/") + 1 or not all(parts):
        raise Invalid("", f"{text!r} is not an id of the form {shape}", value=text)
    return parts


def _number(text: str, part: str) -> int:
    if not part.isascii() or not part.isdigit() or int(part) >= 1 << 64:
        raise Invalid("", f"{part!r} in {text!r} is not a sequence number", value=part)
    return int(part)
