"""The ways a lease of ours is ended, by what it promised."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bidengine.views import CloseReason, Lease, Reclamation
from provider.chain.messages import CloseBid, Msg, StartReclaim
from provider.errors import TxRefused
from provider.market.book import Book
from provider.market.closing import Closing

US = "akash1us"
WHY = CloseReason.UNSPECIFIED


@pytest.fixture
async def book(chain: Any) -> Book:
    return await Book.load(chain, US, 3, 30)


@pytest.fixture
def lease(chain: Any) -> Lease:
    found: Lease = chain.leases_[chain.add_lease(chain.add_order(1), at=3)]
    return found


async def asked(book: Book, lease: Lease, no: Exception | None = None) -> list[Msg]:
    sent: list[Msg] = []

    async def send(msg: Msg) -> str:
        if no is not None:
            raise no
        sent.append(msg)
        return "HASH"

    await Closing(book, send).end(lease, WHY)
    return sent


async def test_without_a_promise_it_is_closed_at_once(book: Book, lease: Lease) -> None:
    assert await asked(book, lease) == [CloseBid(lease.id, int(WHY))]


async def test_notice_is_given_first_then_waited_for_then_it_is_closed(book: Book, lease: Lease) -> None:
    promised = replace(lease, reclamation=Reclamation(3600, 0, 0))
    assert await asked(book, promised) == [StartReclaim(lease.id, int(WHY))]
    running = replace(lease, state="reclaiming", reclamation=Reclamation(3600, 100, 3700))
    book.time_unix_ns = 3_699 * 10**9
    assert await asked(book, running) == []
    book.time_unix_ns = 3_700 * 10**9
    assert await asked(book, running) == [CloseBid(lease.id, int(WHY))]


async def test_a_refusal_is_the_chains_better_knowledge(book: Book, lease: Lease) -> None:
    assert await asked(book, lease, TxRefused("market", 10, "lease not active")) == []
