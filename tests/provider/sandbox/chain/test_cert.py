"""Client certificates."""

from __future__ import annotations

import datetime
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID

from provider.chain.wire import message


def certificate(name: str, serial: int) -> tuple[bytes, bytes]:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    start = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    made = x509.CertificateBuilder(subject, subject, key.public_key(), serial, start, start + datetime.timedelta(365))
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    pem = made.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)
    return pem, public.replace(b"PUBLIC KEY", b"EC PUBLIC KEY")


def test_a_certificate_is_published_once_revoked_once_and_stays_listed(chain: Any) -> None:
    cert, pubkey = certificate(chain["p1"], 1111)
    publish = message("akash.cert.v1.MsgCreateCertificate")(owner=chain["p1"], cert=cert, pubkey=pubkey)
    revoke = message("akash.cert.v1.MsgRevokeCertificate")(id={"owner": chain["p1"], "serial": "1111"})
    assert chain.send("p1", revoke).code == 1
    chain.must("p1", publish)
    assert chain.send("p1", publish).code == 3
    chain.must("p1", revoke)
    assert chain.send("p1", revoke).code == 4
    assert chain.send("p1", publish).code == 3
    rows = chain.ask("akash.cert.v1.Query/Certificates", filter={"owner": chain["p1"]}).certificates
    assert [(row.serial, row.certificate.state, row.certificate.cert) for row in rows] == [("1111", 2, cert)]
    assert not chain.ask("akash.cert.v1.Query/Certificates", filter={"state": "valid"}).certificates


def test_certificates_that_prove_nothing_are_refused_before_the_block(chain: Any) -> None:
    cert, pubkey = certificate(chain["p1"], 1)
    foreign, _ = certificate(chain["p2"], 1)
    _, other = certificate(chain["p1"], 1)
    cases = [
        (foreign, certificate(chain["p2"], 1)[1], ("undefined", 1)),
        (cert, other, ("undefined", 1)),
        (b"no pem", pubkey, ("cert", 6)),
        (cert, b"no pem", ("cert", 7)),
    ]
    for pem, public, wanted in cases:
        publish = message("akash.cert.v1.MsgCreateCertificate")(owner=chain["p1"], cert=pem, pubkey=public)
        answer = chain.app.check_tx(chain.tx("p1", publish))
        assert (answer.codespace, answer.code) == wanted
