"""Who is told what, and which items go on. Each item ends exactly once: by an answer to the sender who still waits,
as a `Failed` for the next look if it had left before, or in silence when it succeeded.

The senders' futures are all the machinery there is; nothing here sends.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from provider.chain import messages as ask
from provider.chain.tx import classify
from provider.chain.tx.outbox import Item
from provider.errors import AkpError, Retry

MOST_TRIES = 8
FUNDS_S = 30.0


@dataclass(frozen=True, slots=True)
class Failed:
    """A message that left and came to nothing: TxRefused when it was refused for good, Retry when it may be sent
    again."""

    msg: ask.Msg
    error: AkpError


class Answers:
    def __init__(self) -> None:
        self.open = 0
        """items that have not ended"""
        self._failures: list[Failed] = []

    def left(self, items: Iterable[Item], tx_hash: str) -> None:
        """A node has accepted their transaction."""
        for item in items:
            if item.waiter is not None and not item.waiter.done():
                item.waiter.set_result(tx_hash)
            item.waiter = None

    def unsure(self, items: Iterable[Item], error: AkpError) -> None:
        """Senders need not wait any longer; the items go on."""
        for item in items:
            if item.waiter is not None and not item.waiter.done():
                item.waiter.set_exception(error)
            item.waiter = None

    def end(self, items: Iterable[Item], error: AkpError) -> None:
        for item in items:
            self.open -= 1
            if item.waiter is None:
                self._failures.append(Failed(item.msg, error))
            elif not item.waiter.done():
                item.waiter.set_exception(error)

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


def culprits(items: list[Item], at: int | None, text: str) -> list[Item]:
    """Whom a "couldn't find payment" is about: by index, or by the lease it names; [] when neither tells."""
    if at is not None and at < len(items):
        return [items[at]]
    lease = classify.unsettled_lease(text)
    return [i for i in items if lease is not None and getattr(i.msg, "id", None) == lease]


def without(items: list[Item], gone: list[Item]) -> list[Item]:
    out = set(map(id, gone))
    return [i for i in items if id(i) not in out]
