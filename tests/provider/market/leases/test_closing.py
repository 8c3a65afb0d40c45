"""The ways a lease of ours is ended, by what it promised."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bidengine.views import CloseReason, Lease, Reclamation
from provider.chain.messages import CloseBid, Msg, StartReclaim
from provider.errors import Retry, TxRefused
from provider.market.book import Book
from provider.market.leases.closing import SENT_BLOCKS, Closing

US = "akash1us"
WHY = CloseReason.UNSPECIFIED


@pytest.fixture
async def book(chain: Any) -> Book:
    return await Book.load(chain, US, 3, 30)


@pytest.fixture
def lease(chain: Any) -> Lease:
    found: Lease = chain.leases_[chain.add_lease(chain.add_order(1), at=3)]
    return found


class Desk:
    """Closing over a chain that takes what it is sent, or says no; `to` is what has been sent."""

    def __init__(self, book: Book, *no: Exception) -> None:
        self.to: list[Msg] = []
        self.no = list(no)
        self.closing = Closing(book, self.send)

    async def send(self, msg: Msg) -> str:
        self.to.append(msg)
        if self.no:
            raise self.no.pop(0)
        return "HASH"

    async def asked(self, lease: Lease) -> list[Msg]:
        before = len(self.to)
        await self.closing.end(lease, WHY)
        return self.to[before:]


PROMISED = Reclamation(3600, 0, 0)
RUNNING = Reclamation(3600, 100, 3700, CloseReason.DECOMMISSION)


async def test_without_a_promise_it_is_closed_at_once(book: Book, lease: Lease) -> None:
    assert await Desk(book).asked(lease) == [CloseBid(lease.id, int(WHY))]


async def test_notice_is_given_first_then_waited_for_then_it_is_closed(book: Book, lease: Lease) -> None:
    desk = Desk(book)
    assert await desk.asked(replace(lease, reclamation=PROMISED)) == [StartReclaim(lease.id, int(WHY))]
    running = replace(lease, state="reclaiming", reclamation=RUNNING)
    book.time_unix_ns = 3_700 * 10**9 - 1
    assert await desk.asked(running) == []
    book.time_unix_ns = 3_700 * 10**9
    assert await desk.asked(running) == [CloseBid(lease.id, int(WHY))]


async def test_the_chain_is_asked_once_however_often_it_is_looked_at(book: Book, lease: Lease) -> None:
    desk = Desk(book)
    assert len(await desk.asked(lease)) == 1
    assert await desk.asked(lease) == []
    book.height += SENT_BLOCKS - 1
    desk.closing.tick(book.height)
    assert await desk.asked(lease) == []
    book.height += 1
    assert len(await desk.asked(lease)) == 1, "it must have got lost"
    desk.closing.failed(CloseBid(lease.id, int(WHY)))
    assert len(await desk.asked(lease)) == 1


async def test_trouble_that_passes_goes_to_whoever_looks_again(book: Book, lease: Lease) -> None:
    desk = Desk(book, Retry("no node answers"))
    with pytest.raises(Retry):
        await desk.asked(lease)
    assert len(await desk.asked(lease)) == 1


async def test_whoever_gave_notice_the_lease_is_closed_when_its_time_is_up(book: Book, lease: Lease) -> None:
    """`akp leases reclaim` gave it, or this daemon before it was started anew: the book is all there is."""
    book.leases[lease.id] = replace(lease, state="reclaiming", reclamation=RUNNING)
    desk = Desk(book)
    for second, due in ((3_699, 0), (3_700, 1)):
        book.time_unix_ns = second * 10**9
        desk.closing.tick(book.height)
        assert len(desk.closing.queue) == due
    await desk.closing.handle(lease.id)
    assert desk.to == [CloseBid(lease.id, CloseReason.DECOMMISSION)], "for the reason that notice was given for"
    del book.leases[lease.id]
    await desk.closing.handle(lease.id)
    assert len(desk.to) == 1


async def test_a_running_lease_is_not_closed_by_itself(book: Book, lease: Lease) -> None:
    desk = Desk(book)
    for reclamation in (None, PROMISED):
        book.leases[lease.id] = replace(lease, reclamation=reclamation)
        desk.closing.tick(book.height)
        assert not len(desk.closing.queue)


@pytest.mark.parametrize("code", [6, 8, 10, 11, 36, 38])
async def test_a_refusal_is_the_chains_better_knowledge(book: Book, lease: Lease, code: int) -> None:
    desk = Desk(book, TxRefused("market", code, "no"))
    assert len(await desk.asked(lease)) == 1
    assert len(await desk.asked(lease)) == 1, "what the book still shows is asked again"


@pytest.mark.parametrize(
    ("code", "reclamation", "steps"),
    [(37, None, [CloseBid, StartReclaim]), (35, PROMISED, [StartReclaim, CloseBid])],
    ids=["notice was promised after all", "none was promised"],
)
async def test_the_chain_knows_better_what_was_promised(
    book: Book, lease: Lease, code: int, reclamation: Reclamation | None, steps: list[type]
) -> None:
    desk = Desk(book, TxRefused("market", code, "no"))
    assert [type(msg) for msg in await desk.asked(replace(lease, reclamation=reclamation))] == steps
