"""A list of tenants somebody else keeps, fetched over HTTP. What was good once stays in force, across restarts too,
until something good replaces it.

An answer that is empty, too large, has a wrong line or is an error page changes nothing. The server is asked whether
anything has changed (ETag, Last-Modified), so a list may be looked at often.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import structlog

from bidengine.owners import Entry, parse_owners
from bidengine.policy_file import ListUrl
from manifests.errors import Invalid
from provider.errors import Retry
from provider.files import write_whole

log = structlog.get_logger()
MOST_BYTES = 1 << 20
"""some twenty thousand tenants"""


@dataclass(frozen=True, slots=True)
class _Copy:
    """The last good answer, as it lies on disk."""

    url: str
    text: str
    checked_unix_s: int
    """when the server last said that this is the list"""
    etag: str = ""
    modified: str = ""


class RemoteList:
    def __init__(self, source: ListUrl, folder: Path) -> None:
        self.source = source
        self.trouble = ""
        """why the last attempt failed; "" when it did not"""
        self._file = folder / f"{hashlib.sha256(source.url.encode()).hexdigest()[:16]}.json"
        self._copy, self._entries = self._remembered()

    @property
    def name(self) -> str:
        """Its address for people and metrics, without passwords and tokens."""
        parts = urlsplit(self.source.url)
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"

    @property
    def entries(self) -> tuple[Entry, ...] | None:
        """None as long as nothing good has ever been received."""
        return self._entries

    @property
    def checked_unix_s(self) -> int | None:
        return self._copy.checked_unix_s if self._copy is not None else None

    async def refresh(self, http: httpx.AsyncClient, now_unix_s: int) -> bool:
        """True when the list has changed. Retry tells why it could not be had, and leaves everything as it was."""
        try:
            fresh = await self._fetch(http, now_unix_s)
            # A long list takes a second to check.
            entries = self._entries if fresh.text == self._text else await asyncio.to_thread(self._parsed, fresh.text)
            await asyncio.to_thread(write_whole, self._file, json.dumps(asdict(fresh)))
        except (httpx.HTTPError, httpx.InvalidURL, Invalid, UnicodeDecodeError, OSError) as bad:
            self.trouble = f"{type(bad).__name__}: {bad}" if isinstance(bad, httpx.HTTPError) else str(bad)
            raise Retry(f"{self.name}: {self.trouble}") from None
        changed = entries != self._entries
        self._copy, self._entries, self.trouble = fresh, entries, ""
        return changed

    @property
    def _text(self) -> str | None:
        return self._copy.text if self._copy is not None else None

    async def _fetch(self, http: httpx.AsyncClient, now_unix_s: int) -> _Copy:
        old, asked = self._copy, {}
        if old is not None:
            asked = {"If-None-Match": old.etag} if old.etag else {"If-Modified-Since": old.modified}
        async with http.stream("GET", self.source.url, headers={k: v for k, v in asked.items() if v}) as answer:
            if answer.status_code == 304 and old is not None:
                return replace(old, checked_unix_s=now_unix_s)
            if answer.status_code != 200:
                raise Invalid("", f"the server answered {answer.status_code} {answer.reason_phrase}".rstrip())
            body = bytearray()
            async for chunk in answer.aiter_bytes():
                body += chunk
                if len(body) > MOST_BYTES:
                    raise Invalid("", f"the list has more than {MOST_BYTES} bytes")
            etag, modified = answer.headers.get("etag", ""), answer.headers.get("last-modified", "")
            return _Copy(self.source.url, body.decode(), now_unix_s, etag, modified)

    def _remembered(self) -> tuple[_Copy | None, tuple[Entry, ...] | None]:
        try:
            found = _Copy(**json.loads(self._file.read_text()))
            return found, self._parsed(found.text)
        except FileNotFoundError:
            return None, None
        except (OSError, ValueError, TypeError, Invalid) as bad:
            log.warning("the copy of a list cannot be used", list=self.name, file=str(self._file), why=str(bad))
            return None, None

    def _parsed(self, text: str) -> tuple[Entry, ...]:
        return parse_owners(text, self.name)
