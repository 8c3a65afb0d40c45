"""SQLite on one thread of its own: the only module that imports sqlite3.

- Every write is one transaction; it is on disk (WAL, synchronous=FULL) when the call returns.
- Calls are carried out in the order they are made.
- The file belongs to one chain and one provider; opening it for another is refused, because heights would mean nothing.
- A file from a newer version is refused; an older one is copied, then brought up to date in one transaction. The
  copy lies beside it (`ledger.db.v1`); there is no way back but the copy.
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

from provider.errors import ConfigError, Fatal
from provider.ledger.amounts import grown, rest
from provider.ledger.chained import row_hash

T = TypeVar("T")
SCHEMAS = ("schema_1.sql", "schema_2.sql", "schema_3.sql", "schema_4.sql", "schema_5.sql", "schema_6.sql")
"""One script for each version, each on top of those before it; a new file runs them all."""
VERSION = len(SCHEMAS)
Row = tuple[Any, ...]
Write = tuple[str, Sequence[Any]]


class Store:
    """`async with Store.open(path) as store`. `write` takes statements and runs them as one transaction; `along` hands
    some in that go with the next one, whoever writes it; `read` returns rows. `as_it_is`: written beside a process
    that owns the file, hence never brought up to date from here."""

    def __init__(self, path: Path, *, readonly: bool = False, as_it_is: bool = False) -> None:
        self.path = path
        self._readonly, self._as_it_is = readonly, as_it_is or readonly
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="ledger")
        self._db: sqlite3.Connection | None = None
        self._along: list[Write] = []

    @classmethod
    def open(cls, path: Path, *, readonly: bool = False, as_it_is: bool = False) -> Store:
        return cls(path, readonly=readonly, as_it_is=as_it_is)

    async def __aenter__(self) -> Store:
        await self._on_thread(self._connect)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        await self._on_thread(self._close)
        self._thread.shutdown(wait=True)

    async def write(self, statements: Iterable[Write]) -> None:
        """Fatal where the disk is full, broken or not ours: nothing half is in the file then."""
        await self._write(statements, None)

    async def write_unless(self, against: Write, statements: Iterable[Write]) -> list[Row]:
        """As `write`, unless the query `against` finds rows: those, and then nothing of it was written. No other
        process writes between the query and the statements."""
        return await self._write(statements, against)

    async def _write(self, statements: Iterable[Write], against: Write | None) -> list[Row]:
        along, batch, self._along = self._along, list(statements), []

        def run() -> list[Row]:
            assert self._db is not None
            with self._db:  # commits, or rolls back when anything raises
                self._db.execute("BEGIN IMMEDIATE")
                for sql, values in along:
                    self._db.execute(sql, values)
                found = [] if against is None else self._db.execute(*against).fetchall()
                for sql, values in () if found else batch:
                    self._db.execute(sql, values)
            return found

        try:
            return await self._on_thread(run)
        except sqlite3.Error as bad:
            raise self._told("written", bad) from None

    def along(self, statements: Iterable[Write]) -> None:
        """Before those of the next `write`, in its transaction. Lost when the process dies first."""
        self._along.extend(statements)

    async def read(self, sql: str, values: Sequence[Any] = ()) -> list[Row]:
        """Fatal where the disk or the file is broken, or another process keeps it."""

        def run() -> list[Row]:
            assert self._db is not None
            return self._db.execute(sql, values).fetchall()

        try:
            return await self._on_thread(run)
        except sqlite3.Error as bad:
            raise self._told("read", bad) from None

    async def copy(self, to: Path) -> None:
        """The whole file as it is now, beside any writer. ConfigError where it cannot be written."""

        def run() -> None:
            assert self._db is not None
            _copy(self._db, to)

        try:
            await self._on_thread(run)
        except (OSError, sqlite3.Error) as bad:
            raise ConfigError(str(to), f"cannot be written: {bad}", "Give a file in a directory with room.") from None

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

    def _told(self, cannot_be: str, bad: sqlite3.Error) -> Exception:
        """A defect of ours is told as it is."""
        cure = _CURES.get(getattr(bad, "sqlite_errorcode", 0) & 0xFF)
        return bad if cure is None else Fatal(f"{self.path}: the ledger cannot be {cannot_be}: {bad}. {cure}")

    async def _on_thread(self, run: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, run)

    def _connect(self) -> None:
        try:
            if self._readonly:
                db = _reading(self.path)
            else:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                db = sqlite3.connect(self.path, isolation_level=None)
            found = db.execute("PRAGMA user_version").fetchone()[0]
        except (OSError, sqlite3.Error) as bad:
            rubbish = isinstance(bad, sqlite3.Error) and not isinstance(bad, sqlite3.OperationalError)
            cure = _CURE_OF_RUBBISH if rubbish else "Check `data` and its permissions."
            raise ConfigError(str(self.path), f"the ledger cannot be opened: {bad}", cure) from None
        db.execute("PRAGMA busy_timeout = 10000")
        if not self._readonly:
            db.execute("PRAGMA journal_mode = WAL")
            db.execute("PRAGMA synchronous = FULL")
            db.execute("PRAGMA trusted_schema = ON")  # for the next line, where SQLite was built to doubt it
            db.create_function("row_hash", -1, row_hash, deterministic=True)
            db.create_function("grown", 5, grown, deterministic=True)
            db.create_function("rest", 4, rest, deterministic=True)
        if found > VERSION:
            db.close()
            raise ConfigError(
                str(self.path), f"written by a newer akp (version {found}, known {VERSION})", "Run the newer akp."
            )
        if self._as_it_is and found < VERSION:
            db.close()
            raise ConfigError(str(self.path), *_OLDER if found else _FOREIGN)
        try:
            if 0 < found < VERSION:
                _copy(db, self.path.with_name(f"{self.path.name}.v{found}"))
            for version in range(found + 1, VERSION + 1):
                script = resources.files("provider.ledger").joinpath(SCHEMAS[version - 1]).read_text()
                db.executescript(f"BEGIN IMMEDIATE; {script} PRAGMA user_version = {version}; COMMIT;")
        except (OSError, sqlite3.Error) as bad:
            db.close()
            raise ConfigError(
                str(self.path), f"cannot be brought up to date: {bad}", "It is as it was; make room on the disk."
            ) from None
        self._db = db

    def _close(self) -> None:
        if self._db is not None:
            self._db.close()
            self._db = None


def is_ledger(path: Path) -> bool:
    """A file of ours, of whichever version."""
    try:
        db = _reading(path)
        try:
            version = db.execute("PRAGMA user_version").fetchone()[0]
            tables = db.execute("SELECT count(*) FROM sqlite_master WHERE name IN ('meta', 'head')").fetchone()[0]
        finally:
            db.close()
    except sqlite3.Error:
        return False
    return bool(version > 0 and tables == 2)


def _reading(path: Path) -> sqlite3.Connection:
    """A path may hold what means something in a URI."""
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None)


_CURE_OF_DISK = "It is as it was before; make room on its disk, or see to the disk and the rights."
_CURE_OF_LOCK = (
    "Another process has kept it locked for ten seconds; it is as it was before. `fuser` names who has it open."
)
_CURE_OF_RUBBISH = "Put a copy of the ledger there, or move it away: that loses history, never a lease (docs/money.md)."
_CURES = {
    **dict.fromkeys((sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN),
                    _CURE_OF_DISK),
    **dict.fromkeys((sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB), _CURE_OF_RUBBISH),
    sqlite3.SQLITE_BUSY: _CURE_OF_LOCK,
}  # fmt: skip
"""Of what no statement is to blame for."""
_FOREIGN = ("this is not a ledger", "Give --data the directory of a running daemon.")
_OLDER = ("written by an older akp", "Start the daemon once; it brings the ledger up to date.")


def _copy(db: sqlite3.Connection, to: Path) -> None:
    """The whole file as it is now, what is still in the write-ahead log included; never half a copy by that name."""
    half = to.with_name(f"{to.name}.tmp")
    half.unlink(missing_ok=True)
    other = sqlite3.connect(half)
    try:
        db.backup(other)
        other.execute("PRAGMA journal_mode = DELETE")  # one file, which can be read where nothing can be written
    finally:
        other.close()
    half.replace(to)
