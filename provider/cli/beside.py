"""A command's transaction in the outbox of the daemon that works with the same key: `akp tx list` tells of it, and the
daemon keeps from the deployments whose escrow it settles, as it keeps from those of the daemon: two such messages must
not meet in one block, or a payment stays open (chain.md §5.6).

The outbox is the file `ledger.db` in `data` (provider/ledger/outbox.py). Where there is none, nobody else signs here
that we could know of. A command that is killed leaves its transaction there as signed: it is in the way until its
timeout, and the daemon finds out what became of it a while later, or at its next start.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from provider.chain.client import Chain
from provider.chain.messages import Msg
from provider.chain.tx import build, classify, once
from provider.chain.tx.business_key import key_of
from provider.chain.tx.outbox import Item, intent_of, settles
from provider.chain.tx.priority import usual
from provider.errors import ConfigError, Retry
from provider.intents import BY_COMMAND, InTheWay, Moment, Signed, TxEnd
from provider.keyring import Identity
from provider.ledger.outbox import Outbox
from provider.ledger.store import Store
from provider.settings import Settings


@asynccontextmanager
async def beside(
    settings: Settings, chain: Chain, who: Identity, msgs: Sequence[Msg], ready: once.Draft
) -> AsyncIterator[Notes | None]:
    """For once.send; None where there is no daemon's file. ConfigError where it is another's, or may not be written."""
    path = settings.data / "ledger.db"
    if not _there(path):
        yield None
        return
    async with Store.open(path, as_it_is=True) as store:
        await store.belongs_to(chain=chain.id, provider=who.owner)
        yield Notes(Outbox(store), [_item(msg, who) for msg in msgs], ready)


class Notes:
    """What provider/chain/tx/once.py asks for."""

    def __init__(self, outbox: Outbox, items: Sequence[Item], ready: once.Draft) -> None:
        self._outbox, self._items, self._ready = outbox, items, ready
        self._left = Moment(0, 0)

    async def leaves(self, tx_hash: str, tx: bytes, now: Moment) -> None:
        """Retry when the daemon, or another command, has something in the air that settles the same escrow."""
        ready, keys = self._ready, tuple(item.key for item in self._items)
        signed = Signed(
            tx_hash, tx, ready.timeout_unix_ns, ready.sequence, ready.gas_limit, ready.fee, keys, settles(self._items)
        )
        self._left = now
        if others := await self._outbox.sign_beside([intent_of(i) for i in self._items], signed, now):
            raise Retry(_told(others, now))

    async def ended(self, end: TxEnd) -> None:
        await self._outbox.end_beside(replace(end, why=classify.readable(end.why)), self._left)


def _there(path: Path) -> bool:
    """ConfigError where nobody can say, as in a directory of another user: a daemon may be at work there."""
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as bad:
        raise _locked(path, f"cannot be seen ({bad.strerror})") from None
    if not os.access(path, os.W_OK):
        raise _locked(path, "cannot be written")
    return True


def _locked(path: Path, why: str) -> ConfigError:
    return ConfigError(
        str(path),
        f"the daemon's outbox {why}, so the daemon would not know what this command sends",
        "Run the command as the daemon's user.",
    )


def _item(msg: Msg, who: Identity) -> Item:
    box = build.box(msg, who.key.address)
    return Item(msg, box, BY_COMMAND + key_of(msg, box), priority=usual(msg))


def _told(others: Sequence[InTheWay], now: Moment) -> str:
    first = others[0]
    left_s = max(0, first.timeout_unix_ns - now.time_unix_ns) // 10**9 + 1
    return (
        f"nothing was sent: {first.theirs} is in the air in transaction {first.tx} and settles the same deployment's"
        f" escrow; in one block with it a payment would stay open. Try again in a block or two, when akp tx show"
        f" {first.tx} tells its end; after {left_s} s it is void"
    )
