"""From a bearer token to Claims: compact JWS signed by the tenant's account key, directly (ES256K) or as ADR-36 text
(ES256KADR36).

Three pure steps in the order that decides which error a client sees (gateway-auth.md §3): `read` parses and names the
issuer, `Token.verify` checks the signature under the issuer's key, `Token.claims` checks times and rights. So a bad
signature wins over expiry. Deliberately unlike the reference: expiry is 401 "JWT is expired", which is what its
clients were promised.
"""

from __future__ import annotations

import base64
import json
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils
from jwt.api_jws import PyJWS
from jwt.exceptions import PyJWTError

from provider.gateway.claims import Access, Claims, DeploymentGrant, Permission, Scope
from provider.gateway.identity import is_account

LEEWAY_S = 10
"""Clocks differ; Console's tokens live 30 s (gateway-auth.md §3.1)"""
_MAX_TOKEN = 16 << 10
_COMPACT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141  # of secp256k1's group


class TokenRefused(Exception):
    """`status` and `message` are what the client gets; `why` is for our log."""

    def __init__(self, status: int, message: str, why: str) -> None:
        self.status, self.message, self.why = status, message, why
        super().__init__(f"{message}: {why}")


def _invalid(why: str) -> TokenRefused:
    return TokenRefused(401, "JWT is invalid", why)


def _bad_claims(why: str) -> TokenRefused:
    return TokenRefused(400, "JWT has invalid claims", why)


@dataclass(frozen=True, slots=True)
class Token:
    """A parsed token. Nothing in it is to be believed before `verify`."""

    algorithm: str
    issuer: str
    payload: dict[str, Any]
    signed: bytes
    """the ASCII text `header.payload`"""
    signature: bytes

    def verify(self, public_key: bytes) -> None:
        """TokenRefused 401 unless `public_key` (33 bytes, compressed) signed it; signatures with a high S are refused
        as on chain."""
        if len(self.signature) != 64:
            raise _invalid(f"the signature has {len(self.signature)} bytes, 64 are wanted")
        r, s = int.from_bytes(self.signature[:32]), int.from_bytes(self.signature[32:])
        if not (0 < r < _ORDER and 0 < s <= _ORDER // 2):
            raise _invalid("the signature is out of range, or has a high S")
        message = self.signed if self.algorithm == "ES256K" else adr36(self.issuer, self.signed)
        try:
            key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256K1(), public_key)
            key.verify(utils.encode_dss_signature(r, s), message, ec.ECDSA(hashes.SHA256()))
        except ValueError:
            raise _invalid("the issuer's account key is not a secp256k1 key") from None
        except InvalidSignature:
            raise _invalid("the signature is not the issuer's") from None

    def claims(self, now_unix_s: float, *, leeway_s: float = LEEWAY_S) -> Claims:
        """What the token grants now: TokenRefused 401 when it has expired, 400 when its claims do not fit together."""
        _moment(self.payload, "iat")  # must be there, and is compared with nothing
        not_before, expires = _moment(self.payload, "nbf"), _moment(self.payload, "exp")
        if expires + leeway_s <= now_unix_s:
            raise TokenRefused(401, "JWT is expired", f"exp {expires}, now {now_unix_s}")
        if not_before > now_unix_s + leeway_s:
            raise _bad_claims(f"nbf {not_before} is in the future, now {now_unix_s}")
        if self.payload.get("version") != "v1":
            raise _bad_claims("version is not v1")
        leases = _object(self.payload.get("leases"), "leases")
        access = _access(leases)
        scope, permissions = _list(leases, "scope"), _list(leases, "permissions")
        if access is Access.FULL:
            if scope or permissions:
                raise _bad_claims("leases: full access takes neither scope nor permissions")
            return Claims(self.issuer, access, expires_unix_s=expires)
        if access is Access.SCOPED:
            if permissions is not None:
                raise _bad_claims("leases: scoped access takes no permissions")
            return Claims(self.issuer, access, _scopes(scope), expires_unix_s=expires)
        entries = tuple(_permission(p) for p in permissions or ())
        if not entries:
            raise _bad_claims("leases: granular access needs permissions")
        if len({p.provider for p in entries}) != len(entries):
            raise _bad_claims("leases: a provider is named twice")
        return Claims(self.issuer, access, permissions=entries, expires_unix_s=expires)


def read(text: str) -> Token:
    """Parse only. TokenRefused 401 when it is no token of ours: form, algorithm, issuer."""
    if len(text) > _MAX_TOKEN or not _COMPACT.fullmatch(text):
        raise _invalid("not three base64url parts")
    try:
        whole = PyJWS(options={"verify_signature": False}).decode_complete(text)
        payload = json.loads(whole["payload"])
    except (PyJWTError, ValueError, RecursionError) as broken:
        raise _invalid(f"cannot be parsed: {broken}") from None
    algorithm = whole["header"].get("alg")
    if algorithm not in ("ES256K", "ES256KADR36"):
        raise _invalid(f"algorithm {algorithm!r}")
    if not isinstance(payload, dict):
        raise _invalid("the payload is not an object")
    issuer = payload.get("iss")
    if not isinstance(issuer, str) or not is_account(issuer):
        raise _invalid("the issuer is not an account address")
    return Token(algorithm, issuer, payload, text.rpartition(".")[0].encode(), whole["signature"])


def adr36(signer: str, data: bytes) -> bytes:
    """The text a wallet signs instead of `data`: ADR-36's sign document as canonical JSON (gateway-auth.md §3.1)."""
    document = {
        "account_number": "0",
        "chain_id": "",
        "fee": {"amount": [], "gas": "0"},
        "memo": "",
        "msgs": [{"type": "sign/MsgSignData", "value": {"data": base64.b64encode(data).decode(), "signer": signer}}],
        "sequence": "0",
    }
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()


def _moment(payload: dict[str, Any], name: str) -> float:
    """A time claim: a number, or the text of one (both occur). A leading date of the year 10^300 is no date."""
    value = payload.get(name)
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            raise _bad_claims(f"{name} is not a number") from None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e15 or math.isnan(value):
        raise _bad_claims(f"{name} is missing or not a time")
    return float(value)


def _permission(value: Any) -> Permission:
    entry = _object(value, "permissions[]")
    provider = entry.get("provider")
    if not isinstance(provider, str) or not is_account(provider):
        raise _bad_claims("a permission's provider is not an account address")
    access, scope, deployments = _access(entry), _list(entry, "scope"), _list(entry, "deployments")
    if access is Access.FULL:
        if scope or deployments:
            raise _bad_claims("a permission with full access takes neither scope nor deployments")
        return Permission(provider, access)
    if access is Access.SCOPED:
        if deployments is not None:
            raise _bad_claims("a permission with scoped access takes no deployments")
        return Permission(provider, access, _scopes(scope))
    if scope is not None:
        raise _bad_claims("a permission with granular access takes no scope of its own")
    if not deployments:
        raise _bad_claims("a permission with granular access needs deployments")
    return Permission(provider, access, deployments=tuple(_deployment(d) for d in deployments))


def _deployment(value: Any) -> DeploymentGrant:
    entry = _object(value, "deployments[]")
    dseq, gseq, oseq = _number(entry, "dseq", 64), _number(entry, "gseq", 32), _number(entry, "oseq", 32)
    if dseq == 0 or (oseq and not gseq):
        raise _bad_claims("a deployment needs a dseq, and an oseq needs a gseq")
    services = _unique(_list(entry, "services"), "services", lambda s: s if isinstance(s, str) and s else None)
    return DeploymentGrant(dseq, _scopes(_list(entry, "scope")), frozenset(services), gseq, oseq)


def _access(entry: dict[str, Any]) -> Access:
    value = entry.get("access")
    if value not in (Access.FULL, Access.SCOPED, Access.GRANULAR):
        raise _bad_claims(f"access {value!r}")
    return Access(value)


def _scopes(values: list[Any] | None) -> frozenset[Scope]:
    def one(value: Any) -> Scope | None:
        return Scope(value) if isinstance(value, str) and value in set(Scope) else None

    return frozenset(_unique(values, "scope", one))


def _unique(values: list[Any] | None, name: str, one: Callable[[Any], Any]) -> list[Any]:
    found = [one(v) for v in values or ()]
    if not found or None in found or len(set(found)) != len(found):
        raise _bad_claims(f"{name} is empty, has an unknown entry, or one twice")
    return found


def _object(value: Any, name: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _bad_claims(f"{name} is not an object")
    return value


def _list(entry: dict[str, Any], name: str) -> list[Any] | None:
    value = entry.get(name)
    if value is not None and not isinstance(value, list):
        raise _bad_claims(f"{name} is not a list")
    return value


def _number(entry: dict[str, Any], name: str, bits: int) -> int:
    value = entry.get(name, 0)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 1 << bits:
        raise _bad_claims(f"{name} is not a number of {bits} bits")
    return value
