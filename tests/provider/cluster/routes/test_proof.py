"""Proof of host names by DNS: against a small name server on a socket, and with answers that are said."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import dns.asyncresolver
import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.resolver
import dns.rrset
import pytest

from provider.cluster.routes.proof import Proof, txt_records
from provider.errors import Retry
from provider.tasks import spawn

OWNER = "akash1owner"
NAME = "_akash-challenge.a.example"


class NameServer(asyncio.DatagramProtocol):
    def __init__(self, records: dict[str, list[str]], refuses: bool) -> None:
        self.records, self.refuses = records, refuses

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        query = dns.message.from_wire(data)
        answer = dns.message.make_response(query)
        name = query.question[0].name
        texts = self.records.get(name.to_text(omit_final_dot=True))
        if self.refuses:
            answer.set_rcode(dns.rcode.SERVFAIL)
        elif texts is None:
            answer.set_rcode(dns.rcode.NXDOMAIN)
        else:
            answer.answer.append(dns.rrset.from_text_list(name, 60, "IN", "TXT", [f'"{text}"' for text in texts]))
        self.transport.sendto(answer.to_wire(), addr)


@asynccontextmanager
async def served(records: dict[str, list[str]], *, refuses: bool = False) -> AsyncIterator[None]:
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(
        lambda: NameServer(records, refuses), local_addr=("127.0.0.1", 0)
    )
    try:
        with _asked(transport.get_extra_info("sockname")[1]):
            yield
    finally:
        transport.close()


@contextmanager
def _asked(port: int) -> Iterator[None]:
    resolver = dns.asyncresolver.Resolver(configure=False)
    resolver.nameservers, resolver.port = ["127.0.0.1"], port
    before, dns.asyncresolver.default_resolver = dns.asyncresolver.default_resolver, resolver
    try:
        yield
    finally:
        dns.asyncresolver.default_resolver = before


async def test_the_texts_of_a_name() -> None:
    async with served({NAME: [OWNER, "another"]}):
        assert await txt_records(NAME) == {OWNER, "another"}
        assert await txt_records("_akash-challenge.b.example") == frozenset()
        assert await txt_records("x" * 64 + ".example") == frozenset(), "what cannot be a name has no records"


async def test_a_name_server_in_trouble_is_no_answer() -> None:
    async with served({}, refuses=True):
        with pytest.raises(Retry):
            await txt_records(NAME)


class Said:
    def __init__(self) -> None:
        self.texts: frozenset[str] | Retry = frozenset()
        self.asked_s: list[float] = []

    async def __call__(self, name: str) -> frozenset[str]:
        self.asked_s.append(asyncio.get_running_loop().time())
        if isinstance(self.texts, Retry):
            raise self.texts
        return self.texts


@asynccontextmanager
async def looking(said: Said) -> AsyncIterator[tuple[Proof, list[str]]]:
    proved: list[str] = []
    proof = Proof(proved.append, said)
    async with asyncio.TaskGroup() as tasks:
        task = spawn(tasks, "proof", proof.run())
        yield proof, proved
        task.cancel()


@pytest.mark.looptime
async def test_the_tenant_is_told_what_to_set_and_the_name_is_his_once_it_is_there() -> None:
    said = Said()
    async with looking(said) as (proof, proved):
        assert proof.doubt("a.example", OWNER) == f'set a DNS TXT record {NAME} with the text "{OWNER}"'
        said.texts = frozenset({"akash1other"})
        await asyncio.sleep(1)
        assert "found there: akash1other" in str(proof.doubt("a.example", OWNER))
        said.texts = frozenset({"akash1other", OWNER})
        await asyncio.sleep(600)
        assert proof.doubt("a.example", OWNER) is None
        assert proved == ["a.example"]
        asked = len(said.asked_s)
        await asyncio.sleep(3600)
        assert len(said.asked_s) == asked


@pytest.mark.looptime
async def test_d17_looking_never_ends_and_is_never_more_than_five_minutes_apart() -> None:
    said = Said()
    said.texts = Retry("SERVFAIL")
    async with looking(said) as (proof, proved):
        proof.doubt("a.example", OWNER)
        await asyncio.sleep(7 * 86_400)
        assert "SERVFAIL" in str(proof.doubt("a.example", OWNER))
        assert max(b - a for a, b in zip(said.asked_s, said.asked_s[1:], strict=False)) <= 301
        said.texts = frozenset({OWNER})
        await asyncio.sleep(301)
        assert proved == ["a.example"]


@pytest.mark.looptime
async def test_names_that_nobody_asks_for_any_more_are_not_looked_up() -> None:
    said = Said()
    async with looking(said) as (proof, _):
        for host in ("a.example", "b.example"):
            proof.doubt(host, OWNER)
        proof.doubt("a.example", "akash1other")
        await asyncio.sleep(1)
        proof.forget(OWNER, {"a.example", "never-asked.example"})
        await asyncio.sleep(600)
        before = len(said.asked_s)
        await asyncio.sleep(600)
        assert len(said.asked_s) - before <= 6, "two names, each every five minutes"


@pytest.mark.looptime
async def test_a_name_that_is_wanted_again_has_to_be_proved_again() -> None:
    said = Said()
    said.texts = frozenset({OWNER})
    async with looking(said) as (proof, _):
        proof.doubt("a.example", OWNER)
        await asyncio.sleep(1)
        assert proof.doubt("a.example", OWNER) is None
        proof.forget(OWNER, {"a.example"})
        assert proof.doubt("a.example", OWNER) is not None
