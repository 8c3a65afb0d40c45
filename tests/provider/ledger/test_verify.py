"""A file that is whole says so; whatever else was done to it is found."""

from __future__ import annotations

import asyncio
import random
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from bidengine.usage import Span
from manifests.coins import Coin, DecCoin
from manifests.ids import LeaseID
from provider.errors import ConfigError
from provider.ledger.books import Books, Ended, Head, Opened, Paid, Settled
from provider.ledger.journal import Kind, Posting
from provider.ledger.store import Store
from provider.ledger.verify import verify

LEASE = LeaseID("akash1o", 7, 1, 1, "akash1us")


@pytest.fixture
async def ledger(tmp_path: Path) -> Path:
    """A file at rest, the write-ahead log taken in."""
    path = tmp_path / "ledger.db"
    async with Store.open(path) as store:
        books = Books(store)
        await books.advance(Head(10, 10**9), [Opened(Span(LEASE, 10, None, DecCoin("uact", 10**18)))])
        for height in range(11, 30):
            fee = Posting(Kind.FEE, height, f"fee/{height}", Coin("uakt", -height), "akash1us", tx=f"TX{height}")
            total = Coin("uact", height)
            await books.advance(
                Head(height, height * 10**9), [fee, Settled(LEASE, height, total), Paid(LEASE, height, total, "x")]
            )
        await books.advance(Head(30, 30 * 10**9), [Ended(LEASE, 30, 1)])
    return path


def change(path: Path, *statements: str) -> None:
    """As somebody would who wants another figure: triggers are no lock."""
    with sqlite3.connect(path) as db:
        db.create_function("row_hash", -1, lambda *_: "0")
        for name in ("journal_is_not_changed", "journal_is_not_shortened"):
            db.execute(f"DROP TRIGGER {name}")
        for sql in statements:
            db.execute(sql)
    db.close()


async def test_a_whole_file(ledger: Path) -> None:
    found = await verify(ledger)
    assert (found.faults, found.rows, found.height) == ((), 1 + 3 * 19 + 1, 30)
    assert (await verify(ledger, found.hash)).faults == ()


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("UPDATE journal SET amount = amount + 1 WHERE seq = 9", "row 9 of the journal is not what was written"),
        ("UPDATE journal SET amount = '29' WHERE seq = 9", "row 9 of the journal is not what was written: '29' is no"),
        ("UPDATE journal SET amount = 'much' WHERE seq = 9", "row 9 of the journal is not what was written"),
        ("UPDATE journal SET amount = 'much' WHERE kind = 'income'", "amounts that cannot be added up"),
        ("UPDATE journal SET detail = 'other' WHERE seq = 1", "row 1 of the journal"),
        ("DELETE FROM journal WHERE seq = 20", "row 20 of the journal is missing"),
        ("UPDATE head SET height = 20", "the journal reaches height 30, the cursor only 20"),
        ("DELETE FROM head", "there is no cursor"),
        ("UPDATE span SET to_height = 5", "ends before it begins"),
        ("UPDATE span SET to_height = 29", "ends at 29, its row in the journal says 30"),
        ("UPDATE span SET to_height = NULL", "ends at None, its row in the journal says 30"),
        ("UPDATE span SET from_height = 9", "does not tell that lease akash1o/7/1/1/akash1us began at 9"),
        ("UPDATE span SET rate_e18 = '2000000000000000000'", "has 2uact per block for 0m cpu"),
        ("UPDATE span SET cpu_milli = 1", "its row in the journal 1uact per block for 0m cpu"),
        ("UPDATE span SET memory_bytes = 1", "for 0m cpu, 1 bytes of memory"),
        ("UPDATE span SET gpu_units = 1", "1 gpus,"),
        ("UPDATE span SET gpu_model = 'h100'", "0 gpus (h100)"),
        ("""UPDATE span SET storage_json = '{"beta3": 1}'""", """storage {"beta3": 1}, its row"""),
        ("UPDATE span SET rate_e18 = 'x'", "has the rate 'x' for 0m cpu"),
        ("DELETE FROM span", "is in the journal and has no span"),
        ("INSERT INTO span VALUES ('akash1o/8/1/1/akash1us', 20, 30, 'uact', '1', 0, 0, 0, '', '{}')", "ended at 30"),
        ("UPDATE closing SET reason = 2", "ended for reason 2 at 30"),
        (f"INSERT INTO span VALUES ('{LEASE}', 20, 40, 'uact', '1', 0, 0, 0, '', '{{}}')", "overlap"),
        (
            "INSERT INTO entry VALUES (30, 30, 'refund', 'akash1us', '', 'b', 'uakt', 5, '', '', '', 'r')",
            "of the deposit of b, 5uakt more came back",
        ),
        (
            f"INSERT INTO entry VALUES (30, 30, 'income', 'akash1us', '', '{LEASE}', 'uact', 5, '', '', '', 'i')",
            "was paid 34, more than the 29 it was credited",
        ),
        (
            f"INSERT INTO entry VALUES (30, 30, 'income', 'us', '', '{LEASE}', 'uact', '{10**30}', '', '', '', 'i')",
            f"was paid {10**30 + 29}, more than the 29 it was credited",
        ),
    ],
)
async def test_what_does_not_fit_is_named(ledger: Path, sql: str, words: str) -> None:
    change(ledger, sql)
    assert any(words in fault for fault in (await verify(ledger)).faults)


async def test_rows_cut_off_at_the_end_are_missed_by_a_hash_noted_before(ledger: Path) -> None:
    noted = (await verify(ledger)).hash
    change(
        ledger, "DELETE FROM journal WHERE seq > 50", "UPDATE span SET to_height = NULL", "DELETE FROM closing"
    )  # fmt: skip
    assert (await verify(ledger)).faults == ()
    assert "rows were cut off" in (await verify(ledger, noted)).faults[0]


def with_a_bit_turned(path: Path, whole: bytes, dice: random.Random) -> int:
    """Which byte; one that is not zero, since most of the file is room."""
    at = dice.choice([n for n, byte in enumerate(whole) if byte])
    path.write_bytes(whole[:at] + bytes([whole[at] ^ 1 << dice.randrange(8)]) + whole[at + 1 :])
    return at


@pytest.mark.parametrize("seed", range(6))
async def test_no_bit_of_the_journal_can_be_another(ledger: Path, seed: int) -> None:
    """Any bit of the file turned: either it is found, or it was no part of what the journal says."""
    dice, before = random.Random(seed), await content(ledger)
    whole = await asyncio.to_thread(ledger.read_bytes)
    found = 0
    for _ in range(40):
        at = with_a_bit_turned(ledger, whole, dice)
        try:
            verdict = await verify(ledger)
        except ConfigError:  # not even a ledger any more
            found += 1
            continue
        if verdict.faults:
            found += 1
        else:
            assert await content(ledger) == before, f"byte {at}"
    assert found > 10


async def content(path: Path) -> Any:
    async with Store.open(path, readonly=True) as store:
        return await store.read("SELECT * FROM journal")
