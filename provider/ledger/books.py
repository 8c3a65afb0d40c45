"""What the ledger says about leases: usage as spans of heights and money settled; and, in `decisions`, about orders.

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
from provider.ledger.decisions import Decided, Decisions, written
from provider.ledger.store import Row, Store, Write


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
    """withdraw, closed, or found (after an absence)"""


Entry = Opened | Ended | Paid | Decided


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

    async def head(self) -> Head | None:
        rows = await self.store.read("SELECT height, time_unix_ns FROM head")
        return Head(*rows[0]) if rows else None

    async def advance(self, head: Head, entries: Iterable[Entry] = ()) -> None:
        """One block's effects and the cursor, in one transaction."""
        writes: list[Write] = []
        for entry in entries:
            writes.extend(_written(entry))
        writes.append(
            (
                _MOVE_HEAD,
                (head.height, head.time_unix_ns),
            )
        )
        await self.store.write(writes)

    async def spans(self, lease: LeaseID) -> tuple[Span, ...]:
        rows = await self.store.read("SELECT * FROM span WHERE lease = ? ORDER BY from_height", (str(lease),))
        return tuple(_span(row) for row in rows)

    async def settlements(self, lease: LeaseID) -> tuple[Settlement, ...]:
        rows = await self.store.read(
            "SELECT height, denom, amount FROM settlement WHERE lease = ? ORDER BY height", (str(lease),)
        )
        return tuple(Settlement(lease, height, (Coin(denom, amount),)) for height, denom, amount in rows)

    async def open_leases(self) -> set[LeaseID]:
        return {
            LeaseID.parse(row[0]) for row in await self.store.read("SELECT lease FROM span WHERE to_height IS NULL")
        }

    async def leases(self) -> list[LeaseRow]:
        rows = await self.store.read(
            "SELECT s.lease, min(s.from_height), CASE WHEN count(*) = count(s.to_height) THEN max(s.to_height) END,"
            " s.denom, s.rate_e18, (SELECT reason FROM closing c WHERE c.lease = s.lease),"
            " (SELECT coalesce(sum(amount), 0) FROM settlement t WHERE t.lease = s.lease AND t.denom = s.denom)"
            " FROM span s GROUP BY s.lease ORDER BY min(s.from_height), s.lease"
        )
        return [
            LeaseRow(LeaseID.parse(lease), start, end, DecCoin(denom, int(rate)), reason, paid)
            for lease, start, end, denom, rate, reason, paid in rows
        ]


_MOVE_HEAD = """
INSERT INTO head VALUES (1, ?, ?)
ON CONFLICT (one) DO UPDATE SET height = excluded.height, time_unix_ns = excluded.time_unix_ns
"""
_BOOK_NEW_MONEY = """
INSERT INTO settlement
SELECT ?1, ?2, ?3, ?4 - paid, ?5
FROM (SELECT coalesce(sum(amount), 0) AS paid FROM settlement WHERE lease = ?1 AND denom = ?3) WHERE ?4 > paid
ON CONFLICT (lease, height) DO UPDATE SET amount = amount + excluded.amount
"""


def _written(entry: Entry) -> list[Write]:
    match entry:
        case Opened(s):
            values = (
                str(s.lease), s.from_height, s.to_height, s.rate.denom, str(s.rate.amount_e18), s.cpu_milli,
                s.memory_bytes, s.gpu_units, s.gpu_model, json.dumps(dict(s.storage), sort_keys=True),
            )  # fmt: skip
            return [("INSERT INTO span VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING", values)]
        case Ended(lease, height, reason):
            return [
                ("UPDATE span SET to_height = ? WHERE lease = ? AND to_height IS NULL", (height, str(lease))),
                ("INSERT INTO closing VALUES (?, ?, ?) ON CONFLICT DO NOTHING", (str(lease), height, reason)),
            ]
        case Paid(lease, height, total, reason):
            # New money only: writing the same total again books nothing.
            return [
                (
                    _BOOK_NEW_MONEY,
                    (str(lease), height, total.denom, total.amount, reason),
                )
            ]
        case Decided():
            return written(entry)


def _span(row: Row) -> Span:
    lease, start, end, denom, rate, cpu, memory, gpus, model, storage = row
    return Span(
        LeaseID.parse(lease), start, end, DecCoin(denom, int(rate)), cpu, memory, gpus, model,
        tuple(sorted(json.loads(storage).items())),
    )  # fmt: skip
