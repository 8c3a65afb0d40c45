"""The operator's policy as it is now: the policy file, the lists of tenants it names, and whether bidding is paused.

`current` is always one whole, valid policy. Files are looked at once a block; lists from elsewhere are fetched by a
task of their own, and between two looks nothing changes, so all orders of a block are judged alike. A list that has
never been had is said at every attempt; whether it keeps us from bidding is the operator's choice (`required`).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

import httpx
import structlog

from bidengine.owners import Entry, merged, parse_owners
from bidengine.policy import Policy
from bidengine.policy_file import ListUrl, PolicyFile, Sources, parse_policy
from provider.errors import Retry
from provider.market.policy.maintenance import Maintenance
from provider.market.policy.remote_list import RemoteList
from provider.metrics import Sample
from provider.watched import Watched, parsed

log = structlog.get_logger()
LISTS = "lists"
"""directory below `data` with the last good copies"""
TIMEOUT_S = 15.0
FIRST_AGAIN_S = 10.0
NO_POLICY = PolicyFile(Policy(), Sources(), None)


class Policies:
    def __init__(self, path: Path | None, data: Path) -> None:
        """ConfigError when the policy file, or a list file it names, is missing or wrong."""
        self.maintenance = Maintenance(data)
        self._data = data
        self._lists: dict[str, Watched[tuple[Entry, ...]]] = {}
        self._file = Watched(path, self._read, "policy file") if path is not None else None
        self.remote: dict[str, RemoteList] = {}
        self._fetched = False
        """a fetched list has changed since the last look"""
        self._next_end_s: int | None = 0
        self._wake = asyncio.Event()
        self.current = self._whole()

    def look(self, now_unix_s: int) -> bool:
        """Once a block, with the chain's time: take over what has changed. True when orders may be judged otherwise
        than before, also because an entry has come to its end."""
        changed = self.maintenance.look()
        if self._file is not None and self._file.look():
            changed = True
        for listed in self._lists.values():
            changed = listed.look() or changed
        if changed or self._fetched:
            changed, self._fetched = True, False
            self.current = self._whole()
        if changed or (self._next_end_s is not None and now_unix_s >= self._next_end_s):
            changed = True
            ends = (e.until_unix_s for e in self.listed() if e.until_unix_s is not None)
            self._next_end_s = min((end for end in ends if end > now_unix_s), default=None)
        return changed

    def sources(self) -> tuple[Sources, Sources | None]:
        """Where the tenants that are denied, and those that are allowed, come from."""
        file = self._file.current if self._file is not None else NO_POLICY
        return file.deny, file.allow

    def listed(self) -> Iterator[Entry]:
        yield from self.current.denied.values()
        yield from (self.current.allowed or {}).values()

    async def run(self) -> None:
        """Fetch lists when they are due, for ever."""
        due: dict[str, float] = {}
        failures: dict[str, int] = {}
        while True:
            self._wake.clear()
            now = asyncio.get_running_loop().time()
            # A list may be taken out of the policy while it is being fetched.
            for url, listed in [(url, found) for url, found in self.remote.items() if due.get(url, 0.0) <= now]:
                period_s = listed.source.refresh_s
                failures[url] = 0 if await self._refresh(listed) else failures.get(url, 0) + 1
                backoff_s = FIRST_AGAIN_S * 2.0 ** min(failures[url] - 1, 16)
                due[url] = now + (min(backoff_s, period_s) if failures[url] else period_s)
            pause_s = min((due[url] - now for url in self.remote if url in due), default=None)
            with suppress(TimeoutError):
                async with asyncio.timeout(pause_s):
                    await self._wake.wait()

    def gauges(self) -> Iterator[Sample]:
        now = time.time()
        yield "akp_maintenance", {}, float(self.maintenance.on)
        yield "akp_owners_listed", {"list": "deny"}, len(self.current.denied)
        yield "akp_owners_listed", {"list": "allow"}, len(self.current.allowed or ())
        for listed in self.remote.values():
            yield "akp_policy_list_loaded", {"list": listed.name}, float(listed.entries is not None)
            if listed.checked_unix_s is not None:
                yield "akp_policy_list_age_seconds", {"list": listed.name}, max(0.0, now - listed.checked_unix_s)

    async def _refresh(self, listed: RemoteList) -> bool:
        try:
            async with httpx.AsyncClient(timeout=TIMEOUT_S, follow_redirects=True, max_redirects=3) as http:
                async with asyncio.timeout(4 * TIMEOUT_S):  # one that drips is as good as silent
                    changed = await listed.refresh(http, int(time.time()))
        except (Retry, TimeoutError) as trouble:
            why = str(trouble) or "the answer took too long"
            if listed.entries is None:
                log.error(
                    "a list of tenants has never been loaded", list=listed.name, why=why,
                    bidding="stopped: it is required" if listed.source.required else "goes on without it",
                )  # fmt: skip
            else:
                log.warning("a list was not refreshed, the last good one stays", list=listed.name, why=why)
            return False
        if changed:
            self._fetched = True
            log.info("list of tenants changed", list=listed.name, entries=len(listed.entries or ()))
        return True

    def _read(self, path: Path) -> PolicyFile:
        """The file, once every list file it names could be read too: half a policy is none."""
        file = parsed(path, parse_policy, "policy file", "Set bid.policy to a readable file.", "See docs/policy.md.")
        names = {name for sources in (file.deny, file.allow or Sources()) for name in sources.files}
        self._lists = {name: self._lists.get(name) or watched_list(path.parent / name) for name in sorted(names)}
        return file

    def _whole(self) -> Policy:
        file = self._file.current if self._file is not None else NO_POLICY
        urls = [*file.deny.urls, *(file.allow.urls if file.allow is not None else ())]
        self.remote = {source.url: self._remote(source) for source in urls}
        self._wake.set()
        return replace(
            file.rest,
            denied=merged(self._entries(file.deny)),
            allowed=merged(self._entries(file.allow)) if file.allow is not None else None,
            unknown=tuple(self.remote[s.url].name for s in urls if s.required and self.remote[s.url].entries is None),
        )

    def _remote(self, source: ListUrl) -> RemoteList:
        known = self.remote.get(source.url)
        if known is None:
            return RemoteList(source, self._data / LISTS)
        known.source = source
        return known

    def _entries(self, sources: Sources) -> Iterable[Entry]:
        yield from sources.entries
        for name in sources.files:
            yield from self._lists[name].current
        for source in sources.urls:
            yield from self.remote[source.url].entries or ()


def watched_list(path: Path) -> Watched[tuple[Entry, ...]]:
    """A file with one tenant a line (bidengine/owners.py)."""
    return Watched(path, _read_list, "list of tenants")


def _read_list(path: Path) -> tuple[Entry, ...]:
    parse = partial(parse_owners, source=str(path))
    return parsed(path, parse, "list of tenants", "Make it, or take it out of the policy file.", "See docs/policy.md.")
