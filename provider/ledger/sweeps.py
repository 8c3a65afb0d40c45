"""Sweeps as the ledger keeps them: proposed, then sending, then over. Each step is taken from the state before it only,
so that a cancellation and the daemon cannot both win."""

from __future__ import annotations

from dataclasses import dataclass

from manifests.coins import Coin
from provider.ledger.amounts import number, stored, sums, total
from provider.ledger.store import Row, Store

OPEN = ("proposed", "sending")


@dataclass(frozen=True, slots=True)
class SweepRow:
    id: int
    proposed_unix_s: int
    due_unix_s: int
    recipient: str
    coin: Coin
    state: str
    """proposed, sending, done, cancelled, failed"""
    tx: str
    height: int
    time_unix_s: int
    why: str


class Sweeps:
    def __init__(self, store: Store) -> None:
        self._store = store

    async def newest(self, most: int = 20) -> list[SweepRow]:
        """Newest first."""
        rows = await self._store.read("SELECT * FROM sweep ORDER BY id DESC LIMIT ?", (most,))
        return [_row(row) for row in rows]

    async def open(self) -> SweepRow | None:
        found = await self.newest(1)
        return found[0] if found and found[0].state in OPEN else None

    async def since(self, unix_s: int, denom: str) -> int:
        """Micro-units sent since then, being sent, or perhaps sent: what was signed and came to nothing as far as
        anybody saw."""
        rows = await self._store.read(
            sums("sweep", "denom", "denom = ? AND (state = 'sending'"
                 " OR time_unix_s >= ? AND (state = 'done' OR state = 'failed' AND tx <> ''))"),
            (denom, unix_s),
        )  # fmt: skip
        return sum(total(*parts) for _, *parts in rows)

    async def propose(self, coin: Coin, recipient: str, *, due_unix_s: int, height: int, now_unix_s: int) -> None:
        """Does nothing while another one is open."""
        values = (now_unix_s, due_unix_s, recipient, coin.denom, stored(coin.amount), height, now_unix_s)
        await self._store.write([(_PROPOSE, values)])

    async def send(self, row: SweepRow, amount: int, *, height: int, now_unix_s: int) -> bool:
        """From proposed to sending; False when somebody has cancelled it meanwhile."""
        await self._store.write([(_SEND, (stored(amount), height, now_unix_s, row.id))])
        return (await self._state(row.id)) == "sending"

    async def sent(self, row: SweepRow, tx: str) -> None:
        await self._store.write([("UPDATE sweep SET tx = ? WHERE id = ? AND state = 'sending'", (tx, row.id))])

    async def end(
        self, row: SweepRow, state: str, why: str = "", *, tx: str = "", now_unix_s: int | None = None
    ) -> bool:
        """done, failed or cancelled; False when it was no longer in the state it is known in. `tx` is kept, unless
        another one is given."""
        await self._store.write([(_END, (state, why, tx, now_unix_s, row.id, row.state))])
        return (await self._state(row.id)) == state

    async def _state(self, id_: int) -> str:
        return str((await self._store.read("SELECT state FROM sweep WHERE id = ?", (id_,)))[0][0])


def _row(row: Row) -> SweepRow:
    id_, proposed, due, recipient, denom, amount, state, tx, height, time, why = row
    return SweepRow(id_, proposed, due, recipient, Coin(denom, number(amount)), state, tx, height, time, why)


_PROPOSE = """
INSERT INTO sweep (proposed_unix_s, due_unix_s, recipient, denom, amount, state, height, time_unix_s)
VALUES (?, ?, ?, ?, ?, 'proposed', ?, ?) ON CONFLICT DO NOTHING
"""
_SEND = """
UPDATE sweep SET state = 'sending', amount = ?, height = ?, time_unix_s = ? WHERE id = ? AND state = 'proposed'
"""
_END = """
UPDATE sweep SET state = ?, why = ?, tx = coalesce(nullif(?, ''), tx), time_unix_s = coalesce(?, time_unix_s)
WHERE id = ? AND state = ?
"""
