"""Who is told what, and which items go on. Each item ends exactly once: by an answer to the sender who still waits,
as a `Failed` for the next look if it had left before, or in silence when it succeeded.

The senders' futures are all the machinery there is; nothing here sends.
"""

from __future__ import annotations

from asyncio import Future
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from provider.chain import messages as ask
from provider.chain.tx import classify
from provider.chain.tx.journal import Journal
from provider.chain.tx.outbox import Item
from provider.errors import AkpError, Refused, Retry
from provider.intents import IntentState, Moment

MOST_TRIES = 8
FUNDS_S = 30.0


@dataclass(frozen=True, slots=True)
class Failed:
    """A message that left and came to nothing: TxRefused when it was refused for good, Retry when it may be sent
    again."""

    msg: ask.Msg
    error: AkpError


class Answers:
    """The items that have not ended, by business key, and what their senders hear."""

    def __init__(self, journal: Journal, now: Callable[[], Moment]) -> None:
        self._journal, self._now = journal, now
        self._open: dict[str, Item] = {}
        self._failures: list[Failed] = []

    @property
    def open(self) -> int:
        """items that have not ended"""
        return len(self._open)

    def __iter__(self) -> Iterator[Item]:
        return iter(self._open.values())

    def find(self, key: str) -> Item | None:
        """The item that wants the same."""
        return self._open.get(key)

    def admit(self, item: Item) -> None:
        self._open[item.key] = item

    def left(self, items: Iterable[Item], tx_hash: str) -> None:
        """A node has accepted their transaction."""
        for item in items:
            item.tx_hash = tx_hash
            for waiter in _waiting(item):
                waiter.set_result(tx_hash)

    def unsure(self, items: Iterable[Item], error: AkpError) -> None:
        """Senders need not wait any longer; the items go on."""
        for item in items:
            for waiter in _waiting(item):
                waiter.set_exception(error)

    def done(self, items: Iterable[Item]) -> None:
        """A block holds them, and they did what they should."""
        for item in items:
            self._forget(item)

    def gone(self, items: Iterable[Item]) -> None:
        """Their senders have gone before they left."""
        for item in items:
            self._forget(item, "dropped", "nobody waits for it any more")

    def end(self, items: Iterable[Item], error: AkpError, state: IntentState | None = None) -> None:
        """Without `state`: refused when the error is a no, else dropped."""
        for item in items:
            self._forget(item, state or ("refused" if isinstance(error, Refused) else "dropped"), str(error))
            if item.left:
                self._failures.append(Failed(item.msg, error))
            for waiter in _waiting(item):
                waiter.set_exception(error)

    def again(self, items: list[Item], why: str) -> list[Item]:
        """Those that have not been tried too often; the others end here, and may be sent anew."""
        for item in items:
            item.tries += 1
        tired = [i for i in items if i.tries > MOST_TRIES]
        self.end(tired, Retry(f"given up after {MOST_TRIES} attempts: {why}"))
        return without(items, tired)

    def more_gas(self, items: list[Item], no: AkpError) -> list[Item]:
        """Each may have twice the gas, once."""
        spent = [i for i in items if i.gas_times > 1]
        self.end(spent, no)
        kept = without(items, spent)
        for item in kept:
            item.gas_times = 2
        return kept

    def short_of_funds(self, items: list[Item], at: int | None, why: str) -> list[Item]:
        """The message money ran out at ends, and so do the bids after it: their deposits would not find more. When it
        was the fee, all end."""
        if at is None or at >= len(items):
            short = items
        else:
            short = [i for n, i in enumerate(items) if n == at or (n > at and isinstance(i.msg, ask.CreateBid))]
        self.end(short, Retry(why, after_s=FUNDS_S))
        return without(items, short)

    def collect(self) -> tuple[Failed, ...]:
        """The failures since the last call."""
        failures, self._failures = tuple(self._failures), []
        return failures

    def _forget(self, item: Item, state: IntentState | None = None, why: str = "") -> None:
        if self._open.get(item.key) is item:
            del self._open[item.key]
        if item.stored and state is not None:
            self._journal.ended([item.key], state, why, self._now())


def _waiting(item: Item) -> list[Future[str]]:
    """Senders who have not been told; from now on they have."""
    waiters, item.waiters, item.left = item.waiters, [], True
    return [waiter for waiter in waiters if not waiter.done()]


def culprits(items: list[Item], at: int | None, text: str) -> list[Item]:
    """Whom a "couldn't find payment" is about: by index, or by the lease it names; [] when neither tells."""
    if at is not None and at < len(items):
        return [items[at]]
    lease = classify.unsettled_lease(text)
    return [i for i in items if lease is not None and getattr(i.msg, "id", None) == lease]


def without(items: list[Item], gone: list[Item]) -> list[Item]:
    out = set(map(id, gone))
    return [i for i in items if id(i) not in out]
