from __future__ import annotations

from typing import Any

from bidengine.commit import Commit
from bidengine.node import BoundPod, Inventory
from bidengine.offer import resources_offer
from bidengine.placement import Placement
from bidengine.reasons import Reason
from bidengine.rebuild import rebuild
from bidengine.room import HoldState, Room
from bidengine.views import Bid, Lease
from manifests.coins import DecCoin

PRICE = DecCoin("uact", 10**18)


def bid(make: Any, dseq: int, created_at: int, offer: Any = (), state: str = "open") -> Bid:
    return Bid(make.lease_id(dseq), state, PRICE, created_at, offer)


def lease(make: Any, dseq: int, created_at: int, state: str = "active") -> Lease:
    return Lease(make.lease_id(dseq), state, PRICE, created_at)


def test_leases_are_kept_and_bids_that_no_longer_fit_are_handed_back(make: Any) -> None:
    spec = make.group(make.unit())
    room = Room(Commit())
    room.see(Inventory((make.node("a", 3000),)))
    leases = [
        (lease(make, 1, 5), spec, ()),
        (lease(make, 2, 6, "reclaiming"), spec, ()),
        (lease(make, 3, 7, "closed"), spec, ()),
    ]
    bids = [(bid(make, 12, 22), spec), (bid(make, 11, 21), spec), (bid(make, 13, 20, state="lost"), spec)]
    for _ in range(2):
        unkept = rebuild(room, leases, bids)
        assert [(b.id.dseq, d.reason) for b, d in unkept] == [(12, Reason.NO_AGGREGATE)]
        assert {o.dseq: (h.state, h.since) for o, h in room.holds.items()} == {
            1: (HoldState.LEASED, 5),
            2: (HoldState.LEASED, 6),
            11: (HoldState.BID, 21),
        }
    assert room.free().nodes[0].cpu_milli == 0


def test_a_running_lease_and_a_bid_keep_the_cards_they_have(make: Any) -> None:
    spec = make.group(make.unit(gpu=1, models=["*"]))
    small = Room(Commit())
    small.see(Inventory((make.node("a", gpus={make.t4: 2}),)))
    placement = small.fit(spec)
    assert isinstance(placement, Placement)
    offer = resources_offer(spec, placement)
    nodes = (make.node("a", gpus={make.t4: 2}), make.node("b", gpus={make.a100: 8}))
    running = {make.lease_id(1): (BoundPod("a", make.ask(gpu=1), make.t4),)}
    room = Room(Commit())
    room.see(Inventory(nodes, lease_pods=running))
    assert rebuild(room, [(lease(make, 1, 5), spec, offer)], [(bid(make, 2, 6, offer), spec)]) == ()
    assert {h.placement.gpu_of(1) for h in room.holds.values()} == {make.t4}
    assert [n.gpus for n in room.free().nodes] == [{make.t4: 0}, {make.a100: 8}]
