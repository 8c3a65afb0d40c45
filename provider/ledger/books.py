"""What the ledger says about leases, as spans of heights; about money, in `journal`; and about orders, in `decisions`.

The cursor (the height last processed) moves in the same transaction as the effects of that block, so after a crash a
block is either wholly in the ledger or will be read again. Every entry can be written twice without harm.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass

from bidengine.usage import Settlement, Span
from manifests.coins import Coin, DecCoin
from manifests.ids import LeaseID
from provider.ledger import opening
from provider.ledger.decisions import Decided, Decisions, written
from provider.ledger.journal import Journal, Kind, Posting, Prices, Rest, Total, posted, posted_rest
from provider.ledger.store import Row, Store, Write

FOUND = "found"


@dataclass(frozen=True, slots=True)
class Head:
    height: int
    time_unix_ns: int


@dataclass(frozen=True, slots=True)
class Opened:
    """A lease begins to use and to pay; `span.to_height` is None."""

    span: Span


@dataclass(frozen=True, slots=True)
class Ended:
    lease: LeaseID
    height: int
    reason: int


@dataclass(frozen=True, slots=True)
class Paid:
    """The chain has paid `withdrawn_total` for this lease so far; what is new since the row before is booked."""

    lease: LeaseID
    height: int
    withdrawn_total: Coin
    reason: str
    """withdraw, closed, or FOUND (after an absence)"""
    tx: str = ""
    before: bool = False
    """paid before the books of the account were opened: no part of its balance"""


@dataclass(frozen=True, slots=True)
class Settled:
    """The chain has credited so much to this lease so far, paid out or not; told also when nothing is new, because a
    settlement cuts the fraction (chain.md §5.3)."""

    lease: LeaseID
    height: int
    credited_total: Coin
    state: str = "open"
    """of the payment after it: open, closed, overdrawn"""
    found: bool = False
    """after an absence"""


Entry = Opened | Ended | Paid | Settled | Rest | Posting | Decided


@dataclass(frozen=True, slots=True)
class LeaseRow:
    lease: LeaseID
    from_height: int
    to_height: int | None
    rate: DecCoin
    reason: int | None
    paid: int
    """micro-units of the rate's denomination"""


class Books:
    """Leases and money are written through `advance` alone."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.decisions = Decisions(store)
        self.journal = Journal(store)

    async def head(self) -> Head | None:
        rows = await self.store.read("SELECT height, time_unix_ns FROM head")
        return Head(*rows[0]) if rows else None

    async def advance(self, head: Head, entries: Iterable[Entry] = (), usd: Prices | None = None) -> None:
        """One block's effects and the cursor, in one transaction; `usd` is what coins are worth at that moment."""
        await self.store.write(
            [*_all_written(entries, head, usd or {}), (_MOVE_HEAD, (head.height, head.time_unix_ns))]
        )

    async def correct(self, head: Head, entries: Iterable[Entry], usd: Prices | None = None) -> None:
        """Entries of who compares beside a running daemon: the cursor stays where it is."""
        await self.store.write(_all_written(entries, head, usd or {}))

    async def spans(self, lease: LeaseID) -> tuple[Span, ...]:
        rows = await self.store.read("SELECT * FROM span WHERE lease = ? ORDER BY from_height", (str(lease),))
        return tuple(_span(row) for row in rows)

    async def all_spans(self) -> tuple[Span, ...]:
        return tuple(_span(row) for row in await self.store.read("SELECT * FROM span ORDER BY from_height, lease"))

    async def settlements(self, lease: LeaseID) -> tuple[Settlement, ...]:
        return await self.journal.settlements(lease)

    async def open_leases(self) -> set[LeaseID]:
        return {
            LeaseID.parse(row[0]) for row in await self.store.read("SELECT lease FROM span WHERE to_height IS NULL")
        }

    async def leases(self) -> list[LeaseRow]:
        rows = await self.store.read(
            "SELECT s.lease, min(s.from_height), CASE WHEN count(*) = count(s.to_height) THEN max(s.to_height) END,"
            " s.denom, s.rate_e18, (SELECT reason FROM closing c WHERE c.lease = s.lease)"
            " FROM span s GROUP BY s.lease ORDER BY min(s.from_height), s.lease"
        )
        leases = [(LeaseID.parse(lease), *columns) for lease, *columns in rows]
        paid = await self.journal.paid_of([lease for lease, *_ in leases])
        return [
            LeaseRow(lease, start, end, DecCoin(denom, int(rate)), reason, paid.get(lease, {}).get(denom, 0))
            for lease, start, end, denom, rate, reason in leases
        ]


_MOVE_HEAD = """
INSERT INTO head VALUES (1, ?, ?)
ON CONFLICT (one) DO UPDATE SET height = excluded.height, time_unix_ns = excluded.time_unix_ns
"""


def _all_written(entries: Iterable[Entry], head: Head, usd: Prices) -> list[Write]:
    return [write for entry in entries for write in _written(entry, head.time_unix_ns // 10**9, usd)]


def _written(entry: Entry, time_unix_s: int, usd: Prices) -> list[Write]:
    match entry:
        case Opened(s):
            storage_json = json.dumps(dict(s.storage), sort_keys=True)
            uses = (s.cpu_milli, s.memory_bytes, s.gpu_units, s.gpu_model, storage_json)
            rate = (s.rate.denom, str(s.rate.amount_e18))
            values = (str(s.lease), s.from_height, s.to_height, *rate, *uses)
            began = Posting(
                Kind.LEASE_OPENED, s.from_height, f"{Kind.LEASE_OPENED}/{s.lease}", Coin(s.rate.denom, 0),
                lease=s.lease, detail=opening.told(*rate, uses),
            )  # fmt: skip
            return [
                ("INSERT INTO span VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING", values),
                posted(began, time_unix_s, usd),
            ]
        case Ended(lease, height, reason):
            key, detail = f"{Kind.LEASE_ENDED}/{lease}", f"reason {reason}"
            return [
                ("UPDATE span SET to_height = ? WHERE lease = ? AND to_height IS NULL", (height, str(lease))),
                ("INSERT INTO closing VALUES (?, ?, ?) ON CONFLICT DO NOTHING", (str(lease), height, reason)),
                posted(Posting(Kind.LEASE_ENDED, height, key, lease=lease, detail=detail), time_unix_s, usd),
            ]
        case Paid(lease, height, total, reason, tx, before):
            kind, account = (Kind.INCOME_BEFORE, "") if before else (Kind.INCOME, lease.provider)
            paid = Total(kind, height, lease, total, account=account, tx=tx, detail=reason, found=reason == FOUND)
            return [posted(paid, time_unix_s, usd)]
        case Settled(lease, height, total, state, found):
            settled = Total(Kind.SETTLED, height, lease, total, detail=state, always=True, found=found)
            return [posted(settled, time_unix_s, usd)]
        case Rest():
            return [posted_rest(entry, time_unix_s, usd)]
        case Posting():
            return [posted(entry, time_unix_s, usd)]
        case Decided():
            return written(entry)


def _span(row: Row) -> Span:
    lease, start, end, denom, rate, cpu, memory, gpus, model, storage = row
    return Span(
        LeaseID.parse(lease), start, end, DecCoin(denom, int(rate)), cpu, memory, gpus, model,
        tuple(sorted(json.loads(storage).items())),
    )  # fmt: skip
