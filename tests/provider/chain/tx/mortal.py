"""A process that can be killed: a signer over a ledger's file, one loop over blocks, and senders who want things done.

The senders decide as the daemon's do: from the chain as of the cursor, again and again. Nothing of a killed process is
closed in order or finished; what it had on disk is all the next one finds.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from provider.chain import messages as ask
from provider.chain.tx.broadcast import Answer
from provider.chain.tx.signer import Signer
from provider.errors import Refused, Retry
from provider.intents import Intent, InTheWay, Moment, Signed
from provider.ledger.outbox import Outbox
from provider.ledger.store import Store
from provider.settings import ChainSettings
from provider.tasks import spawn
from tests.provider.chain.tx.fake_chain import KEY, FakeChain

T = TypeVar("T")
POINTS = (
    "before it is stored", "when it is stored", "when it is signed", "when the bytes are stored",
    "when it was taken and nobody told us", "when it has left", "when its block was seen and the cursor not moved",
    "when the cursor has moved",
)  # fmt: skip


class Killed(BaseException):
    pass


class Inline(Store):
    """Without its thread: the loop's time must not run away while a disk is busy."""

    async def _on_thread(self, run: Callable[[], T]) -> T:
        return run()

    def drop(self) -> None:
        """As a dying process does: nothing more is written."""
        self._close()
        self._thread.shutdown()


class Mortal:
    """`await Mortal(chain, path, wanted).live()` until somebody ends it or `dies_at` comes."""

    def __init__(
        self, chain: FakeChain, path: Path, wanted: Sequence[ask.Msg], *, dies_at: str = "", at_tip: bool = False,
        **settings: Any,
    ) -> None:  # fmt: skip
        self.chain, self.path, self.wanted, self.dies_at = chain, path, wanted, dies_at
        self.at_tip = at_tip
        """the blocks since the last life are not read: the state at the tip is loaded instead"""
        self.settings = ChainSettings(**{"bids_per_tx": 3, "tx_timeout_s": 30, **settings})
        self.cursor = 0
        self.signer: Signer | None = None

    async def live(self) -> None:
        store = Inline(self.path)
        await store._on_thread(store._connect)
        try:
            await self._live(store)
        except BaseExceptionGroup as end:
            if end.subgroup(Killed) is None:
                raise
        finally:
            store.drop()

    def point(self, name: str) -> None:
        if name == self.dies_at:
            raise Killed(name)

    def done(self, msg: ask.Msg) -> bool:
        """On chain, as of the cursor."""
        match msg:
            case ask.CreateBid(id=bid):
                return self.chain.bid_at.get(bid.dseq, self.cursor + 1) <= self.cursor
            case ask.WithdrawLease(id=lease):
                return any(height <= self.cursor for height, dseq in self.chain.paid if dseq == lease.dseq)
        raise AssertionError(msg)

    async def _live(self, store: Store) -> None:
        rows = await store.read("SELECT height, time_unix_ns FROM head")
        seen = Moment(*rows[0]) if rows else Moment(100, 5_000_000 * 10**9)
        if self.at_tip:
            seen = Moment(self.chain.height, self.chain.time_ns)
        self.cursor = seen.height
        journal = _Failing(store, self.point)
        self.signer = Signer(_Away(self.chain, self.point), KEY, self.settings, journal=journal)  # type: ignore[arg-type]
        await self.signer.recover(seen)
        async with asyncio.TaskGroup() as tasks:
            spawn(tasks, "signer", self.signer.run())
            spawn(tasks, "follow", self._follow(store, self.signer))
            for msg in self.wanted:
                spawn(tasks, "send", self._insist(self.signer, msg))

    async def _follow(self, store: Store, signer: Signer) -> None:
        while True:
            for block in [b for b in self.chain.blocks if b.height > self.cursor]:
                held = bool(block.txs)
                signer.look(block)
                if held:
                    self.point("when its block was seen and the cursor not moved")
                move = "INSERT OR REPLACE INTO head VALUES (1, ?, ?)"
                await store.write([(move, (block.height, block.time_unix_ns))])
                self.cursor = block.height
                if held:
                    self.point("when the cursor has moved")
            await asyncio.sleep(0.3)

    async def _insist(self, signer: Signer, msg: ask.Msg) -> None:
        while not self.done(msg):
            try:
                await signer.send(msg)
                self.point("when it has left")
            except (Retry, Refused):
                pass
            await asyncio.sleep(2)


class _Failing(Outbox):
    def __init__(self, store: Store, point: Callable[[str], None]) -> None:
        super().__init__(store)
        self._point = point

    async def store(self, intents: Sequence[Intent], now: Moment) -> None:
        self._point("before it is stored")
        await super().store(intents, now)
        self._point("when it is stored")

    async def sign(self, signed: Signed, now: Moment) -> list[InTheWay]:
        self._point("when it is signed")
        others = await super().sign(signed, now)
        self._point("when the bytes are stored")
        return others


class _Away:
    """The chain, seen from inside the process."""

    def __init__(self, chain: FakeChain, point: Callable[[str], None]) -> None:
        self._chain, self._point = chain, point

    def __getattr__(self, name: str) -> Any:
        return getattr(self._chain, name)

    async def broadcast(self, tx: bytes) -> Answer:
        answer = await self._chain.broadcast(tx)
        self._point("when it was taken and nobody told us")
        return answer


def effects(chain: FakeChain) -> Counter[str]:
    return Counter([*(f"bid {d}" for d in chain.bids), *(f"withdraw {d}" for _, d in chain.paid)])


def wanted_effects(wanted: Iterable[ask.Msg]) -> Counter[str]:
    return Counter(
        f"bid {msg.id.dseq}" if isinstance(msg, ask.CreateBid) else f"withdraw {msg.id.dseq}"  # type: ignore[union-attr]
        for msg in wanted
    )


async def states(path: Path) -> Counter[str]:
    """Of all intents in the file."""
    store = Inline(path)
    await store._on_thread(store._connect)
    try:
        return Counter(row.state for row in await Outbox(store).intents())
    finally:
        store.drop()
