from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bidengine.commit import Commit
from bidengine.node import Inventory
from bidengine.reasons import Decline, Reason
from bidengine.room import Room
from bidengine.runtimes import NO_OVERHEAD, Overhead, Runtimes
from manifests.gpus import GpuModel

GIB = 1 << 30
MI300X = GpuModel("amd", "mi300x")
HEAVY = Overhead(250, GIB, GIB)


@pytest.mark.parametrize(
    ("gpus", "vendor", "name"),
    [(1, "nvidia", "nvidia"), (1, "amd", ""), (1, "", ""), (0, "", "gvisor")],
    ids=["NVIDIA's card", "another's card", "a card of nobody", "no card"],
)
def test_which_class_pods_are_started_with(gpus: int, vendor: str, name: str) -> None:
    assert Runtimes(sandbox="gvisor").of(gpus=gpus, vendor=vendor) == name


def test_nothing_is_lacking_before_anybody_has_looked_and_the_clusters_own_runtime_never_is() -> None:
    assert not Runtimes().lacks("nvidia")
    assert Runtimes(known={}).lacks("nvidia")
    assert not Runtimes(known={"nvidia": HEAVY}).lacks("nvidia")
    assert not Runtimes("", known={}).lacks("")


def test_what_a_class_adds_to_a_pod() -> None:
    known = Runtimes(known={"nvidia": HEAVY})
    assert (known.overhead("nvidia"), known.overhead(""), known.overhead("kata")) == (HEAVY, NO_OVERHEAD, NO_OVERHEAD)


def room(make: Any, runtimes: Runtimes) -> Room:
    out = Room(Commit())
    gpus: dict[str, dict[GpuModel, int]] = {"web": {}, "own": {make.h100: 2}, "amd": {MI300X: 2}}
    nodes = tuple(make.node(name, cpu=4000, memory_gib=8, gpus=has) for name, has in gpus.items())
    out.see(Inventory(nodes, runtimes=runtimes))
    return out


def test_what_needs_a_class_that_the_cluster_lacks_is_declined_with_the_cure(make: Any) -> None:
    """Its pods would be refused for ever."""
    plain = make.group(make.unit())
    nvidia = make.group(make.unit(gpu=1, models=["h100"]))
    missing = room(make, Runtimes(sandbox="gvisor", known={}))

    no = missing.fit(nvidia)
    assert isinstance(no, Decline)
    assert (no.code, no.final) == ("skip.capacity.runtime_class", False)
    assert "RuntimeClass 'nvidia'" in no.detail
    assert "cluster.gpu_runtime_class" in no.detail

    no = missing.fit(plain)
    assert isinstance(no, Decline)
    assert no.reason is Reason.NO_RUNTIME_CLASS
    assert "RuntimeClass 'gvisor'" in no.detail
    assert "cluster.isolation.runtime_class" in no.detail

    there = room(make, Runtimes(sandbox="gvisor", known={"gvisor": NO_OVERHEAD, "nvidia": NO_OVERHEAD}))
    for spec in (plain, nvidia):
        assert not isinstance(there.fit(spec), Decline)


def test_one_class_for_both_names_both_in_its_cure(make: Any) -> None:
    both = room(make, Runtimes(nvidia="kata", sandbox="kata", known={}))
    for spec in (make.group(make.unit()), make.group(make.unit(gpu=1, models=["h100"]))):
        no = both.fit(spec)
        assert isinstance(no, Decline)
        for words in ("'kata'", "without GPUs", "NVIDIA", "isolation.runtime_class", "gpu_runtime_class"):
            assert words in no.detail


def test_a_class_that_is_lacking_concerns_nobody_else(make: Any) -> None:
    without_sandbox = room(make, Runtimes(sandbox="gvisor", known={"nvidia": NO_OVERHEAD}))
    assert not isinstance(without_sandbox.fit(make.group(make.unit(gpu=1, models=["h100"]))), Decline)
    without_nvidia = room(make, Runtimes(known={}))
    assert not isinstance(without_nvidia.fit(make.group(make.unit())), Decline)


def test_where_cards_of_another_vendor_would_do_these_are_taken(make: Any) -> None:
    spec = make.group(make.unit(gpu=1))
    found = room(make, Runtimes(known={})).fit(spec)
    assert not isinstance(found, Decline)
    assert found.gpu_of(1) == MI300X


def test_a_card_that_nobody_has_is_told_as_before(make: Any) -> None:
    no = room(make, Runtimes(known={})).fit(make.group(make.unit(gpu=1, models=["t4"])))
    assert isinstance(no, Decline)
    assert no.reason is Reason.NO_GPU_MODEL


def test_what_the_runtime_takes_is_held_with_each_replica(make: Any) -> None:
    """A node of 4 cores has room for three replicas of a core and a quarter, not for four of a core."""
    runtimes = Runtimes(sandbox="kata", known={"kata": HEAVY, "nvidia": Overhead(memory_bytes=2 * GIB)})
    here = Room(Commit())
    here.see(Inventory((make.node("a", cpu=4000, memory_gib=8),), runtimes=runtimes))
    assert isinstance(here.fit(make.group(make.unit(count=4))), Decline)
    found = here.fit(make.group(make.unit(count=3)))
    assert not isinstance(found, Decline)
    assert {(s.ask.cpu_milli, s.ask.memory_bytes) for s in found.slots} == {(1250, 2 * GIB)}

    here.see(Inventory((make.node("g", memory_gib=8, gpus={make.h100: 4}),), runtimes=runtimes))
    assert isinstance(here.fit(make.group(make.unit(gpu=1, models=["h100"], count=3))), Decline)
    assert not isinstance(here.fit(make.group(make.unit(gpu=1, models=["h100"], count=2))), Decline)


def test_a_class_that_goes_between_the_look_and_the_promise_is_noticed(make: Any) -> None:
    here = room(make, Runtimes(known={"nvidia": NO_OVERHEAD}))
    spec = make.group(make.unit(gpu=1, models=["h100"]))
    placement = here.fit(spec)
    assert not isinstance(placement, Decline)
    here.see(Inventory(here.inventory.nodes, runtimes=Runtimes(known={})))
    no = here.hold(make.order_id(1), spec, placement, height=5)
    assert isinstance(no, Decline)
    assert no.reason is Reason.NO_RUNTIME_CLASS
    assert not here.holds


def test_a_lease_keeps_its_room_whatever_becomes_of_its_class(make: Any) -> None:
    here = room(make, Runtimes(known={}))
    hold = here.adopt(make.lease_id(1), make.group(make.unit(gpu=2, models=["h100"])), height=5)
    assert [slot.node for slot in hold.placement.slots] == ["own"]
    assert not here.missing


def test_pods_without_gpus_keep_off_nodes_that_are_not_for_their_class(make: Any) -> None:
    open_, closed = (
        make.node("open", cpu=2000),
        replace(make.node("closed", gpus={make.h100: 1}), without_gpus="taint x"),
    )
    here = Room(Commit())
    here.see(Inventory((closed, open_)))
    found = here.fit(make.group(make.unit(cpu=1000, count=2)))
    assert not isinstance(found, Decline)
    assert {slot.node for slot in found.slots} == {"open"}
    assert not isinstance(here.fit(make.group(make.unit(gpu=1, models=["h100"]))), Decline), (
        "those with its cards do not"
    )

    no = here.fit(make.group(make.unit(cpu=3000)))
    assert isinstance(no, Decline)
    assert no.reason is Reason.NO_NODE_FIT
    assert (
        no.detail == "unit 1: a replica asks 3000 milli of cpu, the best node there is for pods without GPUs has 2000"
    )

    here.see(Inventory((closed,)))
    no = here.fit(make.group(make.unit()))
    assert isinstance(no, Decline)
    assert no.reason is Reason.NO_NODE_FIT
    assert no.detail == "unit 1: no node takes pods without GPUs: taint x"


def test_a_promise_on_a_node_that_has_closed_is_counted_where_it_will_be(make: Any) -> None:
    here = Room(Commit())
    both = make.node("a", cpu=2000), make.node("b", cpu=4000)
    here.see(Inventory(both))
    spec = make.group(make.unit(cpu=2000))
    placement = here.fit(spec)
    assert not isinstance(placement, Decline)
    assert [slot.node for slot in placement.slots] == ["a"]
    here.see(Inventory((replace(both[0], without_gpus="taint x"), both[1])))
    assert isinstance(here.hold(make.order_id(1), spec, placement, height=5), Decline), "it closed meanwhile"
    here.adopt(make.lease_id(1), spec, height=5)
    assert {node.name: node.cpu_milli for node in here.free().nodes} == {"a": 2000, "b": 2000}
    here.see(Inventory((both[0], replace(both[1], without_gpus="taint x"))))
    assert {node.name: node.cpu_milli for node in here.free().nodes} == {"a": 0, "b": 4000}


@pytest.mark.parametrize(
    ("unit", "says"),
    [
        ({}, "no node takes pods without GPUs: RuntimeClass 'gvisor' is for others"),
        ({"gpu": 1, "models": ["t4"]}, "nvidia/model/t4 where there are some: RuntimeClass 'nvidia' is for others"),
    ],
    ids=["without GPUs", "with a card that is nowhere else"],
)
def test_what_its_class_is_nowhere_for_is_declined_with_the_reason_and_the_cure(
    make: Any, unit: dict[str, Any], says: str
) -> None:
    known = {"gvisor": NO_OVERHEAD, "nvidia": NO_OVERHEAD}
    nowhere, withheld = "RuntimeClass 'gvisor' is for others", {make.t4: "RuntimeClass 'nvidia' is for others"}
    here = Room(Commit())
    node = replace(make.node("own", gpus={make.h100: 2}), without_gpus=nowhere)
    here.see(Inventory((node,), runtimes=Runtimes("nvidia", "gvisor", known, nowhere, withheld)))
    no = here.fit(make.group(make.unit(**unit)))
    assert isinstance(no, Decline)
    assert (no.reason, no.final) == (Reason.NO_RUNTIME_CLASS, False)
    assert says in no.detail
    assert "`scheduling` of that RuntimeClass" in no.detail
    assert not isinstance(here.fit(make.group(make.unit(gpu=1, models=["h100"]))), Decline)
    gone = here.fit(make.group(make.unit(gpu=1, models=["a100"])))
    assert isinstance(gone, Decline)
    assert gone.reason is Reason.NO_GPU_MODEL, "nobody has that one"
