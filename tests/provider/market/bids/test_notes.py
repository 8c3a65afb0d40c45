"""Decisions are written behind the bids, none is lost by an orderly end, and old ones go."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from provider.ledger.decisions import Decided, Decisions
from provider.ledger.store import Store
from provider.market.bids import notes as module
from provider.market.bids.notes import Notes
from provider.market.book import Book

US = "akash1us"


@pytest.fixture
async def decisions(tmp_path: Path) -> AsyncIterator[Decisions]:
    async with Store.open(tmp_path / "ledger.db") as store:
        yield Decisions(store)


@pytest.fixture
async def book(chain: Any) -> Book:
    return await Book.load(chain, US, 7, 70 * 10**9)


@asynccontextmanager
async def running(notes: Notes) -> AsyncIterator[None]:
    task = asyncio.get_running_loop().create_task(notes.run())
    await asyncio.sleep(0)
    yield
    task.cancel()
    await asyncio.wait([task])


async def test_what_waits_is_written_at_the_end(book: Book, decisions: Decisions, chain: Any) -> None:
    order = chain.orders_[chain.add_order(1, at=5)]
    notes = Notes(book, decisions, lambda: True)
    async with running(notes):
        notes.seen(order)
        notes.decided(order.id, "bid", tx_hash="AB")
    row = await decisions.row(order.id)
    assert row is not None
    assert (row.outcome, row.created_at, row.time_unix_s) == ("bid", 5, 70)
    assert notes.pending == []


@pytest.mark.parametrize("busy", [False, True], ids=["idle", "in a burst that lasts"])
async def test_it_is_written_soon(
    book: Book, decisions: Decisions, chain: Any, until: Any, monkeypatch: pytest.MonkeyPatch, busy: bool
) -> None:
    monkeypatch.setattr(module, "LOOK_S", 0.01)
    monkeypatch.setattr(module, "WAIT_S", 0.05)
    notes = Notes(book, decisions, lambda: busy)
    key = chain.add_order(1)
    async with running(notes):
        notes.decided(key, "skip.attributes")
        await until("it is written", lambda: decisions.row(key))


async def test_bids_come_first(book: Book, decisions: Decisions, chain: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOOK_S", 0.0)
    monkeypatch.setattr(module, "WAIT_S", 60.0)
    notes = Notes(book, decisions, lambda: True)
    async with running(notes):
        notes.decided(chain.add_order(1), "bid")
        for _ in range(20):
            await asyncio.sleep(0)
        assert len(notes.pending) == 1


async def test_old_ones_go_but_not_those_of_what_lives(
    book: Book, decisions: Decisions, chain: Any, until: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LOOK_S", 0.01)
    old, living = chain.add_order(1), chain.add_order(2)
    book.bids[living] = chain.bids_[chain.add_bid(living)]
    await decisions.note(Decided(old, 8, "bid"), Decided(living, 8, "bid"))
    book.height = 8 + module.KEEP_ORDERS_BLOCKS + 1

    async def pruned() -> bool:
        return [row.order for row in await decisions.orders()] == [living]

    async with running(Notes(book, decisions, lambda: False)):
        await until("the old one is gone", pruned)
    assert await decisions.of(living) == []
