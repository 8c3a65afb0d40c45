"""The store keeps what was committed, in order, for one chain and provider."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import pytest

from provider.errors import ConfigError
from provider.ledger.store import VERSION, Store


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
