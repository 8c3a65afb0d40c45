"""What was decided about each order and what became of it, for people who ask why and for prices that learn.

Two guarantees make it safe to write from everywhere: the same answer again adds no row, and a code that settles more
(a lease won, a winner known) is never replaced by one that settles less, in whatever order they arrive.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from bidengine.outcomes import BID, LOST_TO_SOMEBODY, OURS, rank
from manifests.coins import DecCoin
from manifests.ids import OrderID
from provider.ledger.store import Row, Store, Write


@dataclass(frozen=True, slots=True)
class Seen:
    """An order looked at for the first time; `order_json` is its group and the notice it asks for."""

    order: OrderID
    created_at: int
    height: int
    time_unix_s: int
    order_json: str


@dataclass(frozen=True, slots=True)
class Decided:
    """One answer: by us, by the tenant or by the chain."""

    order: OrderID
    height: int
    outcome: str
    """a code of docs/orders.md: skip.…, fail.tx…, bid, lost.…, won…"""
    detail: str = ""
    time_unix_s: int = 0
    price: DecCoin | None = None
    """ours, with a bid or a lease"""
    tx_hash: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """bidengine.explain.summary"""
    gpu_model: str = ""
    winner: str = ""
    winner_price: DecCoin | None = None
    leased_at: int | None = None
    started_at: int | None = None
    ended_at: int | None = None


@dataclass(frozen=True, slots=True)
class Link:
    """One row of an order's chain: an answer and how long it stood."""

    order: OrderID
    height: int
    until_height: int
    times: int
    time_unix_s: int
    outcome: str
    detail: str
    price: str
    tx_hash: str
    facts: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class OrderRow:
    """What stands about an order. Prices are per block."""

    order: OrderID
    created_at: int
    time_unix_s: int
    order_json: str
    outcome: str
    decided_at: int
    gpu_model: str
    denom: str
    price_e18: int | None
    winner: str
    winner_price_e18: int | None
    leased_at: int | None
    """heights of our lease: won, all services seen running, ended"""
    started_at: int | None
    ended_at: int | None

    @property
    def judged_at(self) -> int:
        """The height at which the tenant chose, for orders that somebody got."""
        return self.decided_at if self.leased_at is None else self.leased_at


class Decisions:
    """Reading, noting and pruning; `written` gives the statements for a transaction of somebody else's."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def note(self, *entries: Seen | Decided) -> None:
        """For people: the cursor does not move."""
        if entries:
            await self._store.write([w for entry in entries for w in written(entry)])

    async def prune(self, *, decisions_before: int, orders_before: int, keep: Iterable[OrderID] = ()) -> None:
        """Forget what is older than these heights. Of the orders in `keep`, bids and leases that still live, the row
        stays; of each order the newest decisions stay within `_MOST_LINKS`."""
        kept = json.dumps([str(order) for order in keep])
        await self._store.write(
            [
                ("DELETE FROM decision WHERE until_height < ?", (decisions_before,)),
                (_PRUNE_LINKS, (_MOST_LINKS,)),
                (
                    "DELETE FROM market_order WHERE decided_at < ? AND orderid NOT IN (SELECT value FROM json_each(?))",
                    (orders_before, kept),
                ),
            ]
        )

    async def of(self, order: OrderID) -> list[Link]:
        """The chain of one order, newest last."""
        rows = await self._store.read(f"{_LINKS} WHERE orderid = ? ORDER BY height, rowid", (str(order),))
        return [_link(row) for row in rows]

    async def since(self, rowid: int) -> list[tuple[int, Link]]:
        """Links added after a row, oldest first, with their row numbers; for who follows the file."""
        rows = await self._store.read(f"{_LINKS} WHERE rowid > ? ORDER BY rowid", (rowid,))
        return [(row[-1], _link(row)) for row in rows]

    async def newest_row(self, back: int = 0) -> int:
        """The number after which `since` shows the last `back` links."""
        rows = await self._store.read("SELECT rowid FROM decision ORDER BY rowid DESC LIMIT 1 OFFSET ?", (back,))
        return int(rows[0][0]) if rows else 0

    async def orders(
        self, *, outcome: str = "", since_height: int = 0, since_unix_s: int = 0, newest: int = -1
    ) -> list[OrderRow]:
        """What stands about orders, by height; `outcome` is a code or the beginning of one (`skip`, `lost`)."""
        rows = await self._store.read(
            f"{_ORDERS} WHERE (?1 = '' OR outcome = ?1 OR outcome LIKE ?1 || '.%') AND decided_at >= ?2"
            " AND time_unix_s >= ?3 ORDER BY decided_at DESC, rowid DESC LIMIT ?4",
            (outcome, since_height, since_unix_s, newest),
        )
        return [_order_row(row) for row in reversed(rows)]

    async def named(self, *, dseq: int, gseq: int | None = None, oseq: int | None = None) -> list[OrderRow]:
        """Orders by their numbers, of whichever owner."""
        tail = f"/{dseq}/{'%' if gseq is None else gseq}/{'%' if oseq is None else oseq}"
        rows = await self._store.read(f"{_ORDERS} WHERE orderid LIKE '%' || ? ORDER BY orderid", (tail,))
        return [_order_row(row) for row in rows]

    async def row(self, order: OrderID) -> OrderRow | None:
        rows = await self._store.read(f"{_ORDERS} WHERE orderid = ?", (str(order),))
        return _order_row(rows[0]) if rows else None

    async def priced(self, *, since_height: int, gpu_model: str | None = None) -> list[OrderRow]:
        """Bids that a tenant has judged since a height (`judged_at`), oldest first: won ones and those lost to a known
        winner, with both prices. `gpu_model` as in `OrderRow`; "" asks for orders without GPUs, None for all."""
        rows = await self._store.read(
            f"{_ORDERS} WHERE rank >= {LOST_TO_SOMEBODY} AND decided_at >= ?1 AND coalesce(leased_at, decided_at) >= ?1"
            " AND price_e18 IS NOT NULL AND (?2 IS NULL OR gpu_model = ?2)"
            " ORDER BY coalesce(leased_at, decided_at), rowid",
            (since_height, gpu_model),
        )
        return [_order_row(row) for row in rows]

    async def unsettled(self) -> list[OrderRow]:
        """Orders we have a bid or a lease on, as far as the ledger knows."""
        rows = await self._store.read(
            f"{_ORDERS} WHERE outcome = '{BID}' OR (rank >= {OURS} AND ended_at IS NULL) ORDER BY orderid"
        )
        return [_order_row(row) for row in rows]


def written(entry: Seen | Decided) -> list[Write]:
    if isinstance(entry, Seen):
        return [(_SEEN, (str(entry.order), entry.created_at, entry.time_unix_s, entry.order_json, entry.height))]
    order, height, time, settles = str(entry.order), entry.height, entry.time_unix_s, rank(entry.outcome)
    price, detail = str(entry.price or ""), entry.detail
    facts = json.dumps(entry.facts, ensure_ascii=False) if entry.facts else "{}"
    denom = next((coin.denom for coin in (entry.price, entry.winner_price) if coin is not None), "")
    return [
        (_AGAIN, (order, height, entry.outcome, detail, price, entry.tx_hash, facts)),
        (_LINK, (order, height, time, entry.outcome, detail, price, entry.tx_hash, facts, settles)),
        (
            _STANDS,
            (
                order, time, entry.outcome, settles, height, entry.gpu_model, denom, _e18(entry.price), entry.winner,
                _e18(entry.winner_price), entry.leased_at, entry.started_at, entry.ended_at,
            ),
        ),
    ]  # fmt: skip


_MOST_LINKS = 100
_LINKS = (
    "SELECT orderid, height, until_height, times, time_unix_s, outcome, detail, price, tx_hash, facts_json, rowid"
    " FROM decision"
)
_ORDERS = (
    "SELECT orderid, created_at, time_unix_s, order_json, outcome, decided_at, gpu_model, denom, price_e18, winner,"
    " winner_price_e18, leased_at, started_at, ended_at FROM market_order"
)
_SEEN = """
INSERT INTO market_order (orderid, created_at, time_unix_s, order_json, outcome, rank, decided_at)
VALUES (?1, ?2, ?3, ?4, '', 0, ?5)
ON CONFLICT (orderid) DO UPDATE SET created_at = excluded.created_at, order_json = excluded.order_json
WHERE order_json = ''
"""
_NEWEST = "SELECT rowid FROM decision WHERE orderid = ?1 ORDER BY height DESC, rowid DESC LIMIT 1"
_AGAIN = f"""
UPDATE decision SET until_height = max(until_height, ?2), times = times + 1, detail = ?4,
  price = coalesce(nullif(?5, ''), price), tx_hash = coalesce(nullif(?6, ''), tx_hash),
  facts_json = coalesce(nullif(?7, '{{}}'), facts_json)
WHERE rowid = ({_NEWEST}) AND outcome = ?3
"""  # noqa: S608 - put together from constants
_LINK = f"""
INSERT INTO decision
SELECT ?1, ?2, ?2, 1, ?3, ?4, ?5, ?6, ?7, ?8
WHERE ?4 IS NOT (SELECT outcome FROM decision WHERE rowid = ({_NEWEST}))
  AND (?9 = 0 OR ?9 > coalesce((SELECT rank FROM market_order WHERE orderid = ?1), -1))
"""  # noqa: S608
_STANDS = """
INSERT INTO market_order (orderid, created_at, time_unix_s, order_json, outcome, rank, decided_at, gpu_model, denom,
  price_e18, winner, winner_price_e18, leased_at, started_at, ended_at)
VALUES (?1, 0, ?2, '', ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)
ON CONFLICT (orderid) DO UPDATE SET
  outcome = CASE WHEN excluded.rank > rank OR excluded.rank + rank = 0 THEN excluded.outcome ELSE outcome END,
  decided_at = CASE WHEN excluded.rank > rank OR excluded.rank + rank = 0 THEN excluded.decided_at ELSE decided_at END,
  rank = max(rank, excluded.rank),
  gpu_model = CASE WHEN excluded.gpu_model <> '' THEN excluded.gpu_model ELSE gpu_model END,
  denom = CASE WHEN excluded.denom <> '' THEN excluded.denom ELSE denom END,
  price_e18 = coalesce(excluded.price_e18, price_e18),
  winner = CASE WHEN excluded.winner <> '' THEN excluded.winner ELSE winner END,
  winner_price_e18 = coalesce(excluded.winner_price_e18, winner_price_e18),
  leased_at = coalesce(leased_at, excluded.leased_at),
  started_at = coalesce(started_at, excluded.started_at),
  ended_at = coalesce(ended_at, excluded.ended_at)
"""
_PRUNE_LINKS = """
DELETE FROM decision WHERE rowid IN (
  SELECT id FROM (
    SELECT rowid AS id, row_number() OVER (PARTITION BY orderid ORDER BY height DESC, rowid DESC) AS nth FROM decision
  ) WHERE nth > ?
)
"""


def _e18(price: DecCoin | None) -> str | None:
    return None if price is None else str(price.amount_e18)


def _link(row: Row) -> Link:
    order, height, until, times, time, outcome, detail, price, tx_hash, facts, _ = row
    return Link(
        OrderID.parse(order), height, until, times, time, outcome, detail, price, tx_hash, json.loads(facts)
    )  # fmt: skip


def _order_row(row: Row) -> OrderRow:
    order, created, time, text, outcome, decided, model, denom, ours, winner, theirs, leased, started, ended = row
    return OrderRow(
        OrderID.parse(order), created, time, text, outcome, decided, model, denom, None if ours is None else int(ours),
        winner, None if theirs is None else int(theirs), leased, started, ended,
    )  # fmt: skip
