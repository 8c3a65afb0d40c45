"""The outbox's file: what is asked of the chain and what has been signed, in the ledger beside the cursor.

Asking and signing are on disk before the next step; what blocks tell is written with the next transaction of the
ledger, which is the one that moves the cursor. So a block whose news is not here will be read again, and one that will
not be read again is here. Of what has ended, some days are kept.

A command that signs beside the daemon is a second process on this file. Each of the two looks for what the other has
in the air and writes what it has signed in one transaction, before any byte leaves; whoever comes second waits. What
is only asked for stands in nobody's way.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from manifests.coins import Coin
from provider.intents import BY_COMMAND, SETTLING, Intent, IntentState, InTheWay, Left, Moment, Signed, TxEnd
from provider.ledger.store import Row, Store, Write

KEPT_NS = 7 * 24 * 3600 * 10**9
MOST_FORGOTTEN = 1_000
"""of each table at a time, while blocks wait"""


@dataclass(frozen=True, slots=True)
class IntentRow:
    key: str
    kind: str
    state: str
    tx: str
    """hash of the last transaction it travelled in; empty: none"""
    attempts: int
    asked_height: int
    asked_unix_s: int
    height: int
    """of the last news"""
    priority: int
    why: str
    message: bytes


@dataclass(frozen=True, slots=True)
class TxRow:
    hash: str
    state: str
    timeout_unix_ns: int
    sequence: int | None
    gas_limit: int
    fee: Coin
    signed_height: int
    height: int | None
    gas_used: int | None
    codespace: str
    code: int
    why: str


class Outbox:
    """What provider/chain/tx/journal.py asks for, and what people ask."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def left(self, now: Moment) -> list[Left]:
        """Also drops what was never signed, and prunes."""
        old_ns = now.time_unix_ns - KEPT_NS
        await self._store.write(
            [
                (_DROP, (now.height,)),
                (
                    "DELETE FROM intent WHERE state NOT IN ('waiting', 'signed') AND asked_unix_s < ?",
                    (old_ns // 10**9,),
                ),
                ("DELETE FROM tx WHERE state <> 'signed' AND signed_unix_ns < ?", (old_ns,)),
            ]
        )
        out = []
        for row in await self._store.read(_LEFT):
            tx_hash, tx, timeout, sequence, gas_limit, fee, denom = row
            rows = await self._store.read(
                "SELECT key, kind, message, priority FROM intent WHERE tx = ? AND state = 'signed' ORDER BY position",
                (tx_hash,),
            )
            intents = tuple(Intent(*intent) for intent in rows)
            keys = tuple(intent.key for intent in intents)
            out.append(Left(Signed(tx_hash, tx, timeout, sequence, gas_limit, Coin(denom, fee), keys), intents))
        return out

    async def fees_since(self, time_unix_ns: int) -> list[tuple[str, int, int]]:
        rows = await self._store.read(
            "SELECT hash, signed_unix_ns, fee FROM tx WHERE signed_unix_ns > ? AND state IN ('signed', 'included',"
            " 'failed') AND gas_used IS NOT 0",
            (time_unix_ns,),
        )
        return [(tx_hash, at, fee) for tx_hash, at, fee in rows]

    async def store(self, intents: Sequence[Intent], now: Moment) -> None:
        await self._store.write(_asked(intents, now))

    async def in_the_way(self, settles: Sequence[tuple[str, str]], now: Moment) -> list[InTheWay]:
        if not settles:
            return []
        return [InTheWay(*row) for row in await self._store.read(*_against(settles, now, BY_COMMAND))]

    async def sign(self, signed: Signed, now: Moment) -> list[InTheWay]:
        """What commands have in the air that stands in the way; then nothing was written."""
        return await self._sign(signed, now, (), whose=BY_COMMAND)

    async def sign_beside(self, intents: Sequence[Intent], signed: Signed, now: Moment) -> list[InTheWay]:
        """For a command: asked and signed in one, unless the daemon, or another command, is in the way."""
        return await self._sign(signed, now, _asked(intents, now), whose="")

    async def end_beside(self, end: TxEnd, now: Moment) -> None:
        """For a command, which has no cursor: on disk when it returns."""
        self.tx_ended(end, now)
        if end.state != "included":
            self._store.along([(_END_ALL, (end.state, end.why, now.height, end.hash))])
        await self._store.write([])

    async def _sign(self, signed: Signed, now: Moment, before: Sequence[Write], *, whose: str) -> list[InTheWay]:
        statements = [
            *before,
            (
                _SIGN,
                (
                    signed.hash, signed.tx, signed.timeout_unix_ns, signed.sequence, signed.gas_limit,
                    signed.fee.amount, signed.fee.denom, now.height, now.time_unix_ns,
                ),
            ),
            (_BOARD, (signed.hash, now.height, json.dumps(signed.keys))),
        ]  # fmt: skip
        if not signed.settles:
            await self._store.write(statements)
            return []
        against = _against(signed.settles, now, whose)
        return [InTheWay(*row) for row in await self._store.write_unless(against, statements)]

    def tx_ended(self, end: TxEnd, now: Moment) -> None:
        state = "done" if end.state == "included" else "waiting"
        self._store.along([(_END, _how(end)), (_LAND, (state, _when(end, now), end.why, end.hash))])

    def ended(self, keys: Sequence[str], state: IntentState, why: str, now: Moment) -> None:
        self._store.along([(_END_ONE, (state, why, now.height, key)) for key in keys])

    async def abandoned(self, since: Moment) -> list[str]:
        return [str(tx_hash) for (tx_hash,) in await self._store.read(_ABANDONED, (since.time_unix_ns, BY_COMMAND))]

    def end_abandoned(self, end: TxEnd, now: Moment) -> None:
        state = "done" if end.state == "included" else end.state
        self._store.along(
            [
                (f"{_END} AND state = 'signed'", _how(end)),
                (_LAND, (state, _when(end, now), end.why, end.hash)),
            ]
        )

    def forget(self, now: Moment) -> None:
        old_ns = now.time_unix_ns - KEPT_NS
        self._store.along(
            [
                (_FORGET_INTENTS, (MOST_FORGOTTEN, old_ns // 10**9)),
                (_FORGET_TXS, (MOST_FORGOTTEN, old_ns)),
            ]
        )

    async def intents(
        self, *, state: str = "", beginning: str = "", tx_hash: str = "", newest: int = -1
    ) -> list[IntentRow]:
        """Open ones first, then the newest; by state (`open` for both that are), by the beginning of a key, by
        transaction."""
        rows = await self._store.read(_INTENTS, (state, beginning, tx_hash, newest))
        return [IntentRow(*row) for row in rows]

    async def tx(self, tx_hash: str) -> TxRow | None:
        rows = await self._store.read(f"{_TXS} WHERE hash = ?", (tx_hash.upper(),))
        return _tx_row(rows[0]) if rows else None


def _against(settles: Sequence[tuple[str, str]], now: Moment, whose: str) -> Write:
    return _IN_THE_WAY, (json.dumps(settles), now.time_unix_ns, whose, json.dumps(SETTLING))


def _how(end: TxEnd) -> Row:
    return end.state, end.height, end.gas_used, end.codespace, end.code, end.why, end.hash


def _when(end: TxEnd, now: Moment) -> int:
    return now.height if end.height is None else end.height


def _asked(intents: Sequence[Intent], now: Moment) -> list[Write]:
    return [
        (_ASK, (i.key, i.kind, i.message, i.priority, now.height, now.time_unix_ns // 10**9, now.height))
        for i in intents
    ]


_DROP = """
UPDATE intent SET state = 'dropped', height = ?, why = 'the daemon ended before it was signed'
WHERE state = 'waiting'
"""
_LEFT = """
SELECT hash, bytes, timeout_unix_ns, sequence, gas_limit, fee, fee_denom FROM tx WHERE state = 'signed'
ORDER BY signed_height, rowid
"""
_ASK = """
INSERT INTO intent (key, kind, message, priority, state, asked_height, asked_unix_s, height)
VALUES (?, ?, ?, ?, 'waiting', ?, ?, ?)
ON CONFLICT (key) WHERE state IN ('waiting', 'signed') DO NOTHING
"""
_SIGN = """
INSERT INTO tx (hash, bytes, state, timeout_unix_ns, sequence, gas_limit, fee, fee_denom, signed_height, signed_unix_ns)
VALUES (?, ?, 'signed', ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (hash) DO UPDATE SET state = 'signed', bytes = excluded.bytes
"""
_BOARD = """
UPDATE intent SET state = 'signed', tx = ?1, height = ?2, attempts = attempts + 1, position = keys.key, why = ''
FROM json_each(?3) AS keys WHERE intent.key = keys.value AND intent.state IN ('waiting', 'signed')
"""
_IN_THE_WAY = """
SELECT json_extract(mine.value, '$[0]'), intent.key, tx.hash, tx.timeout_unix_ns
FROM tx JOIN intent ON intent.tx = tx.hash, json_each(?1) AS mine
WHERE tx.state = 'signed' AND tx.timeout_unix_ns >= ?2 AND substr(intent.key, 1, length(?3)) = ?3
  AND intent.kind IN (SELECT value FROM json_each(?4))
  AND instr(intent.key || '/', '/' || json_extract(mine.value, '$[1]') || '/') > 0
"""
# Of a command's messages the transaction may have none left: the same command once more has taken them over.
_ABANDONED = """
SELECT hash FROM tx WHERE state = 'signed' AND timeout_unix_ns < ?1
  AND NOT EXISTS (SELECT 1 FROM intent WHERE intent.tx = tx.hash AND substr(intent.key, 1, length(?2)) <> ?2)
ORDER BY rowid
"""
_END = """
UPDATE tx SET state = ?, bytes = NULL, height = ?, gas_used = ?, codespace = ?, code = ?, why = ? WHERE hash = ?
"""
_LAND = "UPDATE intent SET state = ?, height = ?, why = ? WHERE tx = ? AND state = 'signed'"
_END_ALL = "UPDATE intent SET state = ?, why = ?, height = ? WHERE tx = ? AND state IN ('waiting', 'signed')"
_END_ONE = "UPDATE intent SET state = ?, why = ?, height = ? WHERE key = ? AND state IN ('waiting', 'signed')"
# Rows are numbered as they come, so what is old is among the first; what is not yet old costs a look at no more.
_FORGET_INTENTS = """
DELETE FROM intent WHERE rowid IN (
  SELECT rowid FROM (SELECT rowid, state, asked_unix_s FROM intent ORDER BY rowid LIMIT ?)
  WHERE state NOT IN ('waiting', 'signed') AND asked_unix_s < ?
)
"""
_FORGET_TXS = """
DELETE FROM tx WHERE rowid IN (
  SELECT rowid FROM (SELECT rowid, state, signed_unix_ns FROM tx ORDER BY rowid LIMIT ?)
  WHERE state <> 'signed' AND signed_unix_ns < ?
)
"""
_INTENTS = """
SELECT key, kind, state, tx, attempts, asked_height, asked_unix_s, height, priority, why, message FROM intent
WHERE (?1 = '' OR state = ?1 OR (?1 = 'open' AND state IN ('waiting', 'signed')))
  AND substr(key, 1, length(?2)) = ?2 AND (?3 = '' OR tx = ?3)
ORDER BY state IN ('waiting', 'signed') DESC, height DESC, rowid DESC LIMIT ?4
"""
_TXS = (
    "SELECT hash, state, timeout_unix_ns, sequence, gas_limit, fee, fee_denom, signed_height, height, gas_used,"
    " codespace, code, why FROM tx"
)


def _tx_row(row: Row) -> TxRow:
    tx_hash, state, timeout, sequence, gas_limit, fee, denom, signed, height, gas_used, codespace, code, why = row
    return TxRow(
        tx_hash, state, timeout, sequence, gas_limit, Coin(denom, fee), signed, height, gas_used, codespace, code, why
    )
