"""Whether a ledger's file is what was written: SQLite's own check, the chain of hashes, and sums that must agree.

Nothing here needs the chain; `akp reconcile` compares with it. What cannot be seen from inside is that the newest rows
were cut off: a hash noted earlier, such as a backup prints, must still be there.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from provider.errors import Fatal
from provider.ledger import opening
from provider.ledger.amounts import sums, total
from provider.ledger.chained import broken
from provider.ledger.journal import Kind
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
    except Fatal as bad:
        return Verdict((str(bad),))
    except (sqlite3.Error, OverflowError, ValueError) as bad:
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
    faults.extend([fault async for fault in _odd_sums(store)])
    for lease, denom, rate, *uses, said in await store.read(_OPENED):
        columns = denom, rate, tuple(uses)
        if not opening.agrees(said, *columns):
            faults.append(f"the span of lease {lease} has {opening.told(*columns)}, its row in the journal {said}")
    return Verdict(tuple(faults), seq, head[0][0] if head else None, before)


async def _odd_sums(store: Store) -> AsyncIterator[str]:
    """Leases paid more than they were credited, deposits that came back more than whole."""
    try:
        credited, paid = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
        for lease, denom, kind, *parts in await store.read(_BROUGHT):
            (credited if kind == Kind.SETTLED else paid)[lease, denom] += total(*parts)
        for lease, denom in credited:
            if paid[lease, denom] > credited[lease, denom]:
                told = f"{paid[lease, denom]}, more than the {credited[lease, denom]} it was credited"
                yield f"lease {lease} was paid {told}"
        for bid, _, denom, *parts in await store.read(_RETURNED):
            if (more := total(*parts)) > 0:
                yield f"of the deposit of {bid}, {more}{denom} more came back than was paid"
    except ValueError:
        yield "the journal has amounts that cannot be added up"


_BEYOND = "SELECT max(j.height), h.height FROM journal j, head h HAVING max(j.height) > h.height"
_NO_CURSOR = "SELECT count(*) FROM journal HAVING count(*) > 0 AND NOT EXISTS (SELECT 1 FROM head)"
_BROUGHT = sums("journal", "lease, denom, kind", "lease <> '' AND kind IN ('settled', 'income', 'income.before')")
_RETURNED = sums("journal", "lease, account, denom", "kind IN ('deposit', 'refund')")
_OVERLAP = """
SELECT a.lease, a.from_height, b.from_height
FROM span a JOIN span b ON a.lease = b.lease AND a.from_height < b.from_height
WHERE a.to_height IS NULL OR a.to_height > b.from_height
"""
# Spans and reasons are no rows of the journal, but its rows tell of each: so the chain of hashes vouches for them too.
_OPENED = """
SELECT s.lease, s.denom, s.rate_e18, s.cpu_milli, s.memory_bytes, s.gpu_units, s.gpu_model, s.storage_json, j.detail
FROM span s JOIN journal j ON j.lease = s.lease
WHERE j.kind = 'lease.opened' AND j.detail <> ''
"""
_NO_SPAN = "SELECT lease FROM journal WHERE kind = 'lease.opened' AND lease NOT IN (SELECT lease FROM span)"
_UNTOLD = """
SELECT s.lease, min(s.from_height) AS since FROM span s GROUP BY s.lease
HAVING NOT EXISTS (SELECT 1 FROM journal j WHERE j.lease = s.lease AND j.kind = 'lease.opened' AND j.height = since)
"""
_OTHER_END = """
SELECT s.lease, max(s.to_height), j.height FROM span s JOIN journal j ON j.lease = s.lease AND j.kind = 'lease.ended'
GROUP BY s.lease HAVING max(s.to_height) IS NOT j.height
"""
_NO_END = """
SELECT lease, to_height FROM span s WHERE to_height IS NOT NULL
AND NOT EXISTS (SELECT 1 FROM journal j WHERE j.lease = s.lease AND j.kind = 'lease.ended')
"""
_OTHER_REASON = """
SELECT c.lease, c.reason, c.height FROM closing c WHERE NOT EXISTS (
  SELECT 1 FROM journal j
  WHERE j.lease = c.lease AND j.kind = 'lease.ended' AND j.height = c.height AND j.detail = 'reason ' || c.reason
)
"""
_MUST_BE_EMPTY = (
    (_BEYOND, "the journal reaches height {0}, the cursor only {1}"),
    (_NO_CURSOR, "there is no cursor"),
    (_OVERLAP, "spans of lease {0} from {1} and from {2} overlap"),
    (_NO_SPAN, "lease {0} is in the journal and has no span"),
    (_UNTOLD, "the journal does not tell that lease {0} began at {1}"),
    (_OTHER_END, "the span of lease {0} ends at {1}, its row in the journal says {2}"),
    (_NO_END, "the journal does not tell that lease {0} ended at {1}"),
    (_OTHER_REASON, "the journal does not tell that lease {0} ended for reason {1} at {2}"),
    ("SELECT lease FROM span WHERE to_height < from_height", "a span of lease {0} ends before it begins"),
)
