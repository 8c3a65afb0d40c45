from __future__ import annotations

from dataclasses import replace
from typing import Any

from bidengine.commit import Commit
from bidengine.node import Inventory
from bidengine.offer import narrowed, placement_from_offer, resources_offer
from bidengine.placement import Placement
from bidengine.room import Room
from manifests.gpus import GpuModel
from manifests.resources import Attribute, Gpu


def seen(*nodes: Any, commit: Commit | None = None) -> Room:
    room = Room(commit or Commit())
    room.see(Inventory(nodes))
    return room


def test_the_offer_names_the_card_chosen_and_the_amounts_ordered(make: Any) -> None:
    spec = make.group(make.unit(1, cpu=3000, count=2), make.unit(2, gpu=2, models=["*", "t4"], count=3))
    room = seen(make.node("a", gpus={make.a100: 6}), commit=Commit(50, 50, 50))
    placement = room.fit(spec)
    assert isinstance(placement, Placement)
    offer = resources_offer(spec, placement)
    assert [(o.resources.id, o.count) for o in offer] == [(1, 2), (2, 3)]
    assert offer[0].resources == spec.resources[0].resources
    assert offer[1].resources.gpu == Gpu(2, (Attribute("vendor/nvidia/model/a100/ram/80Gi/interface/sxm", "true"),))
    assert offer[1].resources.cpu == spec.resources[1].resources.cpu


def test_after_a_restart_the_promise_is_read_back_and_kept(make: Any) -> None:
    spec = make.group(make.unit(1), make.unit(2, gpu=1, models=["*"]))
    first = seen(make.node("a", gpus={make.t4: 2})).fit(spec)
    assert isinstance(first, Placement)
    offer = resources_offer(spec, first)
    assert placement_from_offer(spec, offer) == {2: make.t4}
    # Meanwhile another card has become the more plentiful one.
    again = seen(make.node("a", gpus={make.t4: 2}), make.node("b", gpus={make.a100: 8})).fit(narrowed(spec, offer))
    assert isinstance(again, Placement)
    assert again.gpu_of(2) == make.t4


def test_an_offer_of_other_software_promises_what_it_names(make: Any) -> None:
    spec = make.group(*(make.unit(i, gpu=1, models=["*"]) for i in range(1, 6)), make.unit(6))
    written = {
        1: "vendor/nvidia/model/a100",
        2: "vendor/nvidia/model/*",
        3: "no/gpu",
        4: "vendor/amd/model/mi100/ram/32Gi",
        6: "vendor/nvidia/model/a100",
    }
    bare = resources_offer(spec, Placement(()))
    offer = [
        replace(o, resources=replace(o.resources, gpu=Gpu(1, (Attribute(written[o.resources.id], "true"),))))
        for o in bare
        if o.resources.id in written
    ]
    assert placement_from_offer(spec, offer) == {1: GpuModel("nvidia", "a100"), 4: GpuModel("amd", "mi100", "32Gi")}
    assert placement_from_offer(spec, ()) == {}
    assert narrowed(spec, ()) == spec
