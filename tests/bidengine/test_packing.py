from __future__ import annotations

from typing import Any

import pytest

from bidengine.commit import Commit
from bidengine.pack import pack
from bidengine.packing import Packing, Strategy
from bidengine.reasons import Decline, Reason
from bidengine.snapshot import Snapshot

SPREAD = Packing(Strategy.SPREAD)


def protect(percent: int = 0) -> Packing:
    return Packing(Strategy.PROTECT_GPU, percent)


def nodes_of(spec: Any, free: Snapshot, **how: Any) -> list[str]:
    found = pack(spec, free, Commit(), **how)
    assert not isinstance(found, Decline), found
    return [slot.node for slot in found[0].slots]


def no(spec: Any, free: Snapshot) -> Decline:
    found = pack(spec, free, Commit())
    assert isinstance(found, Decline), found
    return found


@pytest.mark.parametrize(
    ("packing", "expected"),
    [
        (Packing(), ["tight", "tight", "wide", "wide"]),
        (SPREAD, ["wide", "tight", "wide", "tight"]),
        (protect(), ["tight", "tight", "wide", "wide"]),
    ],
    ids=["best-fit", "spread", "protect-gpu"],
)
def test_replicas_over_two_nodes_without_gpus(make: Any, packing: Packing, expected: list[str]) -> None:
    free = Snapshot([make.node("tight", 2000), make.node("wide", 8000)], packing=packing)
    found = nodes_of(make.group(make.unit(count=4)), free)
    assert sorted(found) == sorted(expected)
    assert found[0] == expected[0]


def test_spreading_puts_a_second_replica_on_a_node_only_when_nodes_run_out(make: Any) -> None:
    def three() -> Snapshot:
        return Snapshot([make.node(n, cpu) for n, cpu in (("a", 1000), ("b", 3000), ("c", 9000))], packing=SPREAD)

    for replicas, counts in ((2, (0, 1, 1)), (3, (1, 1, 1)), (4, (1, 1, 2)), (7, (1, 3, 3)), (13, (1, 3, 9))):
        found = nodes_of(make.group(make.unit(count=replicas)), three())
        assert tuple(found.count(n) for n in "abc") == counts, replicas
    assert no(make.group(make.unit(count=14)), three()).reason is Reason.NO_AGGREGATE
    assert no(make.group(make.unit(cpu=1100, count=11)), three()).reason is Reason.NO_NODE_FIT


def test_spreading_takes_the_node_with_most_free_gpus(make: Any) -> None:
    nodes = [make.node("two", gpus={make.t4: 2}), make.node("eight", gpus={make.t4: 8})]
    spec = make.group(make.unit(gpu=1, models=["t4"]))
    assert nodes_of(spec, Snapshot(nodes)) == ["two"]
    assert nodes_of(spec, Snapshot(nodes, packing=SPREAD)) == ["eight"]


def eight_gpus(make: Any, percent: int, leased: int = 0, leased_cpu: int = 0) -> Snapshot:
    """One node with 64 cores, 512 GiB and 8 cards: 8 cores and 64 GiB belong to each."""
    free = Snapshot([make.node("gpu", 64_000, 512, gpus={make.h100: 8})], packing=protect(percent))
    if leased:
        free.take("gpu", make.ask(cpu=leased_cpu, memory_gib=1, gpu=leased), make.h100)
    return free


@pytest.mark.parametrize(
    ("percent", "leased", "leased_cpu", "cores"),
    [
        (0, 0, 0, 0),  # all cards free: nothing for others
        (25, 0, 0, 16),
        (100, 0, 0, 64),  # protects nothing
        (0, 4, 4_000, 28),  # four cards went with four cores: the other four keep 32 of 60
        (0, 8, 8_000, 56),  # no card left to protect
        (50, 6, 60_000, 0),  # two cards keep 8, and only 4 are left
    ],
)
def test_a_gpu_node_keeps_the_share_of_its_free_cards(
    make: Any, percent: int, leased: int, leased_cpu: int, cores: int
) -> None:
    free = eight_gpus(make, percent, leased, leased_cpu)
    if cores:
        assert nodes_of(make.group(make.unit(count=cores)), free) == ["gpu"] * cores
    if cores < 64 - leased_cpu // 1000:
        assert no(make.group(make.unit()), free).reason is Reason.CPU_ON_GPU_NODE


def test_memory_is_kept_as_cores_are(make: Any) -> None:
    free = eight_gpus(make, 25)
    assert no(make.group(make.unit(memory_gib=129)), free).reason is Reason.CPU_ON_GPU_NODE
    assert nodes_of(make.group(make.unit(memory_gib=128)), free) == ["gpu"]


def test_the_decline_says_what_is_kept_and_which_setting_would_give_it(make: Any) -> None:
    free = eight_gpus(make, 10)
    assert no(make.group(make.unit(7, cpu=7000)), free) == Decline(
        Reason.CPU_ON_GPU_NODE,
        "fits only beside free GPUs: 1 nodes keep their cpu and memory for them, but for 10 %"
        " (bid.gpu_node_cpu_share_percent)",
        final=False,
    )
    assert free.looked_at
    assert nodes_of(make.group(make.unit(cpu=6400)), free) == ["gpu"], "a decline leaves no trace"


def test_what_does_not_fit_anyway_is_not_blamed_on_gpus(make: Any) -> None:
    free = Snapshot([make.node("gpu", 8000, gpus={make.t4: 1}), make.node("cpu", 8000)], packing=protect())
    assert no(make.group(make.unit(cpu=9000)), free).reason is Reason.NO_NODE_FIT


def test_nodes_without_gpus_and_orders_with_them_are_not_concerned(make: Any) -> None:
    free = Snapshot([make.node("cpu", 2000), make.node("gpu", 64_000, gpus={make.h100: 8})], packing=protect())
    assert nodes_of(make.group(make.unit()), free) == ["cpu"]
    web_and_model = make.group(make.unit(1, cpu=32_000), make.unit(2, gpu=1, models=["h100"]))
    assert nodes_of(web_and_model, free) == ["gpu", "gpu"], "the order brings a card its lease"


def test_a_promise_made_before_keeps_its_room(make: Any) -> None:
    free = eight_gpus(make, 0)
    assert no(make.group(make.unit()), free).reason is Reason.CPU_ON_GPU_NODE
    assert nodes_of(make.group(make.unit()), free, promised=True) == ["gpu"]


@pytest.mark.parametrize("packing", [Packing(), SPREAD, protect(), protect(40)], ids=str)
def test_the_same_question_has_the_same_answer(make: Any, packing: Packing) -> None:
    nodes = [make.node(f"n{i}", 4000 * (1 + i % 3), gpus={make.t4: 4} if i % 2 else {}) for i in range(9)]
    free = Snapshot(nodes, packing=packing)
    spec = make.group(make.unit(1, count=5), make.unit(2, gpu=1, models=["*"], count=3))
    answers = []
    for _ in range(3):
        found = pack(spec, free, Commit())
        assert not isinstance(found, Decline)
        answers.append(found[0])
        found[1]()
    assert answers == [answers[0]] * 3
    fresh = pack(spec, Snapshot(nodes, packing=packing), Commit())
    assert not isinstance(fresh, Decline)
    assert fresh[0] == answers[0]
