"""Whether a tenant has shown that a host name is his: a TXT record `_akash-challenge.<host>` that holds his address.

Looked up in the background, so that slow or hostile name servers keep nobody's routes waiting; a name that is not
proved is looked up again after at most AGAIN_S, for as long as a lease asks for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from typing import Protocol

import dns.asyncresolver
import dns.exception
import dns.resolver
import structlog

from provider.errors import Retry
from provider.tasks import WorkQueue, spawn

log = structlog.get_logger()

AGAIN_S = 5.0, 300.0
"""First and longest between two look-ups of a name that is not proved."""
WORKERS = 8
LOOKUP_S = 5.0
PREFIX = "_akash-challenge"

Name = tuple[str, str]
"""Host name and the tenant's address."""


class Lookup(Protocol):
    async def __call__(self, name: str) -> frozenset[str]:
        """The texts of a name's TXT records, none when there are none. Retry when nobody says."""


async def txt_records(name: str) -> frozenset[str]:
    """By the name servers of this machine."""
    try:
        found = await dns.asyncresolver.resolve(name, "TXT", lifetime=LOOKUP_S)
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer, dns.exception.SyntaxError):
        return frozenset()
    except dns.exception.DNSException as trouble:
        raise Retry(f"{name}: {trouble}") from None
    return frozenset(b"".join(record.strings).decode(errors="replace").strip() for record in found)


class Proof:
    """`proved(host)` is called when a name somebody asked for has been proved."""

    def __init__(
        self, proved: Callable[[str], None], lookup: Lookup = txt_records, again_s: tuple[float, float] = AGAIN_S
    ) -> None:
        self._proved, self._lookup = proved, lookup
        self.queue: WorkQueue[Name] = WorkQueue(first_backoff_s=again_s[0], max_backoff_s=again_s[1])
        self._said: dict[Name, str] = {}
        """names asked for -> what is still missing; "" once nothing is"""

    def doubt(self, host: str, owner: str) -> str | None:
        """What the tenant has still to do before the name is his; None when he has done it."""
        said = self._said.get((host, owner))
        if said is None:
            self._said[host, owner] = said = self._wanted(host, owner)
            self.queue.put((host, owner))
        return said or None

    def forget(self, owner: str, hosts: Collection[str]) -> None:
        """Look these up no more for a tenant; should one be wanted again, it has to be proved again."""
        for host in hosts:
            self._said.pop((host, owner), None)

    async def run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            for n in range(WORKERS):
                spawn(tasks, f"proof-{n}", self._work())

    async def _work(self) -> None:
        while True:
            name = await self.queue.get()
            if await self._settled(name):
                self.queue.done(name)
            else:
                self.queue.retry(name)

    async def _settled(self, name: Name) -> bool:
        host, owner = name
        if not self._said.get(name):
            return True
        try:
            texts = await self._lookup(f"{PREFIX}.{host}")
        except Retry as trouble:
            self._set(name, f"{self._wanted(host, owner)}; it could not be looked up: {trouble}")
            return False
        if owner not in texts:
            others = f"; found there: {', '.join(sorted(texts))[:200]}" if texts else ""
            self._set(name, self._wanted(host, owner) + others)
            return False
        self._set(name, "")
        log.info("host name proved", host=host, owner=owner)
        self._proved(host)
        return True

    def _set(self, name: Name, said: str) -> None:
        if name in self._said:
            self._said[name] = said

    def _wanted(self, host: str, owner: str) -> str:
        return f'set a DNS TXT record {PREFIX}.{host} with the text "{owner}"'
