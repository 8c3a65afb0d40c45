"""Recorded orders replayed: one node with eight H100 and sixteen cores, prices per block by card."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest

from bidengine.node import Inventory
from bidengine.notation import parse_group
from bidengine.packing import Packing, Strategy
from bidengine.placement import Placement
from bidengine.quote import Quote
from bidengine.reasons import Decline, Reason
from bidengine.recorded import Recorded
from bidengine.simulate import Assumptions, Result, simulate
from bidengine.views import Order
from manifests.coins import E18, DecCoin
from manifests.ids import OrderID

DAY = Assumptions(lease_blocks=100)


def recorded(
    dseq: int, height: int, text: str = "1xh100,1cpu,1Gi", *, winner: int | None = None, outcome: str = "",
    blocks: int | None = None, ceiling: int = 100,
) -> Recorded:  # fmt: skip
    spec = parse_group(text)
    first, *rest = spec.resources
    spec = replace(spec, resources=(replace(first, price=DecCoin("uact", ceiling * E18)), *rest))
    order = Order(OrderID("akash1tenant", dseq, 1, 1), "open", spec, height)
    price = DecCoin("uact", winner * E18) if winner is not None else None
    return Recorded(order, 0, outcome, None, "akash1rival" if winner is not None else "", price, blocks)


def asking(price: int) -> Any:
    def ask(order: Order, placement: Placement) -> Quote | Decline:
        if price * E18 > order.spec.ceiling_e18:
            return Decline(Reason.PRICE_TOO_HIGH, "", False)
        return Quote(DecCoin("uact", price * E18))

    return ask


@pytest.fixture
def inventory(make: Any) -> Inventory:
    return Inventory((make.node("n1", cpu=16_000, memory_gib=64, gpus={make.h100: 8}),))


def run(inventory: Inventory, *records: Recorded, price: int = 10, given: Assumptions = DAY) -> Result:
    return simulate(records, inventory, asking(price), assumptions=given)


@pytest.mark.parametrize(
    ("record", "price", "percent", "code"),
    [
        (recorded(1, 5, winner=11), 10, None, "won"),
        (recorded(1, 5, winner=10), 10, None, "won"),
        (recorded(1, 5, winner=9), 10, None, "lost.price"),
        (recorded(1, 5, winner=11, outcome="lost.not_price"), 10, None, "lost.not_price"),
        (recorded(1, 5), 10, None, "lost.unknown"),
        (recorded(1, 5, ceiling=20), 10, 50, "won"),
        (recorded(1, 5, ceiling=19), 10, 50, "lost.unknown"),
        (recorded(1, 5, winner=9), 10, 100, "lost.price"),
        (recorded(1, 5, ceiling=9), 10, None, "skip.price.above_max"),
        (recorded(1, 5, "9xh100,1cpu", winner=11), 10, None, "skip.capacity.gpu_model"),
    ],
    ids=["below", "equal", "above", "not the price", "nobody known", "within the ceiling's share", "above it",
         "a known winner goes before the share", "above the ceiling", "no room"],
)  # fmt: skip
def test_who_wins(inventory: Inventory, record: Recorded, price: int, percent: int | None, code: str) -> None:
    found = run(inventory, record, price=price, given=Assumptions(100, percent))
    assert found.outcomes == {code: 1}
    assert found.bids == (0 if code.startswith("skip") else 1)
    assert found.wins == (code == "won")
    assert sum(found.declines.values()) == 1 - found.bids


def test_a_lease_takes_room_until_it_ends(inventory: Inventory) -> None:
    eight = "8xh100,1cpu,1Gi"
    found = run(
        inventory,
        recorded(1, 0, eight, winner=11, blocks=10),
        recorded(2, 9, eight, winner=11),
        recorded(3, 10, eight, winner=11),
    )
    assert found.outcomes == {"won": 2, "skip.capacity.gpu_model": 1}


def test_money_and_use_add_up_over_the_blocks(inventory: Inventory) -> None:
    """10 a block over 10 blocks, then 20 over 10, then 10 over 20: the first lease ends at 20."""
    found = run(
        inventory,
        recorded(1, 0, "2xh100,4cpu,16Gi", winner=11, blocks=20),
        recorded(2, 10, "2xh100,4cpu,16Gi", winner=11),
        recorded(3, 40, "1cpu,1Gi", winner=5),
    )
    assert (found.orders, found.wins, found.blocks) == (3, 2, 40)
    assert found.earned_e18 == {"uact": (10 * 10 + 20 * 10 + 10 * 20) * E18}
    assert found.rate_e18 == {"uact": 500 * E18 // 40}
    average = Fraction(100 * (2 * 10 + 4 * 10 + 2 * 20), 8 * 40)
    assert found.utilisation["gpu"] == found.utilisation["nvidia/h100/80Gi/sxm"] == average
    assert found.utilisation["cpu"] == Fraction(100 * (4 * 10 + 8 * 10 + 4 * 20), 16 * 40)
    assert found.peak["gpu"] == 50


def test_all_orders_in_one_block_give_the_rate_at_the_end(inventory: Inventory) -> None:
    found = run(inventory, recorded(1, 5, winner=11), recorded(2, 5, winner=11))
    assert found.blocks == 0
    assert found.rate_e18 == {"uact": 20 * E18}
    assert found.utilisation["gpu"] == 25


def test_dearer_wins_less_and_may_still_earn_more(inventory: Inventory) -> None:
    records = [recorded(n, n, winner=winner) for n, winner in enumerate((10, 30, 30, 30))]
    cheap, dear = (run(inventory, *records, price=p) for p in (10, 30))
    assert (cheap.wins, dear.wins) == (4, 3)
    assert dear.earned_e18["uact"] > cheap.earned_e18["uact"]


def test_rules_may_have_their_say(inventory: Inventory) -> None:
    no = Decline(Reason.ATTRIBUTES_MISMATCH, "", True)
    found = simulate(
        [recorded(1, 5, winner=11)], inventory, asking(10), assumptions=DAY, screen=lambda order: no
    )  # fmt: skip
    assert found.outcomes == {"skip.attributes": 1}


def test_nodes_are_filled_as_the_operator_wants_his_own_filled(inventory: Inventory) -> None:
    """Where free GPUs keep the node's cores, an order without GPUs gets no bid."""
    without_gpus, protect = recorded(1, 5, "1cpu,1Gi", winner=11), Packing(Strategy.PROTECT_GPU)
    assert run(inventory, without_gpus).outcomes == {"won": 1}
    found = simulate([without_gpus], inventory, asking(10), assumptions=DAY, packing=protect)
    assert found.outcomes == {"skip.capacity.cpu_on_gpu_node": 1}


def test_the_order_of_the_records_makes_no_difference_and_the_inventory_stays(inventory: Inventory) -> None:
    records = [recorded(n, n % 7, winner=9 + n % 3, blocks=n) for n in range(40)]
    assert run(inventory, *records) == run(inventory, *reversed(records))
    assert inventory.nodes[0].gpus == dict.fromkeys(inventory.nodes[0].gpus, 8)


def test_nothing_recorded_nothing_found(inventory: Inventory) -> None:
    found = run(inventory)
    assert (found.orders, found.bids, found.earned_e18) == (0, 0, {})


def test_assumptions_are_told_in_full() -> None:
    assert "is not won" in " ".join(DAY.told())
    assert "60 % of the tenant's ceiling" in " ".join(Assumptions(7, 60).told())
    assert "lives 7 blocks" in " ".join(Assumptions(7).told())
