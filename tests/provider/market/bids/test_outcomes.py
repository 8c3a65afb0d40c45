"""What a block says of our bids. One provider with bids on orders 1 to 4 at 12 uact; rivals ask what they like."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bidengine.views import CloseReason, Lease
from manifests.coins import E18, DecCoin
from manifests.ids import DeploymentID, LeaseID, OrderID
from provider.chain.events import (
    BidClosed,
    BidCreated,
    Block,
    DeploymentClosed,
    Event,
    LeaseClosed,
    LeaseCreated,
    OrderClosed,
)
from provider.cluster.health.workloads import ServiceHealth
from provider.ledger.decisions import Decided, Decisions
from provider.ledger.store import Store
from provider.market.bids.outcomes import Outcomes
from provider.market.book import Book

US, TENANT, RIVAL = "akash1us", "akash1tenant", "akash1rival"
OURS, CHEAPER, DEARER = DecCoin("uact", 12 * E18), DecCoin("uact", 9 * E18), DecCoin("uact", 15 * E18)


class FakeCluster:
    """Leases with a manifest, and how many replicas of their one service run."""

    def __init__(self) -> None:
        self.running: dict[LeaseID, int] = {}

    def leases(self) -> dict[LeaseID, object]:
        return dict.fromkeys(self.running, object())

    def health(self, lease: LeaseID) -> dict[str, ServiceHealth]:
        return {"web": ServiceHealth(self.running[lease], 1)}


@pytest.fixture
def cluster() -> FakeCluster:
    return FakeCluster()


@pytest.fixture
async def outcomes(chain: Any, cluster: FakeCluster) -> Outcomes:
    for dseq in (1, 2, 3, 4):
        chain.add_bid(chain.add_order(dseq), price=12)
    return Outcomes(await Book.load(chain, US, 7, 70), cluster)


def order(dseq: int) -> OrderID:
    return OrderID(TENANT, dseq, 1, 1)


def ours(dseq: int) -> LeaseID:
    return order(dseq).bid_of(US)


def theirs(dseq: int) -> LeaseID:
    return order(dseq).bid_of(RIVAL)


def block(*events: Event, height: int = 9) -> Block:
    return Block(height, height * 6 * 10**9, (), events)


@pytest.mark.parametrize(
    ("events", "code", "words"),
    [
        ([LeaseCreated(ours(1), OURS)], "won", "at 12uact per block"),
        ([LeaseCreated(theirs(1), CHEAPER)], "lost.price", "akash1rival got it at 9uact per block, ours was 33.3 %"),
        ([LeaseCreated(theirs(1), DEARER)], "lost.not_price", "ours was 20.0 % lower"),
        ([LeaseCreated(theirs(1), OURS)], "lost.not_price", "the same price as ours"),
        ([OrderClosed(order(1)), BidClosed(ours(1))], "lost.order_closed", "the order was closed before"),
        ([BidClosed(ours(1)), OrderClosed(order(1))], "lost.order_closed", "the order was closed before"),
        ([DeploymentClosed(DeploymentID(TENANT, 1))], "lost.order_closed", "the deployment was closed before"),
        ([BidClosed(ours(1))], "lost.withdrawn", "closed by our account"),
        ([LeaseCreated(theirs(1), CHEAPER), OrderClosed(order(1))], "lost.price", "akash1rival"),
        ([BidCreated(ours(5), OURS), LeaseCreated(theirs(5), CHEAPER)], "lost.price", "33.3 % higher"),
    ],
    ids=["won", "cheaper rival", "dearer rival", "equal rival", "order closed", "bid first", "no OrderClosed", "by us",
         "won and over at once", "bid and lost in one block"],
)  # fmt: skip
async def test_one_block(outcomes: Outcomes, events: list[Event], code: str, words: str) -> None:
    (one,) = outcomes.of(block(*events))
    assert (one.outcome, one.height, one.time_unix_s) == (code, 9, 54)
    assert words in one.detail


async def test_a_loss_knows_both_prices(outcomes: Outcomes) -> None:
    (one,) = outcomes.of(block(LeaseCreated(theirs(2), CHEAPER)))
    assert (one.order, one.price, one.winner, one.winner_price) == (order(2), OURS, RIVAL, CHEAPER)


async def test_what_is_not_ours_is_passed_over(outcomes: Outcomes) -> None:
    events = [
        LeaseCreated(theirs(9), CHEAPER), LeaseClosed(theirs(1), 1), BidClosed(theirs(1)), OrderClosed(order(9)),
        DeploymentClosed(DeploymentID(TENANT, 9)), BidCreated(theirs(9), CHEAPER),
    ]  # fmt: skip
    assert outcomes.of(block(*events)) == []


def live(outcomes: Outcomes, dseq: int) -> LeaseID:
    outcomes.of(block(LeaseCreated(ours(dseq), OURS), height=8))
    outcomes.book.leases[ours(dseq)] = Lease(ours(dseq), "active", OURS, 8)
    return ours(dseq)


async def test_a_lease_comes_to_life_once(outcomes: Outcomes, cluster: FakeCluster) -> None:
    lease = live(outcomes, 1)
    assert outcomes.of(block(height=9)) == [], "no manifest yet"
    cluster.running[lease] = 0
    assert outcomes.of(block(height=10)) == []
    cluster.running[lease] = 1
    (one,) = outcomes.of(block(height=11))
    assert (one.order, one.outcome, one.started_at) == (order(1), "won", 11)
    assert outcomes.of(block(height=12)) == []


@pytest.mark.parametrize(
    ("manifest", "ran", "reason", "code"),
    [
        (False, False, CloseReason.MANIFEST_TIMEOUT, "won.no_manifest"),
        (False, False, CloseReason.OWNER, "won.no_manifest"),
        (True, False, CloseReason.UNSTABLE, "won.failed_start"),
        (True, False, CloseReason.OWNER, "won.failed_start"),
        (True, True, CloseReason.UNSTABLE, "won"),
        (True, True, CloseReason.OWNER, "won"),
    ],
    ids=["no manifest in time", "tenant left before the manifest", "never started", "tenant gave up", "broke later",
         "ran and ended"],
)  # fmt: skip
async def test_how_a_lease_ended(
    outcomes: Outcomes, cluster: FakeCluster, manifest: bool, ran: bool, reason: CloseReason, code: str
) -> None:
    lease = live(outcomes, 1)
    if manifest:
        cluster.running[lease] = int(ran)
    outcomes.of(block(height=9))
    (one,) = outcomes.of(block(LeaseClosed(lease, reason), BidClosed(lease), OrderClosed(order(1)), height=20))
    assert (one.outcome, one.ended_at) == (code, 20)
    assert f"({reason.name.lower().replace('_', '-')})" in one.detail


async def test_a_reason_without_a_name_is_told_by_its_number(outcomes: Outcomes) -> None:
    (one,) = outcomes.of(block(LeaseClosed(live(outcomes, 1), 12_345)))
    assert "reason 12345" in one.detail


async def test_after_an_absence(outcomes: Outcomes, chain: Any, cluster: FakeCluster, tmp_path: Path) -> None:
    """Seven open ends: lost to a rival, order closed, bid closed, won and over, won and alive, still open, alive as
    known."""
    book = outcomes.book
    for dseq in (1, 2, 3, 5, 6):
        book.bids.pop(order(dseq), None)
    chain.leases_[theirs(1)] = Lease(theirs(1), "active", CHEAPER, 30)
    chain.orders_[order(2)] = replace(chain.orders_[order(2)], state="closed")
    over, alive, known = ours(5), live(outcomes, 6), live(outcomes, 7)
    chain.leases_[over] = Lease(over, "closed", OURS, 31, closed_on=40, reason=int(CloseReason.MANIFEST_TIMEOUT))
    async with Store.open(tmp_path / "ledger.db") as store:
        decisions = Decisions(store)
        await decisions.note(*(Decided(order(n), 8, "bid", price=OURS) for n in range(1, 7)))
        await decisions.note(Decided(order(7), 8, "won", price=OURS, started_at=8))
        found = await outcomes.catch_up(chain, decisions)
        assert {one.order.dseq: one.outcome for one in found} == {
            1: "lost.price", 2: "lost.order_closed", 3: "lost.withdrawn", 5: "won.no_manifest", 6: "won",
        }  # fmt: skip
        by_order = {one.order: one for one in found}
        assert by_order[order(1)].height == 30
        assert by_order[order(5)].ended_at == 40
        await decisions.note(*found)
        assert {row.order for row in await decisions.unsettled()} == {order(4), alive.order, known.order}
        assert chain.asked.count("leases of owner") == 1, "one question for each tenant"
    cluster.running[known] = 1
    assert outcomes.of(block()) == [], "it had come to life before"


async def test_a_bid_in_the_air_at_a_start_has_not_ended(outcomes: Outcomes, chain: Any, tmp_path: Path) -> None:
    """Order 5 is open and no block has shown our bid yet; that on order 6 is nowhere at all."""
    chain.add_order(5)
    chain.add_order(6)
    async with Store.open(tmp_path / "ledger.db") as store:
        decisions = Decisions(store)
        await decisions.note(*(Decided(order(n), 8, "bid", price=OURS) for n in (5, 6)))
        outcomes.book.bids.clear()
        (over,) = await outcomes.catch_up(chain, decisions, {order(5)})
        assert (over.order, over.outcome) == (order(6), "lost.withdrawn")
        await decisions.note(over)
        assert [row.order for row in await decisions.unsettled()] == [order(5)]


async def test_a_bid_that_was_not_noted_before_a_kill_is_noted_after_it(
    outcomes: Outcomes, chain: Any, tmp_path: Path
) -> None:
    """Found by schedule 5637. Of our bids the ledger knows that on order 1; those on 2 to 4 are on chain all the same,
    that on 5 is in the air, and that on 6 this process has sent and will note itself."""
    chain.add_order(5)
    async with Store.open(tmp_path / "ledger.db") as store:
        decisions = Decisions(store)
        await decisions.note(Decided(order(1), 8, "bid", price=OURS))
        await decisions.note(Decided(order(2), 5, "skip.capacity", "declined, and bid on later"))
        await decisions.note(*await outcomes.catch_up(chain, decisions, {order(5)}))
        assert {row.order.dseq for row in await decisions.unsettled()} == {1, 2, 3, 4}
        await decisions.note(*outcomes.of(block(BidCreated(ours(5), OURS), BidCreated(ours(6), OURS))))
        rows = {row.order.dseq: row for row in await decisions.unsettled()}
        assert rows.keys() == {1, 2, 3, 4, 5}
        assert {row.price_e18 for row in rows.values()} == {OURS.amount_e18}
        outcomes.book.bids[order(5)] = replace(outcomes.book.bids[order(4)], id=ours(5))
        assert await outcomes.catch_up(chain, decisions) == [], "once"


async def test_a_lease_that_runs_is_not_looked_at_again(
    outcomes: Outcomes, cluster: FakeCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A thousand that run and one that does not: of a quiet block only the one is work."""
    leases = [live(outcomes, dseq) for dseq in range(1, 1001)]
    cluster.running = {lease: int(lease.dseq > 1) for lease in leases}
    assert len(outcomes.of(block(height=9))) == 999
    looked: list[LeaseID] = []
    health = cluster.health
    monkeypatch.setattr(cluster, "health", lambda lease: (looked.append(lease), health(lease))[1])
    for height in range(10, 20):
        assert outcomes.of(block(height=height)) == []
    assert looked == [ours(1)] * 10


async def test_an_end_told_twice_is_the_same_end(outcomes: Outcomes, cluster: FakeCluster) -> None:
    lease = live(outcomes, 1)
    over = LeaseClosed(lease, CloseReason.MANIFEST_TIMEOUT)
    (one,) = outcomes.of(block(over, over, height=20))
    assert one.outcome == "won.no_manifest"
