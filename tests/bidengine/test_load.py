"""What is leased of what could be, from the promises in the room."""

from __future__ import annotations

from typing import Any

from bidengine.autoprice import Load
from bidengine.commit import Commit
from bidengine.load import loads
from bidengine.node import Inventory
from bidengine.placement import Placement
from bidengine.room import Room


def test_an_empty_cluster_is_not_leased(make: Any) -> None:
    room = Room(Commit())
    assert loads(room) == {}
    room.see(Inventory((make.node("a", cpu=16_000, gpus={make.t4: 4}), make.node("b", cpu=4_000))))
    assert loads(room) == {"cpu": Load(0, 20_000), "nvidia/t4": Load(0, 4)}


def test_leases_count_and_bids_do_not(make: Any) -> None:
    room = Room(Commit())
    room.see(Inventory((make.node("a", cpu=16_000, gpus={make.t4: 8}),)))
    for dseq, cpu, gpu in ((1, 1000, 2), (2, 4000, 1)):
        spec = make.group(make.unit(cpu=cpu, count=2, gpu=gpu, models=["t4"]))
        placement = room.fit(spec)
        assert isinstance(placement, Placement)
        room.hold(make.order_id(dseq), spec, placement, height=1)
        room.bid(make.order_id(dseq))
    room.lease(make.lease_id(1))
    assert loads(room) == {"cpu": Load(2000, 16_000), "nvidia/t4": Load(4, 8)}
    room.release(make.order_id(1))
    assert loads(room) == {"cpu": Load(0, 16_000), "nvidia/t4": Load(0, 8)}


def test_models_that_differ_in_memory_are_one_subject(make: Any) -> None:
    room = Room(Commit())
    small = type(make.a100)("nvidia", "a100", "40Gi", "sxm")
    room.see(Inventory((make.node("a", cpu=0, gpus={make.a100: 2, small: 3}),)))
    assert loads(room)["nvidia/a100"] == Load(0, 5)
