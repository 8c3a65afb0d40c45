"""A chain in memory that can be slow, away, pruned, reset and odd; the follower must hand out each height once, in
order."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from dataclasses import replace
from typing import Any

import pytest

from provider.chain.comet import NoLonger, NotYet, RawBlock, Status
from provider.chain.events import Block, ProviderChanged
from provider.chain.follow import GapTooWide, follow, read
from provider.errors import Fatal, Retry, Unreachable
from provider.tasks import spawn

pytestmark = pytest.mark.looptime
SECOND = 10**9


def changed(owner: str) -> dict[str, Any]:
    return {
        "type": "akash.provider.v1beta4.EventProviderUpdated",
        "attributes": [{"key": "owner", "value": f'"{owner}"'}],
    }


class FakeChain:
    """Blocks 1…tip, `block_s` apart; `troubles[height]` are raised one by one before the block is told."""

    def __init__(self, tip: int, block_s: float = 6.0) -> None:
        self.tip, self.block_s, self.earliest, self.catching_up, self.chain_id = tip, block_s, 1, False, "sandbox"
        self.troubles: dict[int, list[Exception]] = {}
        self.status_troubles: list[Exception] = []
        self.odd: dict[int, dict[str, Any]] = {}
        self.history = "a"
        self.together = self.most_together = self.status_calls = 0
        self.fetched: list[int] = []
        self.ante: list[dict[str, Any]] = []

    def time(self, height: int) -> int:
        return 1_000_000 * SECOND + int(height * self.block_s * SECOND)

    async def status(self) -> Status:
        self.status_calls += 1
        if self.status_troubles:
            raise self.status_troubles.pop(0)
        return Status(self.chain_id, self.tip, self.time(self.tip), self.earliest, self.catching_up)

    async def block(self, height: int) -> RawBlock:
        self.together += 1
        self.most_together = max(self.most_together, self.together)
        try:
            await asyncio.sleep(0.01 * (height % 3))  # answers come back out of order
            if self.troubles.get(height):
                raise self.troubles[height].pop(0)
            if height > self.tip:
                raise NotYet(f"height {height}")
            if height < self.earliest:
                raise NoLonger(f"height {height}", self.earliest)
            self.fetched.append(height)
            events = (self.odd[height],) if height in self.odd else (changed(f"akash1b{height}"),)
            results = (
                {"code": 0, "events": [changed("tx")]},
                {"code": 5, "codespace": "sdk", "log": "no", "events": [changed("ante"), *self.ante]},
            )
            return RawBlock(
                height,
                self.time(height),
                self.chain_id,
                f"{self.history}{height}",
                f"{self.history}{height - 1}",
                ("AA", "BB"),
                results,
                events,
            )
        finally:
            self.together -= 1


class Silence:
    """An alarm clock that never rings."""

    def __init__(self) -> None:
        self.waits: list[float] = []

    async def wait(self, timeout: float) -> bool:
        self.waits.append(timeout)
        await asyncio.sleep(timeout)
        return False


async def take(chain: FakeChain, after: int, count: int, **how: Any) -> list[Block]:
    out: list[Block] = []
    async with aclosing(follow(chain, how.pop("clock", Silence()), "sandbox", after, **how)) as blocks:
        async for block in blocks:
            out.append(block)
            if len(out) == count:
                break
    return out


async def drain(chain: FakeChain, after: int, seen: list[int]) -> None:
    async for block in follow(chain, Silence(), "sandbox", after):
        seen.append(block.height)


def heights(blocks: list[Block]) -> list[int]:
    return [b.height for b in blocks]


async def test_every_height_once_in_order_a_few_at_a_time() -> None:
    chain = FakeChain(tip=50)
    assert heights(await take(chain, 10, 40)) == list(range(11, 51))
    assert chain.most_together == 8
    assert sorted(chain.fetched) == list(range(11, 51))


async def test_a_block_carries_results_and_events_and_drops_those_of_failed_transactions() -> None:
    (block,) = await take(FakeChain(tip=5), 4, 1)
    assert (block.height, block.time_unix_ns) == (5, 1_000_030 * SECOND)
    assert [(t.hash, t.code, t.codespace, t.log) for t in block.txs] == [("AA", 0, "", ""), ("BB", 5, "sdk", "no")]
    assert block.events == (ProviderChanged("tx"), ProviderChanged("akash1b5"))


async def test_new_blocks_are_seen_by_polling() -> None:
    chain = FakeChain(tip=10)

    async def mine() -> None:
        for _ in range(5):
            await asyncio.sleep(6)
            chain.tip += 1

    async with asyncio.TaskGroup() as group:
        spawn(group, "mine", mine())
        assert heights(await take(chain, 9, 6)) == [10, 11, 12, 13, 14, 15]
    assert chain.status_calls < 30


async def test_a_fast_chain_is_polled_faster_than_a_slow_one() -> None:
    fast, slow = Silence(), Silence()
    for clock, block_s in ((fast, 0.2), (slow, 60.0)):
        chain = FakeChain(tip=3, block_s=block_s)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(2):
                await take(chain, 0, 4, clock=clock)
    assert fast.waits[0] == pytest.approx(0.05)
    assert slow.waits[0] == 1.5


async def test_results_not_yet_stored_are_waited_for() -> None:
    chain = FakeChain(tip=3)
    chain.troubles[3] = [NotYet("could not find results for height #3")] * 3
    assert heights(await take(chain, 0, 3)) == [1, 2, 3]


async def test_a_node_that_goes_away_is_waited_for() -> None:
    chain = FakeChain(tip=12)
    chain.status_troubles = [Unreachable("down")] * 4
    chain.troubles[5] = [Unreachable("down"), Retry("odd")]
    assert heights(await take(chain, 0, 12)) == list(range(1, 13))


async def test_pruned_heights_are_a_gap_with_a_name() -> None:
    chain = FakeChain(tip=100)
    chain.earliest = 40
    with pytest.raises(GapTooWide) as gap:
        await take(chain, 10, 1)
    assert (gap.value.after, gap.value.first_available) == (10, 40)
    assert heights(await take(chain, 39, 2)) == [40, 41]


async def test_heights_pruned_while_reading_are_a_gap_and_those_before_are_still_handed_out() -> None:
    chain = FakeChain(tip=20)
    chain.troubles[15] = [NoLonger("gone", 17)]
    seen: list[int] = []
    with pytest.raises(GapTooWide) as gap:
        await drain(chain, 10, seen)
    assert seen == [11, 12, 13, 14]
    assert (gap.value.after, gap.value.first_available) == (14, 17)


async def test_more_blocks_than_wanted_are_a_gap() -> None:
    with pytest.raises(GapTooWide, match="more than 100") as gap:
        await take(FakeChain(tip=500), 10, 1, most=100)
    assert gap.value.first_available == 500


async def test_a_block_nobody_can_read_is_tried_again_and_then_named_not_skipped() -> None:
    chain = FakeChain(tip=5)
    chain.odd[3] = {"type": "akash.market.v1.EventOrderCreated", "attributes": []}
    seen: list[int] = []
    with pytest.raises(GapTooWide, match=r"block 3 .*EventOrderCreated") as gap:
        await drain(chain, 0, seen)
    assert seen == [1, 2]
    assert gap.value.first_available == 4
    assert chain.fetched.count(3) == 5


async def test_a_node_that_lags_is_waited_for_but_a_reset_chain_is_fatal() -> None:
    chain = FakeChain(tip=10)
    blocks = follow(chain, Silence(), "sandbox", 8)
    assert heights([await anext(blocks), await anext(blocks)]) == [9, 10]
    chain.tip = 6  # another node, a little behind: its clock is behind as well

    async def catch_up() -> None:
        await asyncio.sleep(20)
        chain.tip = 11

    async with asyncio.TaskGroup() as group:
        spawn(group, "catch up", catch_up())
        assert (await anext(blocks)).height == 11
    chain.tip = 2  # a new chain, younger than what we have seen
    chain.time = lambda height: 2_000_000 * SECOND + height  # type: ignore[method-assign]
    with pytest.raises(Fatal, match=r"reset.*tip is 2.*block 11"):
        await anext(blocks)


async def test_starting_far_ahead_of_the_tip_is_fatal_unless_the_node_is_catching_up() -> None:
    chain = FakeChain(tip=5)
    with pytest.raises(Fatal, match=r"tip is 5.*block 1000"):
        await take(chain, 1000, 1)
    chain.catching_up = True

    async def catch_up() -> None:
        await asyncio.sleep(30)
        chain.tip, chain.catching_up = 1001, False

    async with asyncio.TaskGroup() as group:
        spawn(group, "catch up", catch_up())
        assert heights(await take(chain, 1000, 1)) == [1001]


async def test_starting_far_ahead_of_a_tip_that_is_older_waits_and_of_one_that_is_younger_is_fatal() -> None:
    chain = FakeChain(tip=5)
    with pytest.raises(Fatal, match=r"tip is 5.*block 1000"):
        await take(chain, 1000, 1, after_unix_ns=chain.time(5) - 1)

    async def catch_up() -> None:
        await asyncio.sleep(30)
        chain.tip = 1001

    async with asyncio.TaskGroup() as group:
        spawn(group, "catch up", catch_up())
        assert heights(await take(chain, 1000, 1, after_unix_ns=chain.time(1000))) == [1001]


async def test_a_reset_chain_that_has_overtaken_us_does_not_link() -> None:
    chain = FakeChain(tip=10)
    blocks = follow(chain, Silence(), "sandbox", 9)
    await anext(blocks)
    chain.history, chain.tip = "b", 12
    with pytest.raises(Fatal, match="block 11 does not follow block 10"):
        await anext(blocks)


async def test_another_chain_id_is_fatal() -> None:
    chain = FakeChain(tip=10)
    chain.chain_id = "other-7"
    with pytest.raises(Fatal, match="'other-7' instead of 'sandbox'"):
        await take(chain, 0, 1)


async def test_a_node_without_hashes_is_followed_by_time() -> None:
    chain = FakeChain(tip=3)
    told = chain.block

    async def block(height: int) -> RawBlock:
        return replace(await told(height), hash="", previous_hash="")

    chain.block = block  # type: ignore[method-assign]
    assert heights(await take(chain, 0, 3)) == [1, 2, 3]


async def test_a_failed_transaction_has_cost_its_fee_and_done_nothing_else() -> None:
    chain = FakeChain(2)
    attributes = [{"key": "spender", "value": "akash1p"}, {"key": "amount", "value": "5uakt"}]
    chain.ante = [{"type": "coin_spent", "attributes": attributes}]
    (block,) = await take(chain, 1, 1)
    assert block.txs[1].events == ()
    assert [(m.account, str(m.coin), m.purpose) for m in block.txs[1].money] == [("akash1p", "-5uakt", "fee")]


async def test_a_node_that_tells_every_event_twice_doubles_no_money() -> None:
    def spent(amount: int) -> dict[str, Any]:
        told = {"spender": "akash1us", "amount": f"{amount}uakt"}
        return {"type": "coin_spent", "attributes": [{"key": k, "value": v} for k, v in told.items()]}

    once = [changed("akash1a"), spent(5), spent(5), changed("akash1b")]
    blocks = [
        read(RawBlock(7, 70, "sandbox", "a7", "a6", ("AA",), ({"code": 0, "events": events},), tuple(events)))
        for events in (once, [event for event in once for _ in (0, 1)])
    ]
    assert blocks[0] == blocks[1]
    assert [move.coin.amount for move in blocks[0].txs[0].money] == [-5, -5]


async def test_a_bank_event_that_cannot_be_read_is_a_block_that_cannot() -> None:
    chain = FakeChain(2)
    chain.ante = [{"type": "coin_spent", "attributes": [{"key": "spender", "value": "a"}]}]
    with pytest.raises(GapTooWide, match="bank event"):
        await take(chain, 1, 1)
