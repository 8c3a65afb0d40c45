"""The gateway's certificate: read it, or make one; see to it that the chain lists it; renew it in time.

Tenants who know us only by address trust the certificate the chain lists for it (gateway-auth.md §2.5), so what we
serve must be published and not revoked. That is looked at again for as long as the daemon runs: a message that failed
in its block is sent again, and thirty days before the end a new certificate is published *first* and takes the old
one's place once the chain lists it. A file the operator gave is never changed. Nothing is ever overwritten.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import os
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import structlog
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

from provider.chain.certs import make_certificate, public_key_pem
from provider.chain.convert.records import Certificate as Listed
from provider.chain.messages import CreateCertificate, Msg
from provider.errors import ConfigError, Refused, Retry

log = structlog.get_logger()
RENEW_BEFORE = dt.timedelta(days=30)
LOOK_AGAIN_S = 6 * 3600.0
FIRST_WAIT_S = 60.0
"""after publishing; doubled up to the above as long as the chain does not list it, for each try may cost a fee"""


class Certificate:
    """- `ensure` gives the file to serve, once: made and published if need be.
    - `run` keeps it published and renews it, for ever; who serves the file reads it again by itself.
    """

    def __init__(
        self,
        given: Path | None,
        data: Path,
        owner: str,
        names: Callable[[], Sequence[str]],
        published: Callable[[str, int], Awaitable[Listed | None]],
        send: Callable[[Msg], Awaitable[str]],
        now: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC),
    ) -> None:
        """`published(owner, serial)`: what the chain lists; None when nothing."""
        self.path = given if given is not None else own_file(data, owner)
        self._ours, self._next = given is None, self.path.with_suffix(".next.pem")
        self._owner, self._names, self._published, self._send, self._now = owner, names, published, send, now

    async def ensure(self) -> Path:
        """The path of a PEM file with certificate and key. ConfigError when a given file cannot serve."""
        if self._ours and not self.path.exists():
            if self._next.exists():  # killed between the two steps of taking the old one's place
                self._next.rename(self.path)
            else:
                self._make(self.path)
        await self._look()
        return self.path

    async def run(self) -> None:
        wait_s = again_s = FIRST_WAIT_S
        while True:
            await asyncio.sleep(wait_s)
            try:
                settled = await self._look()
            except (Retry, Refused, ConfigError) as trouble:
                log.warning("the certificate could not be looked after", why=str(trouble))
                settled = False
            wait_s = LOOK_AGAIN_S if settled else again_s
            again_s = FIRST_WAIT_S if settled else min(2 * again_s, LOOK_AGAIN_S)

    async def _look(self) -> bool:
        """One step; True when there is nothing to look at soon."""
        served = read(self.path, self._owner)
        left = served.not_valid_after_utc - self._now()
        listed = await self._published(self._owner, served.serial_number)
        revoked = listed is not None and listed.state == "revoked"
        if left >= RENEW_BEFORE and not revoked:
            return listed is not None or await self._publish(served)
        if not self._ours:
            why = "is revoked on chain" if revoked else "ends soon"
            log.warning("put another in the given certificate's place", why=why, file=str(self.path), days=left.days)
            return listed is not None or await self._publish(served)
        if not self._next.exists():
            self._make(self._next)
        fresh = read(self._next, self._owner)
        if await self._publish(fresh) or left <= dt.timedelta(0):
            self.path.rename(self.path.with_name(f"{self._owner}.{served.serial_number}.pem"))
            self._next.rename(self.path)
            log.info("the new certificate takes the old one's place", serial=fresh.serial_number)
        return False

    async def _publish(self, certificate: x509.Certificate) -> bool:
        """True when the chain lists it; else it is sent, and the next look tells."""
        if await self._published(self._owner, certificate.serial_number) is not None:
            return True
        try:
            await self._send(publication(self._owner, certificate))
            log.info("certificate sent to be published", serial=certificate.serial_number)
        except (Refused, Retry) as no:
            log.error("certificate not published; tenants without a token cannot trust us", why=str(no))
        return False

    def _make(self, path: Path) -> None:
        make(path, self._owner, self._names(), self._now())


def own_file(data: Path, owner: str) -> Path:
    """Where the certificate lies that we made."""
    return data / f"{owner}.pem"


def domains(host_uri: str, public_hostname: str) -> list[str]:
    """The names and addresses it is for: where the record says we are reached, and our public name."""
    return sorted({host_uri.removeprefix("https://").partition(":")[0], public_hostname} - {""})


def make(path: Path, owner: str, names: Sequence[str], now: dt.datetime | None = None) -> x509.Certificate:
    """A new certificate with its key, in a file only we can read; FileExistsError rather than overwriting one."""
    cert_pem, _, key_pem = make_certificate(owner, names, now=now)
    certificate = x509.load_pem_x509_certificate(cert_pem)
    _write(path, cert_pem + key_pem)
    log.info("certificate made", file=str(path), serial=certificate.serial_number)
    return certificate


def publication(owner: str, certificate: x509.Certificate) -> CreateCertificate:
    return CreateCertificate(owner, certificate.public_bytes(Encoding.PEM), public_key_pem(certificate))


def read(path: Path, owner: str) -> x509.Certificate:
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
