"""Each part is a recorder: what the heart tells whom, and in which order."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest

from manifests.coins import Coin, DecCoin
from manifests.ids import LeaseID
from provider.chain.events import Block, LeaseCreated
from provider.chain.follow import GapTooWide
from provider.chain.messages import CloseBid, CreateBid
from provider.errors import Fatal, Pruned, TxRefused
from provider.follower import Follower
from provider.ledger.books import Head, Paid
from provider.market.book import Touched
from provider.metrics import Metrics

LEASE = LeaseID.parse("akash1t/7/1/1/akash1us")
BLOCK = Block(9, 90, (), ())


class Story:
    """Follower over recorders; `told` is what happened, in order."""

    def __init__(self, touched: Touched, entries: list[Any] | None = None, failed: list[Any] | None = None) -> None:
        self.told: list[Any] = []
        self.under_way: list[Any] = []
        self.unsettled: list[Any] = []
        self.prices_changed = False
        self.metrics = Metrics()

        def tells(name: str, answer: Any = None) -> Any:
            def call(*args: Any, **named: Any) -> Any:
                self.told.append((name, *args, *named.items()))
                return answer

            return call

        def later(name: str, answer: Any = None) -> Any:
            async def call(*args: Any) -> Any:
                self.told.append((name, *args))
                return answer

            return call

        def part(name: str, **more: Any) -> Any:
            known = {verb: tells(f"{name}.{verb}") for verb in ("look", "look_at_all", "look_at_declined", "tick")}
            return SimpleNamespace(**known, **more)

        self.follower = Follower(
            chain=cast(Any, SimpleNamespace(at=lambda height: f"chain at {height}", follow=self.blocks)),
            book=cast(
                Any,
                SimpleNamespace(
                    height=8,
                    time_unix_ns=80,
                    us=SimpleNamespace(owner="akash1us"),
                    bids={},
                    leases={},
                    bids_on={},
                    apply=tells("book.apply", touched),
                    fill=later("book.fill"),
                ),
            ),
            room=cast(Any, SimpleNamespace(see=tells("room.see"))),
            books=cast(
                Any,
                SimpleNamespace(
                    advance=later("books.advance"),
                    journal=SimpleNamespace(uncollected=later("journal.uncollected", [LEASE])),
                    decisions=SimpleNamespace(
                        unsettled=later("decisions.unsettled", self.unsettled), note=later("decisions.note")
                    ),
                ),
            ),
            cluster=cast(Any, SimpleNamespace(inventory_version=1, inventory=lambda: "inventory", leases=dict)),
            signer=cast(Any, SimpleNamespace(look=lambda block: failed or [], under_way=self.under_way)),
            orders=part("orders", failed=tells("orders.failed"), close_failed=tells("orders.close_failed")),
            leases=part("leases", closing=part("closing", failed=tells("closing.failed"))),
            funds=part(
                "funds",
                booked=tells("funds.booked"),
                opened=tells("funds.opened"),
                failed=tells("funds.failed"),
                guard=tells("funds.guard"),
            ),
            accounts=cast(Any, SimpleNamespace(entries=later("accounts.entries", entries or []), usd={"uakt": 5})),
            pricing=cast(Any, SimpleNamespace(look=lambda: self.prices_changed)),
            metrics=self.metrics,
        )
        self.blocks_: list[Block] = []
        self.gap: Exception | None = None

    async def blocks(self, after: int, after_unix_ns: int, most: int) -> AsyncIterator[Block]:
        assert (after, after_unix_ns) == (8, 80)
        for block in self.blocks_:
            yield block
        if self.gap is not None:
            raise self.gap

    def names(self) -> list[str]:
        return [entry[0] for entry in self.told]


async def test_money_and_cursor_are_on_disk_before_anybody_is_told() -> None:
    paid = Paid(LEASE, 9, Coin("uact", 5), "closed")
    story = Story(Touched(leases={LEASE}, closed={LEASE: 4}), [paid])
    await story.follower.take(BLOCK)
    at = story.names().index
    assert at("book.fill") < at("accounts.entries") < at("books.advance") < at("room.see")
    assert at("books.advance") < at("orders.look") < at("leases.look") < at("orders.tick")
    assert ("book.fill", "chain at 9", Touched(leases={LEASE}, closed={LEASE: 4})) in story.told
    assert ("books.advance", Head(9, 90), [paid], {"uakt": 5}) in story.told
    assert ("funds.booked", {LEASE}, {LEASE: 4}, 9) in story.told
    assert 'akp_leases_closed_total{reason="4"} 1.0' in story.metrics.text().decode()


async def test_what_came_to_nothing_goes_to_who_has_to_know() -> None:
    bid = CreateBid(LEASE, DecCoin("uact", 1), Coin("uakt", 1), (), None)
    no = TxRefused("market", 15, "order closed")
    failed = [SimpleNamespace(msg=bid, error=no), SimpleNamespace(msg=CloseBid(LEASE, 0), error=no)]
    story = Story(Touched(), failed=failed)
    await story.follower.take(BLOCK)
    assert ("orders.failed", bid, no) in story.told
    assert ("orders.close_failed", LEASE.order) in story.told
    assert ("funds.failed", CloseBid(LEASE, 0)) in story.told
    assert ("closing.failed", CloseBid(LEASE, 0)) in story.told
    assert "leases.look_at_all" in story.names()


async def test_room_is_read_anew_only_when_the_cluster_has_changed() -> None:
    story = Story(Touched())
    await story.follower.take(BLOCK)
    await story.follower.take(BLOCK)
    assert story.names().count("room.see") == 1


@pytest.mark.parametrize(("changed", "ours"), [(True, False), (False, True), (False, False)])
async def test_declined_orders_are_looked_at_when_prices_or_our_record_change(changed: bool, ours: bool) -> None:
    story = Story(Touched(provider=ours))
    story.prices_changed = changed
    await story.follower.take(BLOCK)
    looked = ("orders.look_at_declined", ("prices_changed", changed)) in story.told
    assert looked == (changed or ours)


async def test_new_leases_wake_the_funds_of_their_deployment() -> None:
    story = Story(Touched(opened={LEASE}, orders={LEASE.order}))
    await story.follower.take(BLOCK)
    assert ("funds.guard", {LEASE.order}) in story.told
    assert ("funds.opened", {LEASE}) in story.told


async def test_what_became_of_a_bid_is_on_disk_with_the_cursor_and_counted() -> None:
    story = Story(Touched())
    won = LeaseCreated(LEASE, DecCoin("uact", 10**18))
    await story.follower.take(replace(BLOCK, block_events=(won,)))
    (entries,) = (told[2] for told in story.told if told[0] == "books.advance")
    assert [(entry.order, entry.outcome) for entry in entries] == [(LEASE.order, "won")]
    assert 'akp_outcomes_total{outcome="won"} 1.0' in story.metrics.text().decode()


async def test_what_ended_while_away_is_looked_up_before_the_first_block() -> None:
    story = Story(Touched())
    story.blocks_ = [BLOCK]
    await story.follower.run()
    assert story.names().index("decisions.unsettled") < story.names().index("book.apply")


async def test_what_was_not_collected_is_told_to_the_funds_before_the_first_block() -> None:
    """A payment that the chain left open in an earlier process's time (chain.md §5.6)."""
    story = Story(Touched())
    story.blocks_ = [BLOCK]
    await story.follower.run()
    assert story.told.index(("funds.booked", (), [LEASE], 8)) < story.names().index("book.apply")


async def test_a_bid_still_in_the_air_has_not_ended_while_away() -> None:
    story = Story(Touched())
    story.unsettled.append(SimpleNamespace(order=LEASE.order, started_at=None, outcome="bid"))
    story.under_way.append(CreateBid(LEASE, DecCoin("uact", 1), Coin("uakt", 1)))
    await story.follower.run()
    assert ("decisions.note",) in story.told, "nothing is noted, and the chain was not asked"


@pytest.mark.parametrize("gap", [GapTooWide(9, 4000, "pruned"), Pruned("failed to load state at height 9")])
async def test_a_gap_no_node_serves_any_more_ends_the_process(gap: Exception) -> None:
    story = Story(Touched())
    story.blocks_, story.gap = [BLOCK], gap
    with pytest.raises(Fatal, match="starting anew loads the present state"):
        await story.follower.run()
    assert "books.advance" in story.names(), "blocks before the gap are taken"
