"""`akp db`: a copy that is checked, and a check that says what is wrong."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from provider.ledger.books import Books, Head
from provider.ledger.store import Store


def test_a_backup_beside_a_writer_is_whole_and_can_be_put_back(akp: Callable[..., Any], ledger: Path) -> None:
    async def beside() -> None:
        async with Store.open(ledger / "ledger.db") as store:
            await Books(store).advance(Head(151, 7))  # still in the write-ahead log
            said = await asyncio.to_thread(akp, "db", "backup", ledger, "--data", ledger, "-o", "json")
            assert said.code == 0, said.err
            told.update(json.loads(said.out))

    told: dict[str, Any] = {}
    asyncio.run(beside())
    assert (told["file"], told["height"], told["faults"]) == (str(ledger / "ledger-151.db"), 151, [])
    (ledger / "ledger.db").unlink()
    (ledger / "ledger-151.db").rename(ledger / "ledger.db")
    again = json.loads(akp("db", "verify", "--data", ledger, "--hash", told["hash"], "-o", "json").out)
    assert (again["height"], again["rows"], again["hash"]) == (151, told["rows"], told["hash"])
    assert akp("leases", "--data", ledger).code == 0


def test_a_copy_is_one_file_that_is_read_where_nothing_can_be_written(
    akp: Callable[..., Any], ledger: Path, tmp_path: Path
) -> None:
    """A file in WAL mode cannot be opened there; bytes 18 and 19 of its header say so (sqlite.org/fileformat.html)."""
    backups = tmp_path / "backups"
    backups.mkdir()
    copy = backups / "nightly.db"
    for _ in range(2):
        assert akp("db", "backup", copy, "--data", ledger).code == 0
        assert akp("db", "verify", copy).code == 0
        assert [path.name for path in backups.iterdir()] == ["nightly.db"]
        assert copy.read_bytes()[18:20] == b"\x01\x01"
    assert (ledger / "ledger.db").read_bytes()[18:20] == b"\x02\x02", "the daemon's own goes on as it was"
    (backups / "ledger.db").write_bytes(copy.read_bytes())

    async def put_back() -> None:
        async with Store.open(backups / "ledger.db") as store:
            await Books(store).advance(Head(200, 7))

    asyncio.run(put_back())
    assert (backups / "ledger.db").read_bytes()[18:20] == b"\x02\x02"


def test_a_backup_by_name(akp: Callable[..., Any], ledger: Path, tmp_path: Path) -> None:
    said = akp("db", "backup", tmp_path / "copy.db", "--data", ledger)
    assert "none" in said.out
    assert akp("db", "verify", tmp_path / "copy.db").code == 0


@pytest.mark.parametrize(
    ("to", "words"), [("ledger.db", "this is the ledger itself"), ("no/where.db", "cannot be written")]
)
def test_where_a_backup_cannot_go(akp: Callable[..., Any], ledger: Path, to: str, words: str) -> None:
    said = akp("db", "backup", ledger / to, "--data", ledger)
    assert said.code == 2
    assert words in said.err


def test_a_copy_may_be_replaced_and_nothing_else(akp: Callable[..., Any], ledger: Path, tmp_path: Path) -> None:
    copy, key = tmp_path / "nightly.db", tmp_path / "key.hex"
    key.write_text("00ff")
    for _ in range(2):
        assert akp("db", "backup", copy, "--data", ledger).code == 0
    said = akp("db", "backup", key, "--data", ledger)
    assert (said.code, "no copy of a ledger" in said.err) == (2, True)
    assert key.read_text() == "00ff"


def test_nothing_to_copy_is_told_in_one_line(akp: Callable[..., Any], tmp_path: Path) -> None:
    said = akp("db", "backup", tmp_path, "--data", tmp_path / "elsewhere")
    assert (said.code, "the ledger cannot be opened" in said.err, said.err.count("\n")) == (2, True, 1)


def test_a_changed_file_is_exit_code_4(akp: Callable[..., Any], ledger: Path) -> None:
    with sqlite3.connect(ledger / "ledger.db") as db:
        db.execute("DROP TRIGGER journal_is_not_changed")
        db.execute("UPDATE journal SET amount = 1000000 WHERE seq = 2")
    db.close()
    said = akp("db", "verify", "--data", ledger)
    assert said.code == 4
    assert "row 2 of the journal is not what was written" in said.out


def test_what_is_no_ledger(akp: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "ledger.db").write_text("hello" * 1000)
    said = akp("db", "verify", "--data", tmp_path)
    assert said.code == 2
    assert "cannot be opened" in said.err
