from __future__ import annotations

from typing import Any

from bidengine.commit import Commit
from bidengine.hold import Hold, HoldState
from bidengine.node import Inventory
from bidengine.placement import Placement
from bidengine.room import Room


def test_a_promise_says_whose_it_is_since_when_and_why(make: Any) -> None:
    room = Room(Commit())
    room.see(Inventory((make.node("a"),)))
    spec, order, lease = make.group(make.unit()), make.order_id(1), make.lease_id(1)
    placement = room.fit(spec)
    assert isinstance(placement, Placement)

    def told() -> tuple[str, str, int, str]:
        hold = room.holds[order]
        return hold.owner, hold.state.value, hold.since, hold.why

    room.hold(order, spec, placement, height=10)
    assert told() == ("akash1tenant", "held", 10, "a bid is being made")
    room.bid(order, height=11)
    assert told() == ("akash1tenant", "bid", 11, "bid sent")
    room.lease(lease, height=13)
    assert told() == ("akash1tenant", "leased", 13, "bid accepted")
    room.release(order)
    room.adopt(lease, spec, height=13)
    assert told() == ("akash1tenant", "leased", 13, "lease found on chain")


def test_leases_go_before_bids_and_the_older_before_the_younger(make: Any) -> None:
    def hold(dseq: int, state: str, since: int) -> Hold:
        return Hold(make.order_id(dseq), make.group(make.unit()), Placement(()), HoldState(state), since)

    rows = [hold(1, "held", 1), hold(2, "bid", 9), hold(3, "bid", 5), hold(4, "leased", 30), hold(5, "leased", 20)]
    assert [h.order.dseq for h in sorted(rows, key=lambda h: h.seniority)] == [5, 4, 3, 2, 1]
