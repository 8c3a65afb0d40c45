"""Where the outbox is kept so that it survives this process. The daemon's lies in the ledger's file
(provider/ledger/outbox.py); who needs none, a tenant of the sandbox for example, has `Forgetful`.

What must be on disk before the next step is awaited; what blocks tell goes along with the ledger's cursor, hence is
neither lost nor ahead of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from provider.intents import Intent, IntentState, InTheWay, Left, Moment, Signed, TxEnd


class Journal(Protocol):
    async def left(self, now: Moment) -> list[Left]:
        """Once, at a start: the transactions of earlier processes that have no end yet, oldest first. What was never
        signed is dropped."""

    async def fees_since(self, time_unix_ns: int) -> list[tuple[str, int, int]]:
        """(hash, time of signing in ns, fee) of transactions that were or may be charged for."""

    async def store(self, intents: Sequence[Intent], now: Moment) -> None:
        """On disk when it returns; they are waiting."""

    async def in_the_way(self, settles: Sequence[tuple[str, str]], now: Moment) -> list[InTheWay]:
        """Why `sign` would not let these leave (`Signed.settles`), before anything is done for them."""

    async def sign(self, signed: Signed, now: Moment) -> list[InTheWay]:
        """On disk when it returns; its messages are signed. Unless another process has something in the air that
        settles the same escrow: that, and the transaction must not leave."""

    def tx_ended(self, end: TxEnd, now: Moment) -> None:
        """With the next block. Its messages are done if it was included, else they wait again."""

    def ended(self, keys: Sequence[str], state: IntentState, why: str, now: Moment) -> None:
        """With the next block. These messages have ended, whatever becomes of others they travelled with."""

    async def abandoned(self, since: Moment) -> list[str]:
        """Hashes of commands' transactions that have no end noted although they were void by then."""

    def end_abandoned(self, end: TxEnd, now: Moment) -> None:
        """With the next block. Such a transaction and all its messages have ended, unless somebody was faster."""

    def forget(self, now: Moment) -> None:
        """With the next block: some of what has ended long ago."""


class Forgetful:
    """Keeps nothing."""

    async def left(self, now: Moment) -> list[Left]:
        return []

    async def fees_since(self, time_unix_ns: int) -> list[tuple[str, int, int]]:
        return []

    async def store(self, intents: Sequence[Intent], now: Moment) -> None:
        pass

    async def in_the_way(self, settles: Sequence[tuple[str, str]], now: Moment) -> list[InTheWay]:
        return []

    async def sign(self, signed: Signed, now: Moment) -> list[InTheWay]:
        return []

    def tx_ended(self, end: TxEnd, now: Moment) -> None:
        pass

    def ended(self, keys: Sequence[str], state: IntentState, why: str, now: Moment) -> None:
        pass

    async def abandoned(self, since: Moment) -> list[str]:
        return []

    def end_abandoned(self, end: TxEnd, now: Moment) -> None:
        pass

    def forget(self, now: Moment) -> None:
        pass
