"""Certificates as Akash knows them: self-signed, P-256, the owner's address as common name, published on chain under
their serial.

Ours says digitalSignature, which the customary ones lack and which TLS libraries ask for (gateway-auth.md §2.2). The
public key travels in PEM under the label EC PUBLIC KEY around an ordinary SubjectPublicKeyInfo, which no library reads
under that name.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import ipaddress
import re
import time
from collections.abc import Sequence

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

_VERSION_OID = ObjectIdentifier("2.23.133.2.6")
_VERSION = "v0.0.1"
_PEM = re.compile(rb"-----BEGIN (?:EC )?PUBLIC KEY-----([^-]+)-----END (?:EC )?PUBLIC KEY-----\s*")


def make_certificate(
    address: str,
    domains: Sequence[str] = (),
    *,
    key: ec.EllipticCurvePrivateKey | None = None,
    serial: int | None = None,
    now: dt.datetime | None = None,
    days: int = 365,
) -> tuple[bytes, bytes, bytes]:
    """(certificate, public key, private key), all PEM. With `domains` (names or IP addresses) it serves, as a
    provider's does; without it is a client's, as a tenant's. The serial is the time in nanoseconds unless given; the
    chain takes each once."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    start = (now or dt.datetime.now(dt.UTC)).replace(microsecond=0)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, address), x509.NameAttribute(_VERSION_OID, _VERSION)])
    uses = [ExtendedKeyUsageOID.CLIENT_AUTH, *([ExtendedKeyUsageOID.SERVER_AUTH] if domains else [])]
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(serial if serial is not None else time.time_ns())
        .not_valid_before(start - dt.timedelta(minutes=1))  # clocks differ
        .not_valid_after(start + dt.timedelta(days=days))
        .add_extension(_KEY_USAGE, critical=True)
        .add_extension(x509.ExtendedKeyUsage(uses), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    )
    if domains:
        names = [_general_name(d) for d in domains]
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        dns = [n for n in names if isinstance(n, x509.DNSName)]
        if dns:
            builder = builder.add_extension(x509.NameConstraints(dns, None), critical=True)
    certificate = builder.sign(key, hashes.SHA256())
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return certificate.public_bytes(serialization.Encoding.PEM), public_key_pem(key.public_key()), private


def public_key_pem(of: x509.Certificate | ec.EllipticCurvePublicKey) -> bytes:
    """As the chain stores it: label EC PUBLIC KEY."""
    key = of.public_key() if isinstance(of, x509.Certificate) else of
    der = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    body = base64.b64encode(der)
    lines = [body[i : i + 64] for i in range(0, len(body), 64)]
    return b"\n".join([b"-----BEGIN EC PUBLIC KEY-----", *lines, b"-----END EC PUBLIC KEY-----", b""])


def public_key_of(pem: bytes) -> ec.EllipticCurvePublicKey:
    """From what stands on chain; ValueError unless it is one PEM block with an elliptic-curve key."""
    found = _PEM.fullmatch(pem.strip() + b"\n")
    if found is None:
        raise ValueError("not one PEM block EC PUBLIC KEY")
    try:
        key = serialization.load_der_public_key(base64.b64decode(b"".join(found.group(1).split()), validate=True))
    except binascii.Error:
        raise ValueError("the PEM block is not base64") from None
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise ValueError("not an elliptic-curve key")
    return key


def certificate_of(pem: bytes) -> x509.Certificate:
    """From what stands on chain or in a file, CRLF or LF; ValueError when it is none."""
    return x509.load_pem_x509_certificate(pem)


def owner_of(certificate: x509.Certificate) -> str:
    """The common name of subject and issuer, an Akash address; ValueError when it is missing, doubled, or they
    differ."""
    names = [
        [str(a.value) for a in name.get_attributes_for_oid(NameOID.COMMON_NAME)]
        for name in (certificate.subject, certificate.issuer)
    ]
    if names[0] != names[1] or len(names[0]) != 1:
        raise ValueError(f"subject and issuer must share one common name, found {names[0]} and {names[1]}")
    return names[0][0]


_KEY_USAGE = x509.KeyUsage(
    digital_signature=True,
    content_commitment=False,
    key_encipherment=True,
    data_encipherment=True,
    key_agreement=False,
    key_cert_sign=False,
    crl_sign=False,
    encipher_only=False,
    decipher_only=False,
)


def _general_name(domain: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(domain))
    except ValueError:
        return x509.DNSName(domain)
