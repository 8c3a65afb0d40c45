"""SQLite on one thread of its own: the only module that imports sqlite3.

- Every write is one transaction; it is on disk (WAL, synchronous=FULL) when the call returns.
- Calls are carried out in the order they are made.
- The file belongs to one chain and one provider; opening it for another is refused, because heights would mean nothing.
- A file from a newer version is refused; an older one is brought up to date first.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib import resources
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from provider.errors import ConfigError

T = TypeVar("T")
VERSION = 1
Row = tuple[Any, ...]
Write = tuple[str, Sequence[Any]]


class Store:
    """`async with Store.open(path) as store`. `write` takes statements and runs them as one transaction; `read`
    returns rows."""

    def __init__(self, path: Path, *, readonly: bool = False) -> None:
        self.path = path
        self._readonly = readonly
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="ledger")
        self._db: sqlite3.Connection | None = None

    @classmethod
    def open(cls, path: Path, *, readonly: bool = False) -> Store:
        return cls(path, readonly=readonly)

    async def __aenter__(self) -> Store:
        await self._on_thread(self._connect)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        await self._on_thread(self._close)
        self._thread.shutdown(wait=True)

    async def write(self, statements: Iterable[Write]) -> None:
        batch = list(statements)

        def run() -> None:
            assert self._db is not None
            with self._db:  # commits, or rolls back when anything raises
                self._db.execute("BEGIN IMMEDIATE")
                for sql, values in batch:
                    self._db.execute(sql, values)

        await self._on_thread(run)

    async def read(self, sql: str, values: Sequence[Any] = ()) -> list[Row]:
        def run() -> list[Row]:
            assert self._db is not None
            return self._db.execute(sql, values).fetchall()

        return await self._on_thread(run)

    async def belongs_to(self, **names: str) -> None:
        """Claim a new file for this chain and provider, or check that it is theirs."""
        for key, value in names.items():
            found = await self.read("SELECT value FROM meta WHERE key = ?", (key,))
            if not found:
                await self.write([("INSERT INTO meta VALUES (?, ?)", (key, value))])
            elif found[0][0] != value:
                raise ConfigError(
                    str(self.path),
                    f"this ledger belongs to {key} {found[0][0]}, not {value}",
                    "Point `data` at another directory.",
                )

    async def _on_thread(self, run: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, run)

    def _connect(self) -> None:
        try:
            if self._readonly:
                db = sqlite3.connect(f"file:{self.path}?mode=ro", uri=True, isolation_level=None)
            else:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                db = sqlite3.connect(self.path, isolation_level=None)
            found = db.execute("PRAGMA user_version").fetchone()[0]
        except (OSError, sqlite3.Error) as bad:
            raise ConfigError(
                str(self.path), f"the ledger cannot be opened: {bad}", "Check `data` and its permissions."
            ) from None
        db.execute("PRAGMA busy_timeout = 10000")
        if not self._readonly:
            db.execute("PRAGMA journal_mode = WAL")
            db.execute("PRAGMA synchronous = FULL")
        if found > VERSION:
            db.close()
            raise ConfigError(
                str(self.path), f"written by a newer akp (version {found}, known {VERSION})", "Run the newer akp."
            )
        if found == 0 and not self._readonly:
            schema = resources.files("provider.ledger").joinpath("schema.sql").read_text()
            db.executescript(f"BEGIN; {schema} PRAGMA user_version = {VERSION}; COMMIT;")
        elif found == 0:
            db.close()
            raise ConfigError(str(self.path), "this is not a ledger", "Give --data the directory of a running daemon.")
        self._db = db

    def _close(self) -> None:
        if self._db is not None:
            self._db.close()
            self._db = None
