"""A key that lies elsewhere: a small HTTP service signs for us (docs/keys.md has the contract).

    GET  URL/v1/key    ->  {"address": "akash1…", "public_key": base64 of the 33 compressed bytes}
    POST URL/v1/sign   {"address", "document": base64 of the SignDoc}  ->  {"signature": base64 of 64 bytes r‖s}

The whole document travels, not its hash, so the service can read what it signs and refuse. Nothing it answers is taken
on trust: address and public key must belong together, and each signature is verified before it is used.
"""

from __future__ import annotations

import base64
import ipaddress
import ssl
from pathlib import Path
from typing import Any

import httpx

from provider.chain.keys.local import address_of, verify
from provider.errors import AkpError, ConfigError, Fatal, Refused, Unreachable
from provider.settings import KeySettings


class RemoteKey:
    """- A service that is away, or that does not know our token, is Unreachable: what waits is sent when it is back.
    - One that refuses a document is Refused, in its own words.
    - A signature of another key is Fatal: the key behind the address has changed, and nothing was sent.
    """

    def __init__(self, service: Service, address: str, public_key: bytes) -> None:
        self._service, self.address, self.public_key = service, address, public_key

    def __repr__(self) -> str:
        return f"RemoteKey({self.address} at {self._service.url})"

    @classmethod
    async def connect(cls, settings: KeySettings) -> RemoteKey:
        """ConfigError when the address, the token or what the service says of itself cannot be right."""
        service = Service(settings)
        found = await service.ask("GET", "key")
        try:
            address, public_key = str(found["address"]), base64.b64decode(found["public_key"], validate=True)
        except (KeyError, TypeError, ValueError):
            raise ConfigError(service.where, "what it says of its key cannot be read", _CONTRACT) from None
        if len(public_key) != 33 or address_of(public_key) != address:
            raise ConfigError(service.where, f"its public key is not that of {address}", _CONTRACT)
        return cls(service, address, public_key)

    async def signature(self, document: bytes) -> bytes:
        asked = {"address": self.address, "document": base64.b64encode(document).decode()}
        found = await self._service.ask("POST", "sign", asked)
        try:
            signature = base64.b64decode(found["signature"], validate=True)
        except (KeyError, TypeError, ValueError):
            raise Unreachable(f"{self._service.where}: its answer holds no signature that can be read") from None
        if not verify(self.public_key, document, signature):
            raise Fatal(
                f"{self._service.where}: the signature it gave is not one of {self.address}; nothing was sent. See to"
                " it that it signs with the key it named at the start"
            )
        return signature


_CONTRACT = "docs/keys.md tells what a remote signer must answer."


class Service:
    """The calls, and what becomes of answers that are none."""

    def __init__(self, settings: KeySettings) -> None:
        self.url = (settings.remote_url or "").rstrip("/")
        self.where = f"key.remote_url ({self.url})"
        self._token_file, self._timeout_s = settings.remote_token_file, settings.remote_timeout_s
        url = httpx.URL(self.url)
        if url.scheme not in ("http", "https") or not url.host:
            raise ConfigError("key.remote_url", "not an address", "Write it as https://host:port.")
        if url.userinfo:
            raise ConfigError("key.remote_url", "it holds a password", "Use key.remote_token_file.")
        if url.scheme == "http" and not _is_loopback(url.host):
            raise ConfigError(self.where, "without TLS", "Use https:// for everything but this very host.")
        try:
            ca = settings.remote_ca_file
            self._tls = ssl.create_default_context(cafile=str(ca) if ca else None)
        except OSError as bad:  # ssl.SSLError is one
            raise ConfigError(
                f"key.remote_ca_file ({settings.remote_ca_file})", f"no certificates to be read: {bad}",
                "Give a PEM file with the authority that signed the service's certificate.",
            ) from None  # fmt: skip

    async def ask(self, method: str, path: str, body: dict[str, str] | None = None) -> Any:
        starting = method == "GET"
        try:
            async with httpx.AsyncClient(verify=self._tls, timeout=self._timeout_s, trust_env=False) as http:
                answer = await http.request(
                    method, f"{self.url}/v1/{path}", json=body, headers=self._headers(), follow_redirects=False
                )
        except httpx.TimeoutException:
            raise Unreachable(f"{self.where}: no answer within {self._timeout_s:g} s") from None
        except httpx.HTTPError as bad:
            raise Unreachable(f"{self.where}: {bad or type(bad).__name__}") from None
        if answer.status_code in (401, 403) and (starting or answer.status_code == 401):
            trouble = f"it does not accept the token (HTTP {answer.status_code})"
            raise self._trouble(trouble, "Check key.remote_token_file.", starting)
        if answer.status_code >= 500 or answer.status_code == 429:
            raise Unreachable(f"{self.where}: HTTP {answer.status_code}: {_said(answer)}")
        if answer.status_code != 200:
            if starting:
                raise ConfigError(self.where, f"HTTP {answer.status_code}: {_said(answer)}", _CONTRACT)
            raise Refused(f"{self.where}: it refuses to sign this: HTTP {answer.status_code}: {_said(answer)}")
        try:
            return answer.json()
        except ValueError:
            raise self._trouble("its answer is not JSON", _CONTRACT, starting) from None

    def _trouble(self, what: str, cure: str, starting: bool) -> AkpError:
        return ConfigError(self.where, what, cure) if starting else Unreachable(f"{self.where}: {what}. {cure}")

    def _headers(self) -> dict[str, str]:
        if self._token_file is None:
            return {}
        return {"Authorization": f"Bearer {_token(self._token_file)}"}  # read each time: tokens are renewed


def _token(file: Path) -> str:
    try:
        token = file.read_text().strip()
    except (OSError, UnicodeDecodeError) as bad:
        why = getattr(bad, "strerror", None) or "not text"
        raise ConfigError(f"key.remote_token_file ({file})", why, "Give a file the daemon's user can read.") from None
    if not token or not token.isascii() or not token.isprintable():
        raise ConfigError(f"key.remote_token_file ({file})", "no token in it", "Write the token on one line.")
    return token


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _said(answer: httpx.Response) -> str:
    """The service's own words, as far as they fit a line."""
    try:
        found = answer.json()
        text = str(found.get("error", "")) if isinstance(found, dict) else ""
    except ValueError:
        text = answer.text
    line = " ".join(text.split())
    return line[:200] or answer.reason_phrase
