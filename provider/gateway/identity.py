"""From a client certificate to an owner: what the certificate says of itself, what the chain says of it, and how long
we remember.

`examine` and `confirm` are pure; only `Identities` awaits. The certificate has been proved by the handshake to be in
the hands of whoever holds its key; here is decided whether that key speaks for the account it names (gateway-auth.md
§2.4, stricter: the presented certificate must *be* the one on chain, or carry exactly its key). Refusals are 401 with
a reason, not a broken socket.
"""

from __future__ import annotations

import asyncio
import binascii
import datetime as dt
import re
import weakref
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from manifests import bech32

Lookup = Callable[[str, int], Awaitable[bytes | None]]
"""(owner, serial) -> PEM as stored on chain, None when absent or revoked (Desk.certificate)"""


UNREADABLE = (
    ValueError,
    TypeError,
    UnsupportedAlgorithm,
    x509.InvalidVersion,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
)
"""what reading a certificate somebody made by hand may raise"""


class Unidentified(Exception):
    """Why the caller is not who the certificate says; the text is for the caller."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What to look up on chain."""

    owner: str
    serial: int


def examine(certificate: x509.Certificate, now: dt.datetime) -> Subject:
    """What the certificate must satisfy by itself; Unidentified otherwise."""
    try:
        return _examine(certificate, now)
    except UNREADABLE as broken:
        raise Unidentified(f"the client certificate cannot be read: {broken}") from None


def confirm(certificate: x509.Certificate, on_chain: bytes) -> None:
    """Whether the presented certificate is what the chain holds: `on_chain` is a PEM certificate (then byte for byte
    the same) or a PEM public key, label "EC PUBLIC KEY" or "PUBLIC KEY" (then its key and its signature)."""
    label, body = _pem(on_chain)
    if label == "CERTIFICATE":
        if certificate.public_bytes(Encoding.DER) != body:
            raise Unidentified("the client certificate is not the one on chain")
        return
    key = load_der_public_key(body)
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise Unidentified("the certificate on chain has a key of an unknown kind")
    if _spki(certificate.public_key()) != _spki(key):
        raise Unidentified("the client certificate's key is not the one on chain")
    try:
        key.verify(certificate.signature, certificate.tbs_certificate_bytes, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        raise Unidentified("the client certificate is not signed by the key on chain") from None


def is_account(text: str) -> bool:
    """Whether `text` is an Akash address: right prefix, right checksum, 20 bytes, or 32 for a module's."""
    try:
        prefix, data = bech32.decode(text)
    except ValueError:
        return False
    return prefix == "akash" and text == text.lower() and len(data) in (20, 32)


class Identities:
    """- A connection's certificate is looked up once and believed for `ttl_s`, so a revocation bites within that time.
    - A refusal is never remembered: who publishes the certificate and asks again on the same connection gets in.
    - A look-up that takes longer than `patience_s` is a TimeoutError, the caller's 503.
    """

    def __init__(
        self,
        lookup: Lookup,
        *,
        ttl_s: float = 60.0,
        patience_s: float = 10.0,
        monotonic_s: Callable[[], float] | None = None,
        now: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC),
    ) -> None:
        self._lookup, self._ttl, self._patience, self._now = lookup, ttl_s, patience_s, now
        self._monotonic = monotonic_s or (lambda: asyncio.get_running_loop().time())
        self._known: weakref.WeakKeyDictionary[Any, tuple[str, float]] = weakref.WeakKeyDictionary()

    async def owner(self, connection: Any) -> str | None:
        """Who is at the other end of `connection` (tls.PeerObject); None when it showed no certificate. Unidentified
        otherwise."""
        known = self._known.get(connection)
        if known is not None and self._monotonic() < known[1]:
            return known[0]
        self._known.pop(connection, None)
        try:
            shown = connection.peer_certificates()
        except UNREADABLE as broken:
            raise Unidentified(f"the client certificate cannot be read: {broken}") from None
        if not shown:
            return None
        if len(shown) > 1:
            raise Unidentified(f"too many client certificates: {len(shown)} were sent, one is wanted")
        subject = examine(shown[0], self._now())
        async with asyncio.timeout(self._patience):
            on_chain = await self._lookup(subject.owner, subject.serial)
        if on_chain is None:
            raise Unidentified("the client certificate is not on chain, or was revoked")
        try:
            confirm(shown[0], on_chain)
        except UNREADABLE as broken:
            raise Unidentified(f"the certificate on chain cannot be read: {broken}") from None
        self._known[connection] = (subject.owner, self._monotonic() + self._ttl)
        return subject.owner


def _examine(certificate: x509.Certificate, now: dt.datetime) -> Subject:
    subject, issuer = _common_names(certificate.subject), _common_names(certificate.issuer)
    if len(subject) != 1 or subject != issuer:
        raise Unidentified("the client certificate must name one account, the same as subject and as issuer")
    owner = subject[0]
    if not is_account(owner):
        raise Unidentified("the client certificate's common name is not an account address")
    if now < certificate.not_valid_before_utc:
        raise Unidentified(f"the client certificate is not valid before {_time(certificate.not_valid_before_utc)}")
    if now > certificate.not_valid_after_utc:
        expired = _time(certificate.not_valid_after_utc)
        raise Unidentified(f"the client certificate expired at {expired}: publish a new one")
    try:
        usages = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        usages = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
    if ExtendedKeyUsageOID.CLIENT_AUTH not in usages:
        raise Unidentified("the certificate is not made for clients: extended key usage clientAuth is missing")
    return Subject(owner, certificate.serial_number)


def _common_names(name: x509.Name) -> list[str]:
    return [str(a.value) for a in name.get_attributes_for_oid(NameOID.COMMON_NAME)]


def _spki(key: Any) -> bytes:
    return bytes(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))


def _time(moment: dt.datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


_BLOCK = re.compile(rb"-----BEGIN ([A-Z ]+)-----\s+([A-Za-z0-9+/=\s]+?)\s*-----END \1-----")


def _pem(text: bytes) -> tuple[str, bytes]:
    """(label, DER). By hand because the chain labels an ordinary SubjectPublicKeyInfo "EC PUBLIC KEY", which
    libraries refuse."""
    found = _BLOCK.search(text)
    if found is None:
        raise ValueError("no PEM block")
    return found[1].decode(), binascii.a2b_base64(found[2])
