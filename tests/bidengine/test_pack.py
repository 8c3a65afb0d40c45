from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bidengine.commit import Commit
from bidengine.pack import pack
from bidengine.packing import Packing, Strategy
from bidengine.placement import Placement
from bidengine.reasons import Decline, Reason
from bidengine.snapshot import Snapshot
from manifests.gpus import GpuModel
from manifests.resources import Endpoint, EndpointKind


def placed(spec: Any, free: Snapshot, commit: Commit | None = None) -> Placement:
    found = pack(spec, free, commit or Commit())
    assert not isinstance(found, Decline), found
    return found[0]


def four_nodes(make: Any) -> Snapshot:
    return Snapshot(
        [
            make.node("node1", 68_780, 1000),
            make.node("node2", 68_800, 1000, gpus={make.a100: 2}),
            make.node("node3", 119_525, 1000),
            make.node("node4", 119_495, 1000),
        ]
    )


@pytest.mark.parametrize(
    ("units", "fits"),
    [
        ([(100_000, 0, 2)], True),
        ([(68_780, 0, 4)], True),
        ([(68_800, 0, 3)], True),
        ([(119_495, 0, 2)], True),
        ([(68_780, 0, 1)], True),
        ([(68_780, 1, 1)], True),
        ([(68_700, 0, 1), (68_700, 1, 1)], True),
        ([(70_000, 0, 4)], False),
        ([(100_000, 0, 3)], False),
        ([(119_525, 0, 2)], False),
    ],
)
def test_the_reference_vectors(make: Any, units: list[tuple[int, int, int]], fits: bool) -> None:
    spec = make.group(
        *(
            make.unit(i + 1, cpu, 1, count, gpu=gpu, models=["a100"] if gpu else [])
            for i, (cpu, gpu, count) in enumerate(units)
        )
    )
    found = pack(spec, four_nodes(make), Commit())
    assert isinstance(found, Decline) != fits
    if not isinstance(found, Decline):
        assert all(s.node == "node2" for s in found[0].slots if s.gpu)


def test_slots_come_in_the_order_of_the_units_whatever_was_placed_first(make: Any) -> None:
    spec = make.group(make.unit(5, count=2), make.unit(3, gpu=1, models=["*"]), make.unit(9, memory_gib=30))
    free = Snapshot([make.node("a"), make.node("b", gpus={make.t4: 1})])
    assert [s.resource_id for s in placed(spec, free).slots] == [5, 5, 3, 9]


def test_small_work_fills_the_small_hole_and_keeps_off_the_gpu_node(make: Any) -> None:
    free = Snapshot(
        [make.node("gpu", 4000, 8, gpus={make.t4: 1}), make.node("big", 64_000), make.node("small", 2000, 4)]
    )
    assert [s.node for s in placed(make.group(make.unit(count=3)), free).slots] == ["small", "small", "big"]


def test_work_with_gpus_is_placed_before_others_can_take_its_node(make: Any) -> None:
    free = Snapshot([make.node("gpu", 4000, gpus={make.t4: 1}), make.node("plain", 4000)])
    spec = make.group(make.unit(1, cpu=4000), make.unit(2, cpu=4000, gpu=1, models=["t4"]))
    assert {s.resource_id: s.node for s in placed(spec, free).slots} == {1: "plain", 2: "gpu"}


def test_a_unit_that_finds_no_room_goes_first_in_another_try(make: Any) -> None:
    """Unit 1 asks for more memory, so it goes first and takes the tighter node, which is the only one for unit 2."""
    free = Snapshot([make.node("tight", 8000, 10), make.node("wide", 2000, 40)])
    spec = make.group(make.unit(1, cpu=1000, memory_gib=9), make.unit(2, cpu=8000, memory_gib=8))
    assert {slot.resource_id: slot.node for slot in placed(spec, free).slots} == {1: "wide", 2: "tight"}


def test_all_replicas_of_a_unit_get_the_same_card(make: Any) -> None:
    free = Snapshot([make.node("a", gpus={make.a100: 2}), make.node("b", gpus={make.h100: 3})])
    spec = make.group(make.unit(count=3, gpu=1, models=["*"]))
    assert {s.gpu for s in placed(spec, free).slots} == {make.h100}


def test_a_wildcard_takes_the_plentiful_card_and_leaves_the_rare_one(make: Any) -> None:
    free = Snapshot([make.node("a", gpus={make.a100: 1}), make.node("b", gpus={make.t4: 4})])
    spec = make.group(make.unit(1, gpu=1, models=["*"]), make.unit(2, gpu=1, models=["a100"]))
    placement = placed(spec, free)
    assert (placement.gpu_of(1), placement.gpu_of(2)) == (make.t4, make.a100)


def test_a_wildcard_alone_takes_the_plentiful_card(make: Any) -> None:
    free = Snapshot([make.node("a", gpus={make.a100: 1}), make.node("b", gpus={make.t4: 4})])
    assert placed(make.group(make.unit(gpu=1, models=["*"])), free).gpu_of(1) == make.t4


@pytest.mark.parametrize(
    ("node", "unit", "times"),
    [
        ({"cpu": 3000}, {}, 3),
        ({"memory_gib": 3}, {}, 3),
        ({"ephemeral_gib": 3}, {"storage": 1}, 3),
        ({"pods": 3}, {}, 3),
        ({"gpus": 7}, {"gpu": 2, "models": ["*"]}, 3),
        ({"classes": ["beta3"], "volumes": 7}, {"disks": 2}, 3),
    ],
    ids=["cpu", "memory", "ephemeral", "pods", "gpus", "volumes"],
)
def test_a_node_is_filled_to_the_last_of_each_figure_and_no_further(
    make: Any, node: dict[str, Any], unit: dict[str, Any], times: int
) -> None:
    node = {**node, **({"gpus": {make.t4: node["gpus"]}} if "gpus" in node else {})}
    disks = [make.volume(1, "beta3") for _ in range(unit.pop("disks", 0))]
    unit = {**unit, "storage": [make.volume(unit["storage"])] if "storage" in unit else disks}
    free = Snapshot([make.node("a", **node)], {"beta3": 100 * make.gib})
    assert isinstance(pack(make.group(make.unit(count=times + 1, **unit)), free, Commit()), Decline)
    assert len(placed(make.group(make.unit(count=times, **unit)), free).slots) == times
    assert isinstance(pack(make.group(make.unit(**unit)), free, Commit()), Decline)


def test_any_card_is_no_slice_and_a_slice_is_asked_for_by_its_name(make: Any) -> None:
    """Two slices do not work together as two cards do, so who asks for cards never gets them (manifests/gpus.py)."""
    slice_ = GpuModel("nvidia", "a100-mig-1g.10gb", "10Gi", "", "nvidia.com/mig-1g.10gb")
    free = Snapshot([make.node("a", gpus={slice_: 7})])
    for asked in (make.unit(gpu=1), make.unit(gpu=1, models=["*"]), make.unit(gpu=1, models=["a100"])):
        found = pack(make.group(asked), free, Commit())
        assert isinstance(found, Decline)
        assert found.reason is Reason.NO_GPU_MODEL
    assert placed(make.group(make.unit(gpu=2, models=["a100-mig-1g.10gb"])), free).gpu_of(1) == slice_


def test_a_volume_must_fit_into_the_part_of_the_storage_its_node_reaches(make: Any) -> None:
    nodes = [make.node("a", classes=["beta3"]), make.node("b", classes=["beta3"])]
    nodes[0].largest_volume_bytes, nodes[1].largest_volume_bytes = {"beta3": 5 * make.gib}, {"beta3": 50 * make.gib}
    free = Snapshot(nodes, {"beta3": 55 * make.gib})
    assert placed(make.group(make.unit(storage=[make.volume(6, "beta3")])), free).slots[0].node == "b"
    found = pack(make.group(make.unit(storage=[make.volume(51, "beta3")])), free, Commit())
    assert isinstance(found, Decline), "there is enough in sum, but not in one part"


def test_a_list_of_models_falls_back_when_the_first_has_too_little_cpu_beside_it(make: Any) -> None:
    free = Snapshot([make.node("a", cpu=500, gpus={make.a100: 8}), make.node("b", gpus={make.h100: 1})])
    assert placed(make.group(make.unit(gpu=1, models=["a100", "h100"])), free).gpu_of(1) == make.h100


def test_ram_volumes_need_memory_and_over_commit_makes_room(make: Any) -> None:
    spec = make.group(make.unit(memory_gib=6, storage=[make.ram(2)]))
    free = Snapshot([make.node("a", memory_gib=7)])
    found = pack(spec, free, Commit())
    assert isinstance(found, Decline)
    assert found.reason is Reason.NO_AGGREGATE
    assert placed(spec, free, Commit(memory_percent=50)).slots[0].ask.memory_bytes == 6 * make.gib


PORT = Endpoint(EndpointKind.RANDOM_PORT)
IP = Endpoint(EndpointKind.LEASED_IP, 1)


@pytest.mark.parametrize(
    ("unit", "reason", "detail"),
    [
        ({"cpu": 9000, "count": 4}, Reason.NO_AGGREGATE, "needs 36000 milli of cpu, 32000 are free"),
        ({"memory_gib": 65, "count": 2}, Reason.NO_AGGREGATE, "needs 130 GiB of memory, 128 GiB are free"),
        ({"storage": [("", 1001)]}, Reason.NO_AGGREGATE, "needs 1001 GiB of ephemeral storage, 1000 GiB are free"),
        ({"storage": [("beta1", 1)]}, Reason.NO_STORAGE_CLASS, "no node offers the storage class 'beta1'"),
        (
            {"storage": [("beta3", 60)], "count": 2},
            Reason.NO_STORAGE_CLASS,
            "needs 120 GiB of storage class 'beta3', 100 GiB are free",
        ),
        ({"gpu": 1, "models": ["h100"]}, Reason.NO_GPU_MODEL, "no node has a card that is vendor/nvidia/model/h100"),
        (
            {"gpu": 2, "models": ["t4"], "count": 3},
            Reason.NO_GPU_MODEL,
            "needs 6 of vendor/nvidia/model/t4, 4 of vendor/nvidia/model/t4/ram/16Gi/interface/pcie are free",
        ),
        ({"endpoints": [PORT, PORT]}, Reason.NO_NODE_PORT, "needs 2 node ports, 1 are free"),
        ({"endpoints": [IP]}, Reason.NO_IP, "needs 1 leased IP addresses, 0 are free"),
        (
            {"cpu": 17_000},
            Reason.NO_NODE_FIT,
            "unit 1: a replica asks 17000 milli of cpu, the best node there is has 16000",
        ),
        (
            {"cpu": 9000, "count": 3},
            Reason.NO_NODE_FIT,
            "there is enough in sum, but not together on single nodes for all replicas",
        ),
        (
            {"storage": [("beta2", 1), ("beta3", 1), ("beta3", 1)]},
            Reason.NO_NODE_FIT,
            "unit 1: a replica has 3 persistent volumes, a node that has its card and storage classes can attach 2",
        ),
        (
            {"gpu": 1, "models": ["t4"], "storage": [("beta2", 1)]},
            Reason.NO_NODE_FIT,
            "unit 1: no node has its card and its storage classes together",
        ),
    ],
    ids=lambda v: v.value if isinstance(v, Reason) else None,
)
def test_a_decline_tells_the_shortage_and_waits_for_room(
    make: Any, unit: dict[str, Any], reason: Reason, detail: str
) -> None:
    free = Snapshot(
        [make.node("a", gpus={make.t4: 4}, classes=["beta3"]), make.node("b", classes=["beta2", "beta3"], volumes=2)],
        {"beta3": 100 * make.gib, "beta2": 100 * make.gib},
        node_ports=1,
    )
    unit["storage"] = [make.volume(size, c) for c, size in unit.get("storage", [])]
    before = figures(free)
    assert pack(make.group(make.unit(**unit)), free, Commit()) == Decline(reason, detail, final=False)
    assert figures(free) == before


def test_a_full_node_takes_no_more_pods(make: Any) -> None:
    free = Snapshot([make.node("a", pods=1)])
    found = pack(make.group(make.unit(count=2)), free, Commit())
    assert isinstance(found, Decline)
    assert found.reason is Reason.NO_NODE_FIT
    placed(make.group(make.unit()), free)
    found = pack(make.group(make.unit()), free, Commit())
    assert found == Decline(Reason.NO_NODE_FIT, "unit 1: no node there is takes one more pod", final=False)


def test_an_undo_called_twice_gives_back_once(make: Any) -> None:
    free = Snapshot([make.node("a")], node_ports=5)
    before = figures(free)
    found = pack(make.group(make.unit(endpoints=[PORT])), free, Commit())
    assert not isinstance(found, Decline)
    assert figures(free) != before
    found[1]()
    found[1]()
    assert figures(free) == before


def figures(free: Snapshot) -> Any:
    nodes = {
        n.name: (n.cpu_milli, n.memory_bytes, n.ephemeral_bytes, n.pods, dict(n.gpus)) for n in free.nodes.values()
    }
    return nodes, dict(free.storage_bytes), free.node_ports, free.leased_ips, free.cards


@st.composite
def clusters(draw: st.DrawFn) -> list[tuple[int, int, int, dict[int, int], list[str]]]:
    return draw(
        st.lists(
            st.tuples(
                st.sampled_from([-100, 1000, 2500, 8000]),
                st.integers(0, 12),
                st.integers(0, 6),
                st.dictionaries(st.integers(0, 2), st.integers(0, 4), max_size=2),
                st.lists(st.sampled_from(["beta2", "beta3"]), unique=True),
            ),
            max_size=6,
        )
    )


GROUPS = st.lists(
    st.tuples(
        st.sampled_from([10, 500, 1000, 2500]),
        st.integers(1, 5),
        st.integers(1, 4),
        st.integers(0, 2),
        st.lists(st.sampled_from(["a100", "h100", "t4", "*"]), min_size=1, max_size=2, unique=True),
        st.sampled_from(["", "beta2", "beta3"]),
    ),
    min_size=1,
    max_size=4,
)


PACKINGS = st.sampled_from([Packing(), Packing(Strategy.SPREAD), Packing(Strategy.PROTECT_GPU, 25)])


@settings(deadline=None)
@given(clusters(), GROUPS, st.integers(0, 150), PACKINGS)
def test_packing_never_oversells_and_its_undo_restores_exactly(
    make: Any, rows: Any, units: Any, percent: int, packing: Packing
) -> None:
    cards = (make.a100, make.h100, make.t4)
    nodes = [
        make.node(f"n{i}", cpu, memory, 20, pods, {cards[c]: n for c, n in gpus.items()}, classes)
        for i, (cpu, memory, pods, gpus, classes) in enumerate(rows)
    ]
    free = Snapshot(nodes, {"beta2": 4 * make.gib, "beta3": 2 * make.gib}, packing=packing)
    spec = make.group(
        *(
            make.unit(
                i + 1,
                cpu,
                mem,
                count,
                gpu,
                models if gpu else [],
                [make.volume(1), *([make.volume(1, c)] if c else [])],
            )
            for i, (cpu, mem, count, gpu, models, c) in enumerate(units)
        )
    )
    before = figures(free)
    found = pack(spec, free, Commit(percent, percent, percent))
    if isinstance(found, Decline):
        assert figures(free) == before
        assert not found.final
        return
    placement, undo = found
    assert Counter(s.resource_id for s in placement.slots) == {u.resources.id: u.count for u in spec.resources}
    for unit in spec.resources:
        assert len({s.gpu for s in placement.slots if s.resource_id == unit.resources.id}) == 1
    by_name = {n.name: n for n in nodes}
    for name, node in by_name.items():
        slots = [s for s in placement.slots if s.node == name]
        if slots:
            assert sum(s.ask.cpu_milli for s in slots) <= node.cpu_milli
            assert sum(s.ask.memory_bytes for s in slots) <= node.memory_bytes
            assert sum(s.ask.ephemeral_bytes for s in slots) <= node.ephemeral_bytes
            assert len(slots) <= node.pods
            assert all({c for c, _ in s.ask.volumes} <= node.classes for s in slots)
        for card in cards:
            assert sum(s.ask.gpu_units for s in slots if s.gpu == card) <= max(0, node.gpus.get(card, 0))
    for c, most in (("beta2", 4), ("beta3", 2)):
        assert sum(size for s in placement.slots for k, size in s.ask.volumes if k == c) <= most * make.gib
    undo()
    assert figures(free) == before
