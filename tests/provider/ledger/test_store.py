"""The store keeps what was committed, in order, for one chain and provider."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from manifests.coins import Coin
from manifests.ids import LeaseID
from provider.errors import ConfigError, Fatal
from provider.ledger.books import Books, Head, Paid
from provider.ledger.chained import broken, row_hash
from provider.ledger.journal import Journal, Kind, Posting
from provider.ledger.store import VERSION, Row, Store, is_ledger
from provider.ledger.sweeps import Sweeps
from provider.ledger.verify import verify


async def test_what_is_written_is_there_after_opening_again(tmp_path: Path) -> None:
    async with Store.open(tmp_path / "ledger.db") as store:
        await store.write([("INSERT INTO head VALUES (1, ?, ?)", (7, 70))])
    async with Store.open(tmp_path / "ledger.db") as store:
        assert await store.read("SELECT height, time_unix_ns FROM head") == [(7, 70)]


async def test_a_transaction_is_all_or_nothing(tmp_path: Path) -> None:
    async with Store.open(tmp_path / "ledger.db") as store:
        with pytest.raises(sqlite3.IntegrityError):
            await store.write(
                [
                    ("INSERT INTO head VALUES (1, 7, 70)", ()),
                    ("INSERT INTO head VALUES (2, 8, 80)", ()),
                ]  # breaks the CHECK
            )
        assert await store.read("SELECT count(*) FROM head") == [(0,)]
        await store.write([("INSERT INTO head VALUES (1, 9, 90)", ())])
        assert await store.read("SELECT height FROM head") == [(9,)]


@pytest.mark.parametrize(
    "odd",
    [(7, 2**70), (7, "\ud800"), (7, object()), (7,)],
    ids=["more than 64 bits", "no UTF-8", "no value of SQLite's", "one value too few"],
)
async def test_what_sqlite_cannot_even_be_given_leaves_nothing_half_done(odd: Sequence[Any], tmp_path: Path) -> None:
    async with Store.open(tmp_path / "ledger.db") as store:
        with pytest.raises((OverflowError, UnicodeError, sqlite3.ProgrammingError)):
            await store.write([("INSERT INTO meta VALUES ('a', '1')", ()), ("INSERT INTO head VALUES (1, ?, ?)", odd)])
        assert await store.read("SELECT count(*) FROM meta") == [(0,)]
        async with Store.open(tmp_path / "ledger.db") as other:  # no lock is left
            await other.write([("INSERT INTO meta VALUES ('b', '1')", ())])
        await store.write([("INSERT INTO meta VALUES ('c', '1')", ())])
        assert await store.read("SELECT key FROM meta ORDER BY key") == [("b",), ("c",)]


async def test_what_goes_along_is_written_with_the_next_transaction_and_once(tmp_path: Path) -> None:
    async with Store.open(tmp_path / "ledger.db") as store:
        store.along([("INSERT INTO meta VALUES ('a', '1')", ())])
        assert await store.read("SELECT count(*) FROM meta") == [(0,)]
        with pytest.raises(sqlite3.IntegrityError):
            await store.write([("INSERT INTO head VALUES (2, 8, 80)", ())])  # all or nothing, what goes along included
        assert await store.read("SELECT count(*) FROM meta") == [(0,)]
        store.along([("INSERT INTO meta VALUES ('b', '1')", ())])
        for height in (1, 2):
            await store.write([("INSERT OR REPLACE INTO head VALUES (1, ?, 1)", (height,))])
        assert await store.read("SELECT key FROM meta") == [("b",)]


async def test_a_full_disk_ends_the_process_in_words_and_leaves_the_file_whole(tmp_path: Path) -> None:
    async with Store.open(tmp_path / "ledger.db") as store:
        await store.write([("INSERT INTO head VALUES (1, 7, 70)", ())])
        await store.read("PRAGMA max_page_count = 1")  # as many as there are
        with pytest.raises(Fatal, match=r"cannot be written: .*full.* make room"):
            await store.write(
                [("UPDATE head SET height = 8", ()), ("INSERT INTO meta VALUES ('long', ?)", ("x" * 100_000,))]
            )
        assert await store.read("SELECT height FROM head") == [(7,)]


async def test_a_file_that_another_process_keeps_locked_is_not_told_as_a_full_disk(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    async with Store.open(path) as store:
        await store.read("PRAGMA busy_timeout = 1")
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(Fatal, match=r"ledger\.db: .*cannot be written: .*locked\. Another process") as told:
            await store.write([("INSERT INTO head VALUES (1, 7, 70)", ())])
        assert "room" not in str(told.value)
        other.close()
        await store.write([("INSERT INTO head VALUES (1, 7, 70)", ())])


async def test_a_file_that_breaks_under_a_reader_is_told_in_words_and_a_defect_of_ours_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    async with Store.open(path) as store:
        await store.write([("INSERT INTO meta VALUES ('long', ?)", ("x" * 100_000,))])
        with pytest.raises(sqlite3.OperationalError, match="no such table"):
            await store.read("SELECT * FROM nowhere")
    whole = path.read_bytes()
    path.write_bytes(whole[:8192] + b"\xff" * (len(whole) - 8192))
    async with Store.open(path, readonly=True) as store:
        with pytest.raises(Fatal, match=r"ledger\.db: the ledger cannot be read: .*malformed.*loses history"):
            await store.read("SELECT * FROM meta")


async def test_what_is_no_database_is_told_with_what_it_costs_to_go_without(tmp_path: Path) -> None:
    (tmp_path / "ledger.db").write_text("rubbish" * 1000)
    with pytest.raises(ConfigError, match=r"not a database.*loses history, never a lease"):
        async with Store.open(tmp_path / "ledger.db"):
            pass


async def test_calls_are_carried_out_in_order(tmp_path: Path) -> None:
    async with Store.open(tmp_path / "ledger.db") as store:
        await store.write([("INSERT INTO head VALUES (1, 0, 0)", ())])
        await asyncio.gather(*(store.write([("UPDATE head SET height = ?", (n,))]) for n in range(50)))
        assert await store.read("SELECT height FROM head") == [(49,)]


async def test_a_ledger_belongs_to_one_chain_and_provider(tmp_path: Path) -> None:
    async with Store.open(tmp_path / "ledger.db") as store:
        await store.belongs_to(chain="local", provider="akash1p")
        await store.belongs_to(chain="local", provider="akash1p")
        with pytest.raises(ConfigError, match="belongs to chain local, not akashnet-2"):
            await store.belongs_to(chain="akashnet-2", provider="akash1p")


async def test_a_newer_file_is_refused(tmp_path: Path) -> None:
    async with Store.open(tmp_path / "ledger.db"):
        pass
    db = sqlite3.connect(tmp_path / "ledger.db")
    db.execute(f"PRAGMA user_version = {VERSION + 1}")
    db.close()
    with pytest.raises(ConfigError, match="newer akp"):
        async with Store.open(tmp_path / "ledger.db"):
            pass


async def test_a_directory_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="cannot be opened"):
        async with Store.open(tmp_path / "file" / "ledger.db"):
            pass


async def test_reading_beside_a_writer_does_not_create_anything(tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        async with Store.open(tmp_path / "none.db", readonly=True):
            pass
    assert not (tmp_path / "none.db").exists()
    async with Store.open(tmp_path / "ledger.db") as writer:
        await writer.write([("INSERT INTO head VALUES (1, 1, 1)", ())])
        async with Store.open(tmp_path / "ledger.db", readonly=True) as reader:
            assert await reader.read("SELECT height FROM head") == [(1,)]


@pytest.mark.parametrize("name", ["what?mode=rw", "a#b", "100%", "two words", "%3F"])
async def test_a_directory_is_read_whatever_its_name(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path, other = Path(name) / "ledger.db", Path(name.partition("?")[0].partition("#")[0]) / "ledger.db"
    async with Store.open(path) as store:
        await store.write([("INSERT INTO head VALUES (1, 7, 70)", ())])
    for given in (path, path.absolute()):
        async with Store.open(given, readonly=True) as store:
            assert await store.read("SELECT height FROM head") == [(7,)]
            with pytest.raises(Fatal):
                await store.write([("DELETE FROM head", ())])
        assert is_ledger(given)
    if other != path:
        with pytest.raises(ConfigError):  # what the URI would name
            async with Store.open(other, readonly=True):
                pass


def version_1(path: Path) -> None:
    """A ledger as version 1 left it: a lease's span and what it noted of three orders."""
    db = sqlite3.connect(path)
    db.executescript(resources.files("provider.ledger").joinpath("schema_1.sql").read_text())
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA user_version = 1")
    db.execute("INSERT INTO head VALUES (1, 40, 400)")
    db.execute("INSERT INTO span VALUES ('akash1o/7/1/1/akash1us', 12, NULL, 'uact', '5', 1, 2, 0, '', '{}')")
    db.executemany(
        "INSERT INTO decision VALUES (?, ?, ?, ?, ?, ?)",
        [
            ("akash1o/7/1/1", 9, "declined", "skip.capacity.gpu_model", "no h100", ""),
            ("akash1o/7/1/1", 10, "bid", "", "", "5uact"),
            ("akash1o/8/1/1", 11, "bid", "", "", "6uact"),
            ("akash1o/8/1/1", 15, "lost", "", "", ""),
            ("akash1o/9/1/1", 20, "closed", "", "", ""),
        ],
    )
    db.commit()
    db.close()


async def test_a_ledger_of_any_version_is_told_from_other_files(tmp_path: Path) -> None:
    version_1(tmp_path / "old.db")
    async with Store.open(tmp_path / "new.db"):
        pass
    with sqlite3.connect(tmp_path / "other.db") as db:
        db.execute("CREATE TABLE meta (x)")
    db.close()
    (tmp_path / "empty").touch()
    (tmp_path / "key.hex").write_text("00ff")
    found = {name: is_ledger(tmp_path / name) for name in ("old.db", "new.db", "other.db", "empty", "key.hex", "none")}
    assert found == {
        "old.db": True, "new.db": True, "other.db": False, "empty": False, "key.hex": False, "none": False,
    }  # fmt: skip


async def test_a_file_of_version_1_is_copied_and_brought_up_to_date(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    version_1(path)
    for _ in range(2):  # the second time there is nothing to do
        async with Store.open(path) as store:
            assert await store.read("SELECT height FROM head") == [(40,)]
            assert await store.read("SELECT count(*) FROM span") == [(1,)]
            assert await store.read("SELECT orderid, outcome, rank FROM market_order ORDER BY 1") == [
                ("akash1o/7/1/1", "bid", 0),
                ("akash1o/8/1/1", "lost.unknown", 1),
                ("akash1o/9/1/1", "lost.withdrawn", 1),
            ]
            found = await store.read("SELECT height, outcome, detail, price FROM decision WHERE orderid LIKE '%/7/1/1'")
            assert found == [(9, "skip.capacity.gpu_model", "no h100", ""), (10, "bid", "", "5uact")]
    with sqlite3.connect(tmp_path / "ledger.db.v1") as copy:
        assert copy.execute("PRAGMA user_version").fetchone() == (1,)
        assert copy.execute("SELECT count(*) FROM decision").fetchone() == (5,)
    copy.close()


async def test_a_file_of_version_2_gets_an_empty_outbox(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    version_1(path)
    with sqlite3.connect(path) as db:
        db.executescript(resources.files("provider.ledger").joinpath("schema_2.sql").read_text())
        db.execute("PRAGMA user_version = 2")
    db.close()
    async with Store.open(path) as store:
        assert await store.read("SELECT key FROM intent UNION ALL SELECT hash FROM tx") == []
        assert await store.read("SELECT count(*) FROM decision") == [(5,)]
    with sqlite3.connect(tmp_path / "ledger.db.v2") as copy:
        assert copy.execute("PRAGMA user_version").fetchone() == (2,)
    copy.close()


def version_3(path: Path) -> None:
    """What version 3 had booked of two leases."""
    version_1(path)
    with sqlite3.connect(path) as db:
        for number in (2, 3):
            db.executescript(resources.files("provider.ledger").joinpath(f"schema_{number}.sql").read_text())
        db.executemany(
            "INSERT INTO settlement VALUES (?, ?, 'uact', ?, ?)",
            [
                ("akash1o/7/1/1/akash1us", 20, 40, "withdraw"),
                ("akash1o/7/1/1/akash1us", 30, 2, "closed"),
                ("akash1o/8/1/1/akash1us", 25, 9, "found"),
            ],
        )
        db.execute("INSERT INTO closing VALUES ('akash1o/7/1/1/akash1us', 30, 1)")
        db.execute("PRAGMA user_version = 3")
    db.close()


async def test_the_money_of_a_file_of_version_3_is_carried_over(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    version_3(path)
    async with Store.open(path) as store:
        journal = Journal(store)
        rows = [row async for row in journal.rows()]
        assert [(r.kind, r.height, r.lease.split("/")[1], r.amount) for r in rows] == [
            ("lease.opened", 12, "7", 0),
            ("settled", 20, "7", 40), ("settled", 25, "8", 9), ("settled", 30, "7", 2),
            ("income.before", 20, "7", 40), ("income.before", 25, "8", 9), ("income.before", 30, "7", 2),
            ("lease.ended", 30, "7", 0),
        ]  # fmt: skip
        lease = LeaseID("akash1o", 7, 1, 1, "akash1us")
        assert await journal.paid(lease) == {"uact": 42}
        assert await journal.balances() == {}, "balances begin with their opening"
        await Books(store).advance(Head(41, 410), [Paid(lease, 41, Coin("uact", 50), "found")])
        assert await journal.paid(lease) == {"uact": 50}, "totals go on where they were"
        assert broken(await store.read("SELECT * FROM journal ORDER BY seq")) == ""


def version_5(path: Path) -> list[Row]:
    """Its journal, with rows as large as they could be, a sweep, and what the rows were."""
    version_3(path)
    with sqlite3.connect(path) as db:
        db.create_function("row_hash", -1, row_hash, deterministic=True)
        for number in (4, 5):
            db.executescript(resources.files("provider.ledger").joinpath(f"schema_{number}.sql").read_text())
        db.executemany(
            "INSERT INTO entry VALUES (?, 60, ?, 'akash1us', '', '', 'ibc/A', ?, '', 'TX', 'é', ?)",
            [(41, "opening", 2**63 - 1, "opening/1"), (42, "transfer", -5, "transfer/1")],
        )
        db.execute("INSERT INTO sweep VALUES (1, 1, 2, 'akash1cold', 'uakt', 500, 'proposed', '', 40, 1, '')")
        db.execute("PRAGMA user_version = 5")
        rows = db.execute("SELECT * FROM journal ORDER BY seq").fetchall()
    db.close()
    return rows


async def test_the_journal_of_version_5_stays_what_it_was_and_takes_coins_of_any_size(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    before = version_5(path)
    async with Store.open(path) as store:
        assert await store.read("SELECT * FROM journal ORDER BY seq") == before, "numbers and hashes included"
        books = Books(store)
        coins = [Coin("ibc/A", n) for n in (10**19, 1, -(10**30))]
        await books.advance(
            Head(50, 10**9), [Posting(Kind.TRANSFER, 50, f"new/{c.amount}", c, "akash1us") for c in coins]
        )
        await books.advance(Head(51, 10**9), [Posting(Kind.TRANSFER, 51, "transfer/1", coins[0], "akash1us")])
        assert (await books.journal.balances())["akash1us"] == {"ibc/A": 2**63 - 1 - 5 + 10**19 + 1 - 10**30}
        assert broken(await store.read("SELECT * FROM journal ORDER BY seq")) == ""
        (row,) = await Sweeps(store).newest()
        assert (row.coin, row.state) == (Coin("uakt", 500), "proposed")
        for sql in ("UPDATE journal SET amount = 0", "DELETE FROM journal"):
            with pytest.raises(sqlite3.IntegrityError, match="append-only"):
                await store.write([(sql, ())])
    assert (await verify(path)).rows == len(before) + 3, "what has a key already is not written again"
    with sqlite3.connect(tmp_path / "ledger.db.v5") as copy:
        assert copy.execute("SELECT * FROM journal ORDER BY seq").fetchall() == before
    copy.close()


async def test_brought_up_to_date_or_new_the_tables_are_the_same(tmp_path: Path) -> None:
    version_1(tmp_path / "old.db")
    tables = []
    for name in ("old.db", "new.db"):
        async with Store.open(tmp_path / name) as store:
            tables.append(await store.read("SELECT type, name, sql FROM sqlite_master ORDER BY name"))
    assert tables[0] == tables[1]
    assert not (tmp_path / "new.db.v1").exists()


async def test_a_step_that_fails_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    version_1(path)
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE market_order (somebody_elses INTEGER)")
    db.close()
    with pytest.raises(ConfigError, match="cannot be brought up to date: table market_order already exists"):
        async with Store.open(path):
            pass
    with sqlite3.connect(path) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (1,)
        assert db.execute("SELECT count(*) FROM decision").fetchone() == (5,)
    db.close()


async def test_an_older_file_is_not_changed_by_who_only_reads(tmp_path: Path) -> None:
    version_1(tmp_path / "ledger.db")
    before = (tmp_path / "ledger.db").read_bytes()
    with pytest.raises(ConfigError, match="Start the daemon once"):
        async with Store.open(tmp_path / "ledger.db", readonly=True):
            pass
    assert (tmp_path / "ledger.db").read_bytes() == before
