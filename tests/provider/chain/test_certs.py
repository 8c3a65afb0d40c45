"""Certificates: what we make fulfils what the chain checks, and what the chain holds can be read."""

from __future__ import annotations

import base64
import datetime as dt
import ipaddress
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID

from provider.chain.certs import certificate_of, make_certificate, owner_of, public_key_of, public_key_pem

ADDRESS = "akash18tdthhtcvfmzl60r0r6gvjdcelc0wtwfumqsdz"
NOW = dt.datetime(2026, 11, 21, 12, tzinfo=dt.UTC)


def test_what_the_chain_checks_holds() -> None:
    cert_pem, pubkey_pem, key_pem = make_certificate(ADDRESS, serial=77, now=NOW)
    cert, public = certificate_of(cert_pem), public_key_of(pubkey_pem)
    assert owner_of(cert) == ADDRESS
    assert cert.serial_number == 77
    public.verify(cert.signature, cert.tbs_certificate_bytes, ec.ECDSA(hashes.SHA256()))
    key = serialization.load_pem_private_key(key_pem, None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    assert key.public_key() == public == cert.public_key()
    assert pubkey_pem.startswith(b"-----BEGIN EC PUBLIC KEY-----\n")


def test_a_providers_serves_its_names_and_a_tenants_does_not() -> None:
    provider = certificate_of(make_certificate(ADDRESS, ["provider.example.com", "10.0.0.1"], now=NOW)[0])
    names = provider.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["provider.example.com"]
    assert names.get_values_for_type(x509.IPAddress) == [ipaddress.ip_address("10.0.0.1")]
    uses = provider.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert set(uses) == {ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH}
    tenant = certificate_of(make_certificate(ADDRESS, now=NOW)[0])
    assert list(tenant.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value) == [
        ExtendedKeyUsageOID.CLIENT_AUTH
    ]
    for cert in (provider, tenant):
        assert cert.extensions.get_extension_for_class(x509.KeyUsage).value.digital_signature
        assert not cert.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
        assert cert.not_valid_before_utc <= NOW
        assert cert.not_valid_after_utc == NOW + dt.timedelta(days=365)


def test_serials_differ_and_a_key_may_be_kept() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    first, second = (certificate_of(make_certificate(ADDRESS, key=key)[0]) for _ in range(2))
    assert first.serial_number != second.serial_number
    assert first.public_key() == second.public_key()
    assert public_key_pem(first) == public_key_pem(key.public_key())


def test_every_recorded_certificate_is_read(lines: Any) -> None:
    read = 0
    for line in lines(None, "query"):
        if line["query"] != "akash.cert.v1.Query/Certificates" or "response" not in line:
            continue
        for row in line["response"]["certificates"]:
            cert = certificate_of(base64.b64decode(row["certificate"]["cert"]))
            assert owner_of(cert).startswith("akash1")
            assert str(cert.serial_number) == row["serial"]
            assert public_key_of(base64.b64decode(row["certificate"]["pubkey"])) == cert.public_key()
            read += 1
    assert read > 5


def test_the_other_label_and_crlf_are_read_as_well() -> None:
    pem = make_certificate(ADDRESS)[1]
    assert public_key_of(pem.replace(b"\n", b"\r\n")) == public_key_of(pem)
    assert public_key_of(pem.replace(b"EC PUBLIC", b"PUBLIC")) == public_key_of(pem)


@pytest.mark.parametrize(
    ("pem", "says"),
    [
        (b"", "not one PEM block"),
        (b"-----BEGIN EC PUBLIC KEY-----\n!!!!\n-----END EC PUBLIC KEY-----\n", "not base64"),
        (make_certificate(ADDRESS)[1] * 2, "not one PEM block"),
    ],
    ids=["empty", "no base64", "two"],  # names that are the same in each process
)
def test_what_is_no_public_key_is_refused(pem: bytes, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        public_key_of(pem)


def test_a_certificate_that_names_nobody_or_two_has_no_owner() -> None:
    key = ec.generate_private_key(ec.SECP256R1())

    def signed(subject: str, issuer: str) -> x509.Certificate:
        def name(text: str) -> x509.Name:
            return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])

        builder = x509.CertificateBuilder().subject_name(name(subject)).issuer_name(name(issuer))
        builder = builder.public_key(key.public_key()).serial_number(1)
        return builder.not_valid_before(NOW).not_valid_after(NOW + dt.timedelta(1)).sign(key, hashes.SHA256())

    assert owner_of(signed("a", "a")) == "a"
    with pytest.raises(ValueError, match="share one common name"):
        owner_of(signed("a", "b"))
