"""Client certificates on chain: published, revoked, never deleted; a serial number is used once per owner (chain.md
§2.5).
"""

from __future__ import annotations

import re
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from cryptography.x509.oid import NameOID

from provider.chain.wire import message

from . import paging
from .context import Context, Registry, Table, View
from .errors import QueryError, registered, unregistered
from .ids import address_bytes, is_address

CERTIFICATES = Table("cert", "akash.cert.v1.Certificate")
_VALID, _REVOKED = 1, 2
_STATES = {"invalid": 0, "valid": 1, "revoked": 2}


def register(registry: Registry) -> None:
    registry.message("akash.cert.v1.MsgCreateCertificate", lambda msg: str(msg.owner), _create, _check_create)
    registry.message("akash.cert.v1.MsgRevokeCertificate", lambda msg: str(msg.id.owner), _revoke, _check_revoke)
    registry.query("/akash.cert.v1.Query/Certificates", _certificates)


def _check_create(msg: Any) -> None:
    if not is_address(msg.owner):
        raise registered("sdk", 7)
    if not msg.pubkey.strip().startswith(b"-----BEGIN EC PUBLIC KEY-----"):
        raise registered("cert", 7)
    try:
        found = x509.load_pem_x509_certificate(msg.cert)
        hash_algorithm = found.signature_hash_algorithm
    except (ValueError, UnsupportedAlgorithm):
        raise registered("cert", 6) from None
    try:
        key = load_pem_public_key(msg.pubkey.replace(b"EC PUBLIC KEY", b"PUBLIC KEY"))
    except (ValueError, UnsupportedAlgorithm):
        raise registered("cert", 7) from None
    names = found.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    if not isinstance(key, ec.EllipticCurvePublicKey) or hash_algorithm is None:
        raise registered("cert", 7)
    try:
        key.verify(found.signature, found.tbs_certificate_bytes, ec.ECDSA(hash_algorithm))
    except InvalidSignature:
        raise unregistered("invalid certificate value: invalid certificate signature") from None
    if [name.value for name in names] != [msg.owner]:
        raise unregistered("invalid certificate value: CommonName does not match owner")


def _check_revoke(msg: Any) -> None:
    if not is_address(msg.id.owner):
        raise registered("sdk", 7)
    if not re.fullmatch(r"[0-9]+", msg.id.serial):
        raise registered("cert", 5)


def _create(ctx: Context, msg: Any) -> None:
    key = (msg.owner, x509.load_pem_x509_certificate(msg.cert).serial_number)
    if CERTIFICATES.get(ctx, key) is not None:
        raise registered("cert", 3)
    ctx.put(CERTIFICATES, key, message(CERTIFICATES.record)(state=_VALID, cert=msg.cert, pubkey=msg.pubkey))


def _revoke(ctx: Context, msg: Any) -> None:
    key = (msg.id.owner, int(msg.id.serial))
    found = CERTIFICATES.get(ctx, key)
    if found is None:
        raise registered("cert", 1)
    if found.state == _REVOKED:
        raise registered("cert", 4)
    found.state = _REVOKED
    ctx.put(CERTIFICATES, key, found)


def _certificates(view: View, request: Any) -> Any:
    asked = request.filter
    if asked.state and not _STATES.get(asked.state):
        raise QueryError("INVALID_ARGUMENT", "invalid state value")
    if asked.owner:
        try:
            address_bytes(asked.owner)
        except ValueError as wrong:
            raise QueryError("INVALID_ARGUMENT", str(wrong)) from None
    if asked.serial and not re.fullmatch(r"[0-9]+", asked.serial):
        raise QueryError("INVALID_ARGUMENT", "invalid serial number")
    rows = []
    for (owner, serial), found in CERTIFICATES.scan(view.state, (asked.owner,) if asked.owner else ()):
        if asked.state and found.state != _STATES[asked.state]:
            continue
        if asked.serial and int(asked.serial) != serial:
            continue
        digits = serial.to_bytes(-(-serial.bit_length() // 8), "big")
        key = bytes([found.state, 20]) + address_bytes(owner) + bytes([len(digits)]) + digits
        rows.append((key, message("akash.cert.v1.CertificateResponse")(certificate=found, serial=str(serial))))
    page, certificates = paging.sdk_page(sorted(rows, key=lambda row: row[0]), request)
    return message("akash.cert.v1.QueryCertificatesResponse")(certificates=certificates, pagination=page)
