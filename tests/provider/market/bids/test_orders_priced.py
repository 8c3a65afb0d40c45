"""While a price is asked for nothing is held, and what changes meanwhile is seen; without one it is asked for later."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from bidengine.node import Inventory, Node
from bidengine.placement import Placement
from bidengine.quote import Quote
from bidengine.reasons import Decline
from bidengine.room import HoldState
from bidengine.views import Order
from manifests.coins import E18, DecCoin
from manifests.ids import OrderID
from provider.chain.messages import CreateBid
from provider.market.pricing import Failed, Pricing
from provider.market.pricing.asked import Asked
from provider.market.pricing.script import Script
from provider.pricer_settings import ScriptSettings

Play = Any
"""of conftest.py"""
FIVE = Quote(DecCoin("uact", 5 * E18))


@dataclass
class Slow:
    """A pricer that answers when it may; `prices` are those in force, and may change meanwhile."""

    strategy: str = "slow"
    denoms: frozenset[str] = frozenset({"uact"})
    price: Quote | Exception = FIVE
    asked: list[Placement] = field(default_factory=list)
    was_asked: asyncio.Event = field(default_factory=asyncio.Event)
    may_answer: asyncio.Event = field(default_factory=asyncio.Event)
    changed: bool = False

    def look(self) -> bool:
        changed, self.changed = self.changed, False
        return changed

    async def quote(self, order: Order, placement: Placement) -> Quote | Decline:
        self.asked.append(placement)
        self.was_asked.set()
        price = self.price
        await self.may_answer.wait()
        if isinstance(price, Exception):
            raise price
        return price


@pytest.fixture
def slow(play: Play) -> Slow:
    made = Slow()
    play.orders.judge = replace(play.orders.judge, pricing=Pricing(made, play.orders.metrics))
    return made


@asynccontextmanager
async def being_priced(play: Play, slow: Slow, dseq: int = 1, **kw: int) -> AsyncIterator[OrderID]:
    """An order that waits for its price; what the block does, happens meanwhile."""
    key: OrderID = play.chain.add_order(dseq, **kw)
    play.book.orders[key] = play.chain.orders_[key]
    slow.was_asked.clear()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(play.orders.handle(key))
        await asyncio.wait_for(slow.was_asked.wait(), 60)
        assert play.state(key) is None, "nothing is held before the price is known (product.md D5)"
        yield key
        slow.may_answer.set()


def closed(play: Play, key: OrderID) -> None:
    play.book.orders[key] = replace(play.book.orders[key], state="closed")


@pytest.mark.parametrize(
    "meanwhile",
    [closed, lambda play, key: play.book.orders.pop(key)],
    ids=["closed", "gone"],
)
async def test_d5_an_order_that_ends_while_it_is_priced_gets_no_bid_and_no_room(
    play: Play, slow: Slow, meanwhile: Callable[[Play, OrderID], Any]
) -> None:
    async with being_priced(play, slow) as key:
        meanwhile(play, key)
    assert (play.sent, play.state(key)) == ([], None)
    assert play.orders.declined[key].reason == "skip.order_gone"


async def test_room_that_is_taken_while_an_order_is_priced_makes_it_look_for_another_place(
    play: Play, slow: Slow
) -> None:
    nodes = (Node("n1", 1000, 4 << 30, 64 << 30), Node("n2", 2000, 8 << 30, 64 << 30))
    play.room.see(Inventory(nodes, node_ports=10))
    async with being_priced(play, slow, cpu_milli=600) as key:
        taken = play.chain.orders_[play.chain.add_order(2, cpu_milli=600)]
        play.room.hold(taken.id, taken.spec, slow.asked[0], height=7)
    assert not play.sent
    assert await play.orders.queue.get() == key
    await play.orders.handle(key)
    assert [placement.slots[0].node for placement in slow.asked] == ["n1", "n2"]
    assert [bid.id.order for bid in play.sent if isinstance(bid, CreateBid)] == [key]


@pytest.mark.parametrize("meanwhile", ["closed", "taken"])
async def test_d5_the_same_with_a_script_that_is_really_run(play: Play, tmp_path: Path, meanwhile: str) -> None:
    path = tmp_path / "price.sh"
    path.write_text(f"#!/bin/sh\ncd {tmp_path}\necho + >> begun\nuntil [ -e go ]; do sleep 0.02; done\necho 5\n")
    path.chmod(0o755)
    script = Script(ScriptSettings(path=path, timeout_s=60), {"PATH": os.environ["PATH"]})
    play.orders.judge = replace(play.orders.judge, pricing=Pricing(Asked(script, at_once=1), play.orders.metrics))
    nodes = (Node("n1", 1000, 4 << 30, 64 << 30), Node("n2", 2000, 8 << 30, 64 << 30))
    play.room.see(Inventory(nodes, node_ports=10))
    key = play.chain.add_order(1, cpu_milli=600)
    play.book.orders[key] = play.chain.orders_[key]
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(play.orders.handle(key))
        await there(tmp_path / "begun")
        if meanwhile == "closed":
            closed(play, key)
        else:
            other = play.chain.orders_[play.chain.add_order(2, cpu_milli=600)]
            found = play.room.fit(other.spec)
            assert isinstance(found, Placement)
            play.room.hold(other.id, other.spec, found, height=7)
        (tmp_path / "go").touch()
    assert (play.sent, play.state(key)) == ([], None)
    await play.orders.handle(key)
    assert [slot.node for hold in [play.room.holds.get(key)] if hold for slot in hold.placement.slots] == (
        [] if meanwhile == "closed" else ["n2"]
    )
    assert (tmp_path / "begun").read_text() == "+\n", "what it is asked has not changed, so it is not asked again"


async def there(path: Path) -> None:
    for _ in range(3000):
        if path.exists():  # noqa: ASYNC240 - a look, in a test
            return
        await asyncio.sleep(0.02)
    raise AssertionError(f"{path} has not come")


async def test_room_that_is_taken_is_looked_for_again_by_one_that_was_declined_before(play: Play, slow: Slow) -> None:
    key = await play.order(cpu_milli=2000)
    nodes = (Node("n1", 2000, 4 << 30, 64 << 30), Node("n2", 4000, 8 << 30, 64 << 30))
    play.room.see(Inventory(nodes, node_ports=10))
    play.orders.look_at_declined()
    async with being_priced(play, slow, cpu_milli=2000):
        taken = play.chain.orders_[play.chain.add_order(2, cpu_milli=2000)]
        play.room.hold(taken.id, taken.spec, slow.asked[0], height=7)
    await play.orders.handle(await play.orders.queue.get())
    assert play.state(key) is HoldState.BID


async def test_prices_that_change_while_an_order_is_priced_are_asked_for_again(play: Play, slow: Slow) -> None:
    async with being_priced(play, slow) as key:
        slow.price, slow.changed = Quote(DecCoin("uact", 9 * E18)), True
        assert play.orders.judge.pricing.look()
    assert not play.sent
    await play.orders.handle(await play.orders.queue.get())
    (bid,) = play.sent
    assert isinstance(bid, CreateBid)
    assert bid.price.amount_e18 == 9 * E18
    assert play.state(key) is HoldState.BID


async def test_a_last_place_for_bids_that_is_taken_while_an_order_is_priced_ends_it(play: Play, slow: Slow) -> None:
    async with being_priced(play, slow) as key:
        play.book.bids_on[key] = {f"akash1rival{n}" for n in range(21)}
    assert (play.sent, play.state(key)) == ([], None)
    assert play.orders.declined[key].reason == "skip.max_bids"


async def test_an_order_without_a_price_is_asked_about_again_later_and_later(
    play: Play, slow: Slow, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The loop's clock stands still, and is turned to just before and just after each look that is due."""
    loop, waits, ahead = asyncio.get_running_loop(), [], 0.0
    now = loop.time()
    monkeypatch.setattr(loop, "time", lambda: now + ahead)
    monkeypatch.setattr(play.orders.queue, "put_after", lambda key, delay_s: waits.append(delay_s))
    slow.may_answer.set()
    slow.price = Failed("timeout", "price script x gave no answer")
    key = await play.order()
    for n in range(8):
        assert play.orders.declined[key].reason == "skip.price.pricer_failed"
        ahead += waits[-1] - 2
        await play.orders.handle(key)
        assert len(slow.asked) == n + 1, "too early"
        ahead += 2
        await play.orders.handle(key)
        assert len(slow.asked) == n + 2
    assert waits[::2] == [16, 31, 61, 121, 241, 481, 601, 601, 601]
    assert set(waits[1::2]) == {2}, "who looks too early looks again when it is due"
    slow.price = FIVE
    ahead += 601
    await play.orders.handle(key)
    assert play.state(key) is HoldState.BID


async def test_a_pricer_without_a_price_is_not_asked_because_room_has_moved_but_because_prices_have(
    play: Play, slow: Slow
) -> None:
    slow.may_answer.set()
    slow.price = Failed("timeout", "price script x gave no answer")
    key = await play.order()
    play.orders.look_at_declined()
    assert len(play.orders.queue) == 0
    await play.orders.handle(key)
    assert len(slow.asked) == 1
    play.orders.look_at_declined(prices_changed=True)
    assert await play.orders.queue.get() == key
    await play.orders.handle(key)
    assert len(slow.asked) == 2
