"""What all who ask somebody else for a price have in common.

- At most `at_once` questions are out; the others wait and are served in the order they came.
- An answer is good for a while: the same order with the same question is not asked about again meanwhile. So an order
  that finds its room taken, or whose tenant pays too little, costs one process or request and not one per look.
- A failure and a pricer's own "no" are not kept: orders.py asks again, later and later.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Protocol

from bidengine.placement import Placement
from bidengine.quote import Quote
from bidengine.reasons import Decline, Reason
from bidengine.views import Order
from manifests.ids import OrderID

QUOTE_GOOD_S = 60.0
"""A price in a currency that moves must not grow old."""
TOO_HIGH_GOOD_S = 600.0
_MANY = 5000
"""answers kept at most; then those that are no longer good are thrown out"""


class Outside(Protocol):
    strategy: str
    denoms: frozenset[str]

    def look(self) -> bool:
        """Once a block; True when answers may differ from now on."""

    def question(self, order: Order, placement: Placement) -> bytes:
        """All that the answer may depend on."""

    async def ask(self, order: Order, question: bytes) -> Quote | Decline: ...


@dataclass(frozen=True, slots=True)
class _Answer:
    question: bytes
    answer: Quote | Decline
    until: float


class Asked:
    def __init__(self, outside: Outside, *, at_once: int) -> None:
        self._outside, self._places = outside, asyncio.Semaphore(at_once)
        self._answers: dict[OrderID, _Answer] = {}
        self.strategy, self.denoms = outside.strategy, outside.denoms

    def look(self) -> bool:
        changed = self._outside.look()
        if changed:
            self._answers = {}
        return changed

    async def quote(self, order: Order, placement: Placement) -> Quote | Decline:
        question, now = self._outside.question(order, placement), asyncio.get_running_loop().time
        known = self._answers.get(order.id)
        if known is not None and known.question == question and now() < known.until:
            return known.answer
        async with self._places:
            answers = self._answers
            answer = await self._outside.ask(order, question)
        good_s = TOO_HIGH_GOOD_S if isinstance(answer, Decline) else QUOTE_GOOD_S
        own_no = isinstance(answer, Decline) and answer.reason is Reason.PRICER_DECLINED
        if answers is self._answers and not own_no:  # else it was asked for before prices changed
            answers[order.id] = _Answer(question, answer, now() + good_s)
        if len(self._answers) > _MANY:
            self._answers = {key: kept for key, kept in self._answers.items() if now() < kept.until}
        return answer
