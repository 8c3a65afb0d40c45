"""What the chain tells of accounts, certificates and grants, where bidengine.views has no word for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from manifests.coins import Coin


@dataclass(frozen=True, slots=True)
class Account:
    number: int
    sequence: int
    public_key: bytes | None
    """33 bytes; None until the account has signed something"""


@dataclass(frozen=True, slots=True)
class Certificate:
    state: str
    """valid, revoked"""
    cert_pem: bytes
    pubkey_pem: bytes
    """label EC PUBLIC KEY; see certs.public_key_of"""
    serial: int


@dataclass(frozen=True, slots=True)
class Grant:
    """What one account allows another (chain.md §2.6)."""

    type_url: str
    """of the messages it is for"""
    expires_unix_s: int | None
    """None: never"""
    limits: tuple[Coin, ...] | None = None
    """what may still be spent under it; None: no limit of its own"""
    kind: str = "GenericAuthorization"


@dataclass(frozen=True, slots=True)
class DepositGrant:
    """Whose money another account may use for deposits."""

    granter: str
    limits: tuple[Coin, ...]
    """() when it is used up; refunds fill it again"""
    for_bids: bool


@dataclass(frozen=True, slots=True)
class Allowance:
    """Whose fees are paid, up to what (chain.md §2.6)."""

    granter: str
    expires_unix_s: int | None
    left: tuple[Coin, ...] | None
    """None: no limit"""
    type_urls: tuple[str, ...] | None
    """the messages whose transactions are paid; None: all"""


@dataclass(frozen=True, slots=True)
class Software:
    """What a node runs, and the service versions it offers: module -> versions."""

    version: str
    modules: Mapping[str, frozenset[str]]
