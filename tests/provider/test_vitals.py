"""What /readyz and Prometheus are told, read from live state."""

from __future__ import annotations

from types import SimpleNamespace as Some
from typing import Any

import pytest

from bidengine.commit import Commit
from bidengine.node import Inventory, Node
from bidengine.room import Room
from bidengine.views import Bid, Lease, MarketParams, Order, Provider
from manifests.coins import E18, Coin, DecCoin
from manifests.gpus import GpuModel
from manifests.ids import OrderID
from manifests.resources import Cpu, Gpu, GroupSpec, Memory, Requirements, Resources, ResourceUnit, Storage
from provider import vitals
from provider.cluster.inventory.survey import GpuReport, NodeReport
from provider.cluster.routes.waiting import Waiting, Why
from provider.market.book import Book
from provider.metrics import HELP, Metrics
from provider.vitals import OLD_BLOCK_S, Start, gauges, problems

US = "akash1us"
PRICE = DecCoin("uact", E18)
SPEC = GroupSpec(
    "here",
    Requirements(),
    (ResourceUnit(Resources(1, Cpu(100), Memory(64 << 20), (Storage("default", 128 << 20),), Gpu(), ()), 1, PRICE),),
)


WAITS = Waiting("host", "a.example", Why.ELSEWHERE, "")
REACHED = {
    "reach": Some(all_waiting=lambda: [WAITS], claimed=lambda kind: 2),
    "leased_addresses": lambda: {"total": 4, "used": 1, "free": 3},
}


NOW_S = 1_800_000_000


@pytest.fixture(autouse=True)
def _still(monkeypatch: pytest.MonkeyPatch) -> None:
    """Time stands still: an age in a sentence is to the second."""
    monkeypatch.setattr(vitals, "time", Some(time=lambda: float(NOW_S)))


def book(age_s: float = 1) -> Book:
    params = MarketParams((Coin("uakt", 1),), 20, 0, 0)
    return Book(Provider(US, "https://us.test", ()), params, 42, int((NOW_S - age_s) * 10**9))


@pytest.mark.parametrize(
    ("age_s", "fresh", "said"),
    [
        (1, True, []),
        (OLD_BLOCK_S + 60, True, ["the last block taken in is 180 s old"]),
        (1, False, ["the cluster's mirrors are not up to date"]),
        (-30, True, []),
    ],
    ids=["all is well", "no blocks", "no cluster", "the chain's clock is ahead"],
)
def test_what_keeps_the_daemon_from_its_work(age_s: float, fresh: bool, said: list[str]) -> None:
    assert list(problems(book(age_s), Some(fresh=fresh))) == said


def test_a_daemon_that_is_not_up_yet_tells_what_it_waits_for() -> None:
    start, metrics = Start(), Metrics()
    metrics.watch(start.gauges)

    def told() -> tuple[list[str], list[float | None]]:
        read = metrics.registry.get_sample_value
        return list(start.problems()), [read("akp_starting"), read("akp_start_blocks_behind")]

    assert told() == (["starting: no node of the chain has answered yet"], [1, 0])
    start.waits("the nodes are 7 blocks behind", 7)
    assert told() == (["starting: the nodes are 7 blocks behind"], [1, 7])
    start.waits()
    assert told() == (["starting"], [1, 0])
    start.up(lambda: ["the last block taken in is 180 s old"])
    assert told() == (["the last block taken in is 180 s old"], [0, 0])


def test_two_troubles_are_two_sentences() -> None:
    assert len(list(problems(book(10**4), Some(fresh=False)))) == 2


def market() -> tuple[Book, Room, dict[str, Any]]:
    """One order bid on, one leased, one open, one matched to somebody else."""
    found = book()
    card = GpuModel("nvidia", "a100", "80Gi", "sxm")
    room = Room(Commit())
    room.see(Inventory((Node("n1", 1000, 4 << 30, 64 << 30, gpus={card: 2}),), node_ports=10))
    for n, state in ((1, "open"), (2, "active"), (3, "open"), (4, "active")):
        key = OrderID("akash1tenant", n, 1, 1)
        found.orders[key] = Order(key, state, SPEC, 1)
    bid, leased = (OrderID("akash1tenant", n, 1, 1) for n in (1, 2))
    found.bids[bid] = Bid(bid.bid_of(US), "open", PRICE, 2)
    found.bids[leased] = Bid(leased.bid_of(US), "active", PRICE, 2)
    found.leases[leased.bid_of(US)] = Lease(leased.bid_of(US), "active", PRICE, 3)
    room.adopt(leased.bid_of(US), SPEC, height=3)
    placement = room.fit(SPEC)
    room.hold(bid, SPEC, placement, height=2)
    room.bid(bid, height=2)
    queues = {name: Some(queue=range(n), gauges=lambda: ()) for n, name in enumerate(("orders", "leases", "funds"), 1)}
    return found, room, queues


def test_gauges_tell_the_state_of_the_market() -> None:
    found, room, queues = market()
    samples = {
        (name, *labels.values()): value
        for name, labels, value in gauges(
            found,
            room,
            queues["orders"],
            queues["leases"],
            queues["funds"],
            Some(pending=5),
            Some(fresh=True, nodes=list, **REACHED),
        )
        if name not in ("akp_gpu", "akp_resource")  # test_capacity.py
    }
    assert samples == {
        ("akp_block_age_seconds",): 1,
        ("akp_height",): 42,
        ("akp_orders_open",): 2,
        ("akp_bids_open",): 1,
        ("akp_leases",): 1,
        ("akp_reservations", "held"): 0,
        ("akp_reservations", "bid"): 1,
        ("akp_reservations", "leased"): 1,
        ("akp_queue", "orders"): 1,
        ("akp_queue", "leases"): 2,
        ("akp_queue", "funds"): 3,
        ("akp_transactions_pending",): 5,
        ("akp_mirror_fresh",): 1,
        **{(f"akp_{name}", why.value): 0 for name in ("hostnames", "leased_ports") for why in Why},
        ("akp_hostnames", "claimed"): 2,
        ("akp_hostnames", "elsewhere"): 1,
        ("akp_leased_ports", "claimed"): 2,
        ("akp_leased_addresses", "total"): 4,
        ("akp_leased_addresses", "used"): 1,
        ("akp_leased_addresses", "free"): 3,
        ("akp_free", "cpu_milli"): 800,
        ("akp_free", "memory_bytes"): (4 << 30) - 2 * (64 << 20),
        ("akp_free", "gpu"): 2,
    }


def test_every_gauge_is_explained_and_read_when_prometheus_asks() -> None:
    found, room, q = market()
    metrics = Metrics()
    card = GpuReport("nvidia.com/gpu", None, 0, 8, "sick")
    cluster = Some(fresh=True, nodes=lambda: [NodeReport("n1", "", (card,))], **REACHED)
    metrics.watch(lambda: gauges(found, room, q["orders"], q["leases"], q["funds"], Some(pending=5), cluster))
    assert "akp_height 42.0" in metrics.text().decode()
    found.height = 43
    text = metrics.text().decode()
    assert "akp_height 43.0" in text
    elsewhere = (
        "akp_policy_",
        "akp_node_",
        "akp_leases_unwell",
        "akp_leases_over_",
        "akp_lease_conditions",
        "akp_cleaned",
        "akp_stuck",
        "akp_owners_",
        "akp_maint",
        "akp_wallet_",
        "akp_price_",
        "akp_oracle_",
        "akp_auto_",
        "akp_hot_key_",
        "akp_income_",
        "akp_leases_dry_",
        "akp_accounts_",
        "akp_deposits_",
        "akp_sweep_",
        "akp_outbox",
        "akp_fee_",
        "akp_start",
    )
    assert all(f"# HELP {name} " in text for name in HELP if not name.startswith(elsewhere))
