"""Strategy `http`: a service of the operator's answers; the contract is in docs/pricing.md.

One POST per question and no second try: orders.py comes back later. The token is read again when its file changes; one
that cannot be read leaves the last in use.
"""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from bidengine import ask
from bidengine.answer import replied
from bidengine.placement import Placement
from bidengine.quote import Quote
from bidengine.reasons import Decline
from bidengine.views import Order
from manifests.errors import Invalid
from provider.errors import ConfigError
from provider.market.pricing import Failed
from provider.pricer_settings import HttpSettings
from provider.watched import Watched

MOST_REPLY_BYTES = 64 << 10
_TOKEN = re.compile(r"[\x21-\x7e]+")


class Http:
    strategy = "http"

    def __init__(self, settings: HttpSettings, client: httpx.AsyncClient) -> None:
        self._settings, self._client = settings, client
        url = httpx.URL(settings.url)
        self._name = f"pricing service {url.scheme}://{url.netloc.decode()}{url.path}"  # without what may be a secret
        self.denoms = frozenset(settings.denoms)
        file = settings.token_file
        self._token = Watched(file, _token, "token of the pricing service") if file is not None else None

    @classmethod
    @asynccontextmanager
    async def connect(cls, settings: HttpSettings) -> AsyncIterator[Http]:
        """ConfigError when the settings cannot work; that nobody answers is seen when a price is asked for."""
        where, cure = "bid.http.url", "Give the service's address, e.g. https://pricing.example.com/price."
        if not settings.url:
            raise ConfigError(where, "is not set, and bid.strategy is http", cure)
        try:
            httpx.URL(settings.url)
        except httpx.InvalidURL as bad:
            raise ConfigError(where, f"is no address: {bad}", cure) from None
        limits = httpx.Limits(max_connections=settings.at_once, max_keepalive_connections=settings.at_once)
        async with httpx.AsyncClient(verify=_trust(settings.ca_file), timeout=settings.timeout_s, limits=limits) as c:
            yield cls(settings, c)

    def look(self) -> bool:
        """True when the token was changed: who was refused is asked for again."""
        return self._token is not None and self._token.look()

    def question(self, order: Order, placement: Placement) -> bytes:
        return ask.written(ask.detailed(order, placement))

    async def ask(self, order: Order, question: bytes) -> Quote | Decline:
        name, timeout_s = self._name, self._settings.timeout_s
        try:
            async with asyncio.timeout(timeout_s):  # the client's own limit is for each step, not for all
                status, body = await self._post(question)
        except (TimeoutError, httpx.TimeoutException):
            raise Failed("timeout", f"{name} gave no answer within {timeout_s:g} s") from None
        except httpx.HTTPError as bad:
            raise Failed("unreachable", f"{name} cannot be reached: {bad or type(bad).__name__}") from None
        if len(body) > MOST_REPLY_BYTES:
            raise Failed("output", f"{name} answered with more than {MOST_REPLY_BYTES} bytes")
        if status != 200:
            raise Failed("status", f"{name} answered with status {status}")
        try:
            return replied(order.spec, body)
        except Invalid as bad:
            raise Failed("answer", f"{name}: {bad.message}") from None

    async def _post(self, question: bytes) -> tuple[int, bytes]:
        json = "application/json"
        headers = {"content-type": json, "accept": json, "accept-encoding": "identity"}  # nothing to blow up
        if self._token is not None:
            headers["authorization"] = f"Bearer {self._token.current}"
        body = b""
        async with self._client.stream("POST", self._settings.url, content=question, headers=headers) as response:
            async for piece in response.aiter_raw():
                body += piece
                if len(body) > MOST_REPLY_BYTES:
                    break
        return response.status_code, body


def _trust(ca_file: Path | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca_file)
    except (OSError, ssl.SSLError) as bad:
        raise ConfigError("bid.http.ca_file", f"{ca_file}: {bad}", "Name a file with PEM certificates.") from None


def _token(path: Path) -> str:
    try:
        found = path.read_text().strip()
    except (OSError, UnicodeDecodeError) as bad:
        raise ConfigError("bid.http.token_file", f"{path}: {bad}", "Name a file with the token.") from None
    if _TOKEN.fullmatch(found) is None:
        raise ConfigError("bid.http.token_file", f"{path} holds no token", "One line of printable characters.")
    return found
