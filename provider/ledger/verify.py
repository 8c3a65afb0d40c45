"""Whether a ledger's file is what was written: SQLite's own check, the chain of hashes, and sums that must agree.

Nothing here needs the chain; `akp reconcile` compares with it. What cannot be seen from inside is that the newest rows
were cut off: a hash noted earlier, such as a backup prints, must still be there.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from pathlib import Path

from provider.ledger.chained import broken
from provider.ledger.store import Store

_PAGE = 5_000


@dataclass(frozen=True, slots=True)
class Verdict:
    faults: tuple[str, ...]
    rows: int = 0
    """of the journal"""
    height: int | None = None
    """the cursor"""
    hash: str = ""
    """of the last row: stands for all rows up to it"""


async def verify(path: Path, hash_: str = "") -> Verdict:
    """`hash_`: of a row that must be there. ConfigError where the file cannot even be opened as a ledger."""
    try:
        async with Store.open(path, readonly=True) as store:
            await store.read("BEGIN")  # one state for all questions, whoever writes meanwhile
            return await _verdict(store, hash_)
    except (sqlite3.Error, OverflowError, UnicodeError) as bad:
        return Verdict((f"SQLite cannot read it: {bad}",))


async def _verdict(store: Store, hash_: str) -> Verdict:
    faults = [f"SQLite: {row[0]}" for row in await store.read("PRAGMA integrity_check") if row[0] != "ok"]
    seq, before = 0, ""
    while rows := await store.read("SELECT * FROM journal WHERE seq > ? ORDER BY seq LIMIT ?", (seq, _PAGE)):
        if fault := broken(rows, before, seq):
            faults.append(fault)
            break
        seq, before = rows[-1][0], rows[-1][-1]
    head = await store.read("SELECT height FROM head")
    if hash_ and not await store.read("SELECT 1 FROM journal WHERE hash = ?", (hash_,)):
        faults.append(f"no row has the hash {hash_}: rows were cut off, or this is another ledger")
    for sql, told in _MUST_BE_EMPTY:
        faults.extend(told.format(*row) for row in await store.read(sql))
    return Verdict(tuple(faults), seq, head[0][0] if head else None, before)


_BEYOND = "SELECT max(j.height), h.height FROM journal j, head h HAVING max(j.height) > h.height"
_NO_CURSOR = "SELECT count(*) FROM journal HAVING count(*) > 0 AND NOT EXISTS (SELECT 1 FROM head)"
_OVERPAID = """
SELECT lease, paid, credited FROM (
  SELECT lease, sum(iif(kind IN ('income', 'income.before'), amount, 0)) AS paid,
    sum(iif(kind = 'settled', amount, 0)) AS credited, max(kind = 'settled') AS told
  FROM journal WHERE lease <> '' GROUP BY lease, denom
) WHERE told AND paid > credited
"""
_OVER_RETURNED = """
SELECT lease, sum(amount), denom FROM journal WHERE kind IN ('deposit', 'refund')
GROUP BY lease, account, denom HAVING sum(amount) > 0
"""
_OVERLAP = """
SELECT a.lease, a.from_height, b.from_height
FROM span a JOIN span b ON a.lease = b.lease AND a.from_height < b.from_height
WHERE a.to_height IS NULL OR a.to_height > b.from_height
"""
_MUST_BE_EMPTY = (
    (_BEYOND, "the journal reaches height {0}, the cursor only {1}"),
    (_NO_CURSOR, "there is no cursor"),
    (_OVERPAID, "lease {0} was paid {1}, more than the {2} it was credited"),
    (_OVER_RETURNED, "of the deposit of {0}, {1}{2} more came back than was paid"),
    (_OVERLAP, "spans of lease {0} from {1} and from {2} overlap"),
    ("SELECT lease FROM span WHERE to_height < from_height", "a span of lease {0} ends before it begins"),
)
