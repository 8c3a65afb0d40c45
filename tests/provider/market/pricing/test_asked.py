"""Turns, memory and forgetting, with somebody outside whose answers are in the test's hand."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from typing import Any

import pytest

from bidengine.placement import Placement, Slot
from bidengine.quote import Quote
from bidengine.reasons import Decline, Reason
from bidengine.views import Order
from manifests.coins import DecCoin
from provider.market.pricing import Failed
from provider.market.pricing import asked as module
from provider.market.pricing.asked import QUOTE_GOOD_S, TOO_HIGH_GOOD_S, Asked

FIVE = Quote(DecCoin("uact", 5))
TOO_HIGH = Decline(Reason.PRICE_TOO_HIGH, "dear", False)
NO = Decline(Reason.PRICER_DECLINED, "not for you", False)


@dataclass
class Somebody:
    """Answers with what `answer` holds, when `may_answer` lets it."""

    strategy: str = "outside"
    denoms: frozenset[str] = frozenset({"uact"})
    answer: Quote | Decline | Failed = FIVE
    may_answer: asyncio.Event = field(default_factory=asyncio.Event)
    begun: list[int] = field(default_factory=list)
    out: int = 0
    most_out: int = 0
    changed: bool = False

    def look(self) -> bool:
        changed, self.changed = self.changed, False
        return changed

    def question(self, order: Order, placement: Placement) -> bytes:
        return repr([slot.node for slot in placement.slots]).encode()

    async def ask(self, order: Order, question: bytes) -> Quote | Decline:
        self.begun.append(order.id.dseq)
        self.out += 1
        self.most_out = max(self.most_out, self.out)
        try:
            await self.may_answer.wait()
        finally:
            self.out -= 1
        if isinstance(self.answer, Failed):
            raise self.answer
        return self.answer


@pytest.fixture
def somebody() -> Somebody:
    found = Somebody()
    found.may_answer.set()
    return found


def on(node: str) -> Placement:
    return Placement((Slot(1, node, ask=None),))  # type: ignore[arg-type]


async def test_so_many_are_out_at_once_and_the_others_come_in_their_order(somebody: Somebody, chain: Any) -> None:
    somebody.may_answer.clear()
    asked = Asked(somebody, at_once=3)
    orders = [chain.orders_[chain.add_order(n)] for n in range(50)]
    async with asyncio.TaskGroup() as tasks:
        for order in orders:
            tasks.create_task(asked.quote(order, on("n1")))
        for _ in range(10):
            await asyncio.sleep(0)
        assert somebody.begun == [0, 1, 2]
        somebody.may_answer.set()
    assert somebody.begun == list(range(50))
    assert somebody.most_out == 3


async def test_one_that_is_no_longer_waited_for_gives_up_its_turn(somebody: Somebody, chain: Any) -> None:
    somebody.may_answer.clear()
    asked = Asked(somebody, at_once=1)
    async with asyncio.TaskGroup() as tasks:
        first, second, third = (
            tasks.create_task(asked.quote(chain.orders_[chain.add_order(n)], on("n1"))) for n in range(3)
        )
        await asyncio.sleep(0)
        second.cancel()
        first.cancel()
        somebody.may_answer.set()
    assert third.result() == FIVE
    assert somebody.begun == [0, 2]


@pytest.mark.looptime
@pytest.mark.parametrize(
    ("answer", "good_s"), [(FIVE, QUOTE_GOOD_S), (TOO_HIGH, TOO_HIGH_GOOD_S)], ids=["price", "too high"]
)
async def test_an_answer_is_good_for_a_while(
    somebody: Somebody, order: Order, answer: Quote | Decline, good_s: float
) -> None:
    somebody.answer = answer
    asked = Asked(somebody, at_once=1)
    assert await asked.quote(order, on("n1")) == answer
    await asyncio.sleep(good_s - 1)
    assert await asked.quote(order, on("n1")) == answer
    assert len(somebody.begun) == 1
    await asyncio.sleep(2)
    await asked.quote(order, on("n1"))
    assert len(somebody.begun) == 2


async def test_another_question_is_another_answer(somebody: Somebody, order: Order, chain: Any) -> None:
    asked = Asked(somebody, at_once=1)
    for node in ("n1", "n2", "n2"):
        await asked.quote(order, on(node))
    await asked.quote(chain.orders_[chain.add_order(2)], on("n2"))
    assert somebody.begun == [1, 1, 2]


@pytest.mark.parametrize("answer", [NO, Failed("timeout", "slow")], ids=["its own no", "failure"])
async def test_trouble_is_not_remembered(somebody: Somebody, order: Order, answer: Decline | Failed) -> None:
    asked = Asked(somebody, at_once=1)
    somebody.answer = answer
    for _ in range(2):
        refused = pytest.raises(Failed) if isinstance(answer, Failed) else contextlib.nullcontext()
        with refused:
            assert await asked.quote(order, on("n1")) == answer
    somebody.answer = FIVE
    assert await asked.quote(order, on("n1")) == FIVE
    assert len(somebody.begun) == 3


async def test_new_prices_make_every_answer_old_even_one_on_its_way(somebody: Somebody, order: Order) -> None:
    asked = Asked(somebody, at_once=1)
    await asked.quote(order, on("n1"))
    somebody.changed = True
    assert (asked.look(), asked.look()) == (True, False)
    somebody.may_answer.clear()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(asked.quote(order, on("n1")))
        await asyncio.sleep(0)
        somebody.changed = True
        asked.look()
        somebody.may_answer.set()
    await asked.quote(order, on("n1"))
    assert len(somebody.begun) == 3


@pytest.mark.looptime
async def test_old_answers_do_not_pile_up(somebody: Somebody, chain: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MANY", 10)
    asked = Asked(somebody, at_once=1)
    for n in range(100):
        await asked.quote(chain.orders_[chain.add_order(n)], on("n1"))
        await asyncio.sleep(QUOTE_GOOD_S / 5)
    assert len(asked._answers) <= 10
