"""Money that is not needed goes to the operator's own account: proposed, announced for a while, then sent once.

Off until an address is given. What leaves is bounded thrice: something is kept, so much a day at most, and only to an
address of the settings. A transaction whose end is not known is never repeated: the journal says whether it was paid,
the outbox what else became of it. What was signed and came to nothing counts to the day's most all the same: where
blocks were skipped nobody saw whether it did.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import Protocol

import structlog

from manifests.coins import Coin, parse_coins
from provider.chain.messages import Msg, Send
from provider.errors import Pruned, Refused, Retry, TxRefused
from provider.ledger.books import Books
from provider.ledger.outbox import IntentRow, Outbox
from provider.ledger.sweeps import SweepRow, Sweeps
from provider.market.book import Book
from provider.metrics import Sample
from provider.settings import SweepSettings

log = structlog.get_logger()
LOOK_S = 30.0
LOST_S = 1_200
"""Block time after which one that the outbox knows nothing of never will be in a block: the process died before it was
signed."""
DAY_S = 86_400
OPEN = ("waiting", "signed")
CANNOT = "the hot key cannot spend: sign with the owner's key, or leave sweep.addresses empty"


class Chain(Protocol):
    async def balances(self, address: str) -> dict[str, int]: ...


class Sweep:
    """`look` decides and acts once; `run` does so for ever."""

    def __init__(
        self,
        book: Book,
        books: Books,
        chain_at: Callable[[int], Chain],
        send: Callable[[Msg], Awaitable[str]],
        settings: SweepSettings,
        *,
        delegated: bool,
    ) -> None:
        """`delegated`: the key that signs is not the owner's."""
        self.book, self.settings = book, settings
        self._journal, self._sweeps, self._outbox = books.journal, Sweeps(books.store), Outbox(books.store)
        self._chain_at, self._send, self._delegated = chain_at, send, delegated
        self._keep = parse_coins(settings.keep)[0]

    async def run(self) -> None:
        if self.settings.addresses and self._delegated:
            log.error("nothing is swept", why=CANNOT)
        while self.settings.addresses and not self._delegated:
            try:
                await self.look()
            except (Retry, Refused, Pruned) as trouble:
                log.warning("sweeping waits", why=str(trouble))
            await asyncio.sleep(LOOK_S)

    async def look(self) -> None:
        row = await self._sweeps.open()
        if row is None:
            await self._propose()
        elif row.state == "sending":
            await self._follow(row)
        elif self._now >= row.due_unix_s:
            await self._carry_out(row)

    def gauges(self) -> Iterator[Sample]:
        yield "akp_sweep_on", {}, float(bool(self.settings.addresses) and not self._delegated)

    async def _propose(self) -> None:
        amount = await self._allowed()
        if amount < self.settings.least:
            return
        due, coin = self._now + self.settings.delay_s, Coin(self._keep.denom, amount)
        to = self.settings.addresses[0]
        await self._sweeps.propose(coin, to, due_unix_s=due, height=self.book.height, now_unix_s=self._now)
        log.warning("a sweep is proposed", amount=str(coin), to=to, in_s=self.settings.delay_s,
                    cure="akp money sweep cancel stops it")  # fmt: skip

    async def _carry_out(self, row: SweepRow) -> None:
        """What was proposed, or less when less may go by now."""
        amount = min(row.coin.amount, await self._allowed())
        why = ""
        if row.recipient not in self.settings.addresses or row.coin.denom != self._keep.denom:
            why = "the settings no longer allow it"
        elif amount < self.settings.least:
            why = "too little is left above what is kept"
        if why:
            await self._sweeps.end(row, "cancelled", why)
            return
        if not await self._sweeps.send(row, amount, height=self.book.height, now_unix_s=self._now):
            return  # cancelled at the last moment
        coin = Coin(row.coin.denom, amount)
        sending = await self._sweeps.open()
        assert sending is not None  # nobody else ends one that is being sent
        try:
            tx = await self._send(Send(self.book.us.owner, row.recipient, coin))
        except TxRefused as no:
            await self._sweeps.end(sending, "failed", str(no))
            log.error("a sweep was refused", amount=str(coin), to=row.recipient, why=str(no))
        else:
            await self._sweeps.sent(sending, tx)
            log.info("sweeping", amount=str(coin), to=row.recipient, tx=tx)

    async def _follow(self, row: SweepRow) -> None:
        paid = await self._journal.swept(row.recipient, row.coin, row.height)
        if paid is not None:
            await self._sweeps.end(row, "done", tx=paid, now_unix_s=self._now)
            return
        asked = await self._asked(row)
        if (self._now < row.time_unix_s + LOST_S) if asked is None else (asked.state in OPEN):
            return
        if asked is not None and asked.state == "done":  # in blocks that nobody read: the books have a correction
            await self._sweeps.end(row, "done", tx=asked.tx, now_unix_s=self._now)
            return
        tx = asked.tx or row.tx if asked is not None else row.tx
        why = (
            f"{asked.state}: {asked.why}" if asked is not None else "no block holds it" if tx else "it was never signed"
        )
        await self._sweeps.end(row, "failed", why, tx=tx, now_unix_s=self._now)
        log.error("a sweep came to nothing", amount=str(row.coin), to=row.recipient, tx=tx, why=why)

    async def _asked(self, row: SweepRow) -> IntentRow | None:
        """What the outbox knows of it: the newest payment asked since, and of no other sweep. The signer may be a block
        behind the book."""
        others = {other.tx for other in await self._sweeps.newest() if other.id != row.id and other.tx}
        asked = await self._outbox.intents(beginning=f"{Send.__name__}/")
        since = (one for one in asked if one.asked_height >= row.height - 1 and one.tx not in others)
        return next(since, None)

    async def _allowed(self) -> int:
        """Micro-units that may leave now."""
        denom = self._keep.denom
        balance = (await self._chain_at(self.book.height).balances(self.book.us.owner)).get(denom, 0)
        today = await self._sweeps.since(self._now - DAY_S, denom)
        return min(balance - self._keep.amount, self.settings.most_per_day - today)

    @property
    def _now(self) -> int:
        """By the chain's clock."""
        return self.book.time_unix_ns // 10**9
