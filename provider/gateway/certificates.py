"""The server's own certificates: the one published on chain and, if there is one, the one a public authority gave the
host name.

Which one a client gets depends on the name it asks for (gateway-auth.md §2.1): the authority's for exactly the public
host name, the on-chain one for everything else (`mtls.…`, an address, no name). An expired authority's certificate is
not served. Files are read again by content, not by path events, so a Secret that Kubernetes swaps by symlink is
noticed.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import structlog
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from provider.errors import ConfigError
from provider.gateway.tls import PrivateKey, openssl_context

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Source:
    """Where a certificate lies: PEM file(s) with the chain and its key. `key=None`: the key is in the same file."""

    certificate: Path
    key: Path | None = None
    password: bytes | None = None
    """of the key; operators who move over have one (gateway-auth.md §2.2)"""


@dataclass(frozen=True, slots=True)
class Loaded:
    chain: tuple[x509.Certificate, ...]
    context: Any
    """the OpenSSL context that serves it"""

    def valid(self, now: dt.datetime) -> bool:
        return self.chain[0].not_valid_before_utc <= now <= self.chain[0].not_valid_after_utc


def load(source: Source) -> Loaded:
    """ConfigError names the file and the cure."""
    where = str(source.certificate)
    try:
        text = source.certificate.read_bytes()
        key_text = text if source.key is None else source.key.read_bytes()
    except OSError as trouble:
        raise ConfigError(
            where, f"cannot be read ({trouble.strerror})", "Write the certificate and its key there as PEM."
        ) from None
    try:
        chain = tuple(x509.load_pem_x509_certificates(text))
        key = cast(PrivateKey, load_pem_private_key(_key_of(key_text), source.password))
    except (ValueError, TypeError) as trouble:
        raise ConfigError(
            where, f"is not a certificate with its key ({trouble})", "Put both there as PEM, the certificate first."
        ) from None
    if key.public_key() != chain[0].public_key():
        raise ConfigError(where, "holds a key that is not the certificate's", "Write the two that belong together.")
    return Loaded(chain, openssl_context(chain, key))


class ServerCertificates:
    """`choose` is what PeerContext asks; `reload` looks at the files again and keeps the old one when the new one is
    broken."""

    def __init__(
        self,
        own: Source,
        *,
        public: tuple[str, Source] | None = None,
        now: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC),
    ) -> None:
        """`public` is (host name, where the authority's certificate lies); its file may be absent until it has been
        issued."""
        self._now = now
        self._own_source, self._public_source = own, public[1] if public else None
        self._host = public[0].rstrip(".").lower() if public else None
        self._seen: dict[Source, bytes] = {}
        self._own = load(own)
        self._public: Loaded | None = None
        self._seen[own] = _digest(own)
        self.reload()

    @property
    def own(self) -> x509.Certificate:
        return self._own.chain[0]

    @property
    def public(self) -> x509.Certificate | None:
        return self._public.chain[0] if self._public else None

    def choose(self, sni: str | None) -> Any:
        public = self._public
        if (
            public is not None
            and sni is not None
            and sni.rstrip(".").lower() == self._host
            and public.valid(self._now())
        ):
            return public.context
        return self._own.context

    def reload(self) -> bool:
        """True when something new is being served from now on."""
        changed = False
        if fresh := self._fresh(self._own_source):
            self._own, changed = fresh, True
        if (
            self._public_source is not None
            and self._public_source.certificate.exists()
            and (fresh := self._fresh(self._public_source))
        ):
            self._public, changed = fresh, True
        return changed

    async def keep_fresh(self, every_s: float = 60.0) -> None:
        """Reload for ever; spawn it."""
        while True:
            await asyncio.sleep(every_s)
            self.reload()

    def _fresh(self, source: Source) -> Loaded | None:
        digest = _digest(source)
        if digest == self._seen.get(source):
            return None
        try:
            loaded = load(source)
        except ConfigError as trouble:
            log.warning("certificate not reloaded, serving the previous one", why=str(trouble))
            return None  # not marked as seen: half-written files are complete a minute later
        self._seen[source] = digest
        log.info(
            "certificate loaded",
            subject=loaded.chain[0].subject.rfc4514_string(),
            until=str(loaded.chain[0].not_valid_after_utc),
        )
        return loaded


def _digest(source: Source) -> bytes:
    sha = hashlib.sha256()
    for path in (source.certificate, source.key):
        if path is not None and path.exists():
            sha.update(path.read_bytes())
    return sha.digest()


def _key_of(pem: bytes) -> bytes:
    """The private key's block of a PEM file that begins with certificates."""
    for block in pem.split(b"-----BEGIN ")[1:]:
        if block.split(b"-----", 1)[0].endswith(b"PRIVATE KEY"):
            return b"-----BEGIN " + block
    raise ValueError("no private key in it")
