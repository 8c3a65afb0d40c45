"""The journal: what moved money of ours, one row each, in the order of writing; never changed, only added to.

A row with an account moved that account's balance, so that the sum of its rows up to a height is its balance there. A
row without one tells of a lease: that it began, was settled, ended. Writing the same thing again adds nothing, because
every row has a key that says what it is; amounts that grow (what the chain has paid a lease so far) are written as
totals, of which only what is new becomes a row.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import AsyncIterator, Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from bidengine.usage import Settlement
from manifests.coins import E18, Coin
from manifests.ids import LeaseID
from provider.ledger.amounts import SUM, number, stored, sums, total
from provider.ledger.store import Row, Store, Write


class Kind(StrEnum):
    """Which rows there are (docs/money.md)."""

    OPENING = "opening"
    """the balance with which the books of an account begin"""
    INCOME = "income"
    INCOME_BEFORE = "income.before"
    """booked by a version that kept no balances"""
    FEE = "fee"
    DEPOSIT = "deposit"
    REFUND = "refund"
    CONVERSION = "conversion"
    TRANSFER = "transfer"
    SWEEP = "sweep"
    CORRECTION = "correction"
    SETTLED = "settled"
    """credited by the chain to a lease, whether paid out or not; moves no balance"""
    LEASE_OPENED = "lease.opened"
    LEASE_ENDED = "lease.ended"


@dataclass(frozen=True, slots=True)
class Posting:
    """One row to be written, unless there is one with this key."""

    kind: Kind
    height: int
    key: str
    coin: Coin = Coin("", 0)  # noqa: RUF009 - frozen
    account: str = ""
    other: str = ""
    lease: LeaseID | None = None
    tx: str = ""
    detail: str = ""
    found: bool = False
    """by comparing with the chain, at `height`: it happened some time before, when coins had another price"""


@dataclass(frozen=True, slots=True)
class Total:
    """So much of this kind is there for a lease in all; what is new becomes a row, with `always` even when nothing
    is."""

    kind: Kind
    height: int
    lease: LeaseID
    total: Coin
    account: str = ""
    other: str = ""
    tx: str = ""
    detail: str = ""
    always: bool = False
    found: bool = False
    """as of a Posting"""


@dataclass(frozen=True, slots=True)
class Rest:
    """What an account received in a block and the totals told with it do not hold, once it is written how much of them
    was new: somebody else may have told the same since they were read. Above nothing it is income of the lease, if
    there is one; else a transfer."""

    height: int
    coin: Coin
    """all that was received"""
    account: str
    other: str
    told: tuple[tuple[LeaseID, Coin], ...] = ()
    """leases and their income so far, as of `Total`"""
    lease: LeaseID | None = None
    tx: str = ""


@dataclass(frozen=True, slots=True)
class JournalRow:
    seq: int
    height: int
    time_unix_s: int
    """of the block it was written with; 0 for what was there before, and from earlier versions"""
    kind: str
    account: str
    other: str
    lease: str
    denom: str
    amount: int
    usd_e18: int | None
    """dollars of a whole coin of 10^6 micro-units"""
    tx: str
    detail: str
    key: str


Prices = Mapping[str, int]
"""denomination -> dollars ×10^18 of a whole coin, as the oracle says it with the block being written"""
FIXED: Prices = {"uact": E18}
"""one ACT is a dollar at any time (chain.md §2.9)"""


def posted(entry: Posting | Total, time_unix_s: int, usd: Prices) -> Write:
    """The statement for a transaction of somebody else's."""
    lease = str(entry.lease or "")
    if entry.kind is Kind.INCOME_BEFORE:
        time_unix_s, usd = 0, {}  # paid at some time, worth something else then
    elif entry.found:
        usd = FIXED
    if isinstance(entry, Posting):
        return (_POST, (
            entry.height, time_unix_s, entry.kind, entry.account, entry.other, lease, entry.coin.denom,
            stored(entry.coin.amount), str(usd.get(entry.coin.denom, "")), entry.tx, entry.detail, entry.key,
        ))  # fmt: skip
    coin = entry.total
    # Of one kind, lease and denomination the total only grows, so it names the row; and with `always` its height.
    name = Kind.INCOME if entry.kind is Kind.INCOME_BEFORE else entry.kind
    key = f"{name}/{lease}/{f'{entry.height}/' if entry.always else ''}{coin.denom}/{coin.amount}"
    return (_GROW, (
        entry.height, time_unix_s, entry.kind, entry.account, entry.other, lease, coin.denom, stored(coin.amount),
        str(usd.get(coin.denom, "")), entry.tx, entry.detail, key, entry.always,
    ))  # fmt: skip


def posted_rest(entry: Rest, time_unix_s: int, usd: Prices) -> Write:
    """After the statements of the totals it tells of, in the same transaction."""
    coin = entry.coin
    keys = [f"{Kind.INCOME}/{lease}/{total.denom}/{total.amount}" for lease, total in entry.told]
    return (_REST, (
        entry.height, time_unix_s, entry.account, entry.other, str(entry.lease or ""), coin.denom, stored(coin.amount),
        str(usd.get(coin.denom, "")), entry.tx, json.dumps(keys),
    ))  # fmt: skip


class Journal:
    """Reading. Writing goes through `Books.advance`, or `Books.correct` for who repairs beside a running daemon."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def balances(self, upto_height: int | None = None) -> dict[str, dict[str, int]]:
        """account -> denomination -> micro-units, for accounts whose books have been opened."""
        rows = await self._store.read(
            sums(
                _TABLE,
                "account, denom",
                "account <> '' AND (?1 IS NULL OR height <= ?1)"
                " AND account IN (SELECT account FROM journal WHERE kind = 'opening')",
            ),
            (upto_height,),
        )
        return _nested(rows)

    async def balances_before(self, unix_s: int) -> dict[str, dict[str, int]]:
        """The same up to a moment, by the times of rows."""
        rows = await self._store.read(sums(_TABLE, "account, denom", "account <> '' AND time_unix_s < ?"), (unix_s,))
        return _nested(rows)

    async def locked_before(self, unix_s: int) -> dict[str, int]:
        """denomination -> micro-units of deposits not yet back at a moment, by the times of rows."""
        rows = await self._store.read(sums(_TABLE, "denom", f"{_LOCKED} AND time_unix_s < ?"), (unix_s,))
        return {denom: -total(*parts) for denom, *parts in rows}

    async def paid(self, lease: LeaseID, before_height: int | None = None) -> dict[str, int]:
        """denomination -> what has reached us for it."""
        rows = await self._store.read(
            sums(_TABLE, "denom", f"lease = ?1 AND {_PAID} AND (?2 IS NULL OR height < ?2)"),
            (str(lease), before_height),
        )
        return {denom: total(*parts) for denom, *parts in rows}

    async def paid_of(self, leases: Collection[LeaseID]) -> dict[LeaseID, dict[str, int]]:
        """The same of many."""
        rows = await self._store.read(sums(_TABLE, "lease, denom", f"{_LISTED} AND {_PAID}"), (_listed(leases),))
        return {LeaseID.parse(lease): coins for lease, coins in _nested(rows).items()}

    async def credited(self, lease: LeaseID) -> int:
        """What settlements have given it, paid out or not; micro-units of its own denomination."""
        return (await self.credited_of([lease])).get(lease, 0)

    async def credited_of(self, leases: Collection[LeaseID]) -> dict[LeaseID, int]:
        rows = await self._store.read(sums(_TABLE, "lease", f"{_LISTED} AND kind = 'settled'"), (_listed(leases),))
        return {LeaseID.parse(lease): total(*parts) for lease, *parts in rows}

    async def unclosed(self) -> list[LeaseID]:
        """Leases that ended while their payment was not: a tenant may still pay a debt (chain.md §5.5), and what was
        closed right after a settlement goes on being paid (§5.6)."""
        rows = await self._store.read(
            "SELECT lease FROM closing c WHERE NOT EXISTS (SELECT 1 FROM journal t"
            " WHERE t.lease = c.lease AND t.kind = 'settled' AND t.detail = 'closed')"
        )
        return [LeaseID.parse(row[0]) for row in rows]

    async def uncollected(self) -> list[LeaseID]:
        """Those of them whose payment was open when last seen and that nobody has withdrawn for since they ended."""
        rows = await self._store.read(
            "SELECT lease FROM closing c WHERE NOT EXISTS (SELECT 1 FROM journal t WHERE t.lease = c.lease"
            " AND (t.kind = 'settled' AND t.detail = 'closed'"
            " OR t.kind = 'income' AND t.detail = 'withdraw' AND t.height > c.height))"
            " AND coalesce((SELECT detail FROM journal t WHERE t.lease = c.lease AND t.kind = 'settled'"
            " ORDER BY seq DESC LIMIT 1), 'open') = 'open'"
        )
        return [LeaseID.parse(row[0]) for row in rows]

    async def kept(self) -> set[str]:
        """Accounts whose balance is kept: their books have been opened."""
        return {row[0] for row in await self._store.read("SELECT DISTINCT account FROM journal WHERE kind = 'opening'")}

    async def opened_at(self, account: str) -> int | None:
        """The height from which on its balance is kept; None while it is not."""
        rows = await self._store.read(
            "SELECT min(height) FROM journal WHERE kind = 'opening' AND account = ?", (account,)
        )
        return int(rows[0][0]) if rows[0][0] is not None else None

    async def corrections(self, account: str, denom: str) -> int:
        """How many there are."""
        rows = await self._store.read(
            "SELECT count(*) FROM journal WHERE kind = 'correction' AND account = ? AND denom = ?", (account, denom)
        )
        return int(rows[0][0])

    async def deposits(self, bids: Collection[LeaseID] | None = None) -> dict[tuple[LeaseID, str, str], int]:
        """(bid, account that paid, denomination) -> micro-units of deposits not yet back; of some bids, or of all."""
        by = "lease, account, denom"
        if bids is None:
            rows = await self._store.read(sums(_TABLE, by, f"{_LOCKED} AND lease <> ''"))
        else:
            rows = await self._store.read(sums(_TABLE, by, f"{_LISTED} AND {_LOCKED}"), (_listed(bids),))
        left = ((bid, account, denom, -total(*parts)) for bid, account, denom, *parts in rows)
        return {(LeaseID.parse(bid), account, denom): amount for bid, account, denom, amount in left if amount}

    async def swept(self, to: str, coin: Coin, after_height: int) -> str | None:
        """The transaction by which so much went there after a height; None when none did."""
        rows = await self._store.read(
            "SELECT tx FROM journal WHERE kind = 'sweep' AND other = ? AND denom = ? AND amount = ? AND height > ?",
            (to, coin.denom, stored(-coin.amount), after_height),
        )
        return str(rows[0][0]) if rows else None

    async def settlements(self, lease: LeaseID) -> tuple[Settlement, ...]:
        rows = await self._store.read(
            "SELECT height, kind, denom, amount FROM journal"
            " WHERE lease = ? AND kind IN ('settled', 'income', 'income.before') ORDER BY height, denom",
            (str(lease),),
        )
        credited, paid = dict[int, int](), dict[int, Counter[str]]()
        for height, kind, denom, amount in rows:
            coins = paid.setdefault(height, Counter())
            if kind == Kind.SETTLED:
                credited[height] = credited.get(height, 0) + number(amount)
            else:
                coins[denom] += number(amount)
        return tuple(
            Settlement(lease, height, credited.get(height), tuple(Coin(d, n) for d, n in coins.items() if n))
            for height, coins in paid.items()
        )

    async def newest(self) -> int:
        """The number of the last row; 0 before the first."""
        return int((await self._store.read("SELECT coalesce(max(seq), 0) FROM journal"))[0][0])

    async def rows(
        self, *, since_unix_s: int = 0, until_unix_s: int | None = None, most: int = 2_000
    ) -> AsyncIterator[JournalRow]:
        """In the order of writing, of the times since ≤ t < until; read a page at a time, so that nobody is held up."""
        seq = 0
        while True:
            page = await self._store.read(
                "SELECT * FROM journal WHERE seq > ? AND time_unix_s >= ?"
                " AND (?3 IS NULL OR time_unix_s < ?3) ORDER BY seq LIMIT ?",
                (seq, since_unix_s, until_unix_s, most),
            )
            for row in page:
                yield _row(row)
            if len(page) < most:
                return
            seq = page[-1][0]


_TABLE = "journal"
_PAID = "kind IN ('income', 'income.before')"
_LISTED = "lease IN (SELECT value FROM json_each(?))"
_LOCKED = "kind IN ('deposit', 'refund')"
_POST = "INSERT INTO entry VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_GROW = f"""
INSERT INTO entry
SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, more, ?9, ?10, ?11, ?12
FROM (
  SELECT grown(?8, ?13, {SUM}) AS more FROM journal
  WHERE lease = ?6 AND denom = ?7 AND (kind = ?3 OR (?3 LIKE 'income%' AND kind IN ('income', 'income.before')))
) WHERE more IS NOT NULL
"""  # noqa: S608 - of constants

_REST = f"""
INSERT INTO entry
SELECT ?1, ?2, kind, ?3, ?4, iif(kind = 'income', ?5, ''), ?6, left, ?8, ?9, '', kind || '/escrow/' || ?1 || '/' || ?6
FROM (
  SELECT left, iif(?5 <> '' AND substr(left, 1, 1) <> '-', 'income', 'transfer') AS kind FROM (
    SELECT rest(?7, {SUM}) AS left FROM journal WHERE key IN (SELECT value FROM json_each(?10)) AND height = ?1
  )
) WHERE left IS NOT NULL
"""  # noqa: S608 - of constants


def _listed(leases: Iterable[LeaseID]) -> str:
    return json.dumps([str(lease) for lease in leases])


def _nested(rows: list[Row]) -> dict[str, dict[str, int]]:
    """Of rows (name, denomination, the three parts of a sum)."""
    out: dict[str, dict[str, int]] = {}
    for name, denom, *parts in rows:
        out.setdefault(name, {})[denom] = total(*parts)
    return out


def _row(row: Row) -> JournalRow:
    seq, height, time, kind, account, other, lease, denom, amount, usd, tx, detail, key, _ = row
    return JournalRow(
        seq, height, time, kind, account, other, lease, denom, number(amount), int(usd) if usd else None, tx, detail,
        key,
    )  # fmt: skip
