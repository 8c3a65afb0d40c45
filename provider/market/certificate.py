"""The gateway's certificate: read it, or make one and publish it on chain.

Tenants who know us only by address trust the certificate the chain lists for it (gateway-auth.md §2.5), so what we
serve must be published and not revoked. A file that is there is used as it is; one that we made is put aside when it is
about to expire. Nothing is ever overwritten.
"""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

import structlog
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

from provider.chain.certs import make_certificate, public_key_pem
from provider.chain.messages import CreateCertificate, Msg
from provider.errors import ConfigError, TxRefused

log = structlog.get_logger()
RENEW_BEFORE = dt.timedelta(days=30)


async def ensure(
    given: Path | None,
    data: Path,
    owner: str,
    domains: tuple[str, ...],
    published: Callable[[str, int], Awaitable[object | None]],
    send: Callable[[Msg], Awaitable[str]],
    now: dt.datetime,
) -> Path:
    """The path of a PEM file with certificate and key. ConfigError when a given file cannot serve."""
    path = given if given is not None else data / f"{owner}.pem"
    if given is None and path.exists() and (old := _read(path, owner)).not_valid_after_utc - now < RENEW_BEFORE:
        path.rename(path.with_name(f"{owner}.{old.serial_number}.pem"))
        log.info("certificate is about to expire, a new one takes its place", serial=old.serial_number)
    if given is None and not path.exists():
        cert_pem, _, key_pem = make_certificate(owner, domains)
        serial = x509.load_pem_x509_certificate(cert_pem).serial_number
        _write(path, cert_pem + key_pem)
        log.info("certificate made", file=str(path), serial=serial)
    cert = _read(path, owner)
    if await published(owner, cert.serial_number) is None:
        try:
            await send(CreateCertificate(owner, cert.public_bytes(Encoding.PEM), public_key_pem(cert)))
            log.info("certificate published", serial=cert.serial_number)
        except TxRefused as no:
            log.error("certificate not published; tenants without a token cannot trust us", why=str(no))
    return path


def _read(path: Path, owner: str) -> x509.Certificate:
    try:
        text = path.read_bytes()
        cert = x509.load_pem_x509_certificate(text)
        load_pem_private_key(text[text.index(b"-----BEGIN", text.index(b"-----END")) :], None)
    except OSError as bad:
        raise ConfigError(
            str(path), f"the gateway's certificate cannot be read: {bad.strerror}", "Set gateway.certificate."
        ) from None
    except (ValueError, TypeError) as bad:
        raise ConfigError(
            str(path),
            f"not a PEM with a certificate and its unencrypted key: {bad}",
            "Put both in one file, or remove it.",
        ) from None
    names = [a.value for a in cert.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)]
    if names != [owner]:
        raise ConfigError(
            str(path),
            f"the certificate is for {names}, the key in use is {owner}",
            "Remove the file; a new one is made.",
        )
    return cert


def _write(path: Path, text: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as out:
        out.write(text)
