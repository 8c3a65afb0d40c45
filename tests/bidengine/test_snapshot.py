from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from bidengine.node import Ask, Node
from bidengine.packing import Packing, Strategy
from bidengine.snapshot import Snapshot
from manifests.gpus import GpuModel

A100 = GpuModel("nvidia", "a100")
T4 = GpuModel("nvidia", "t4")


def names(found: Any) -> list[str]:
    return [n.name for n in found]


def test_the_tightest_node_comes_first_and_gpu_nodes_last(make: Any) -> None:
    free = Snapshot(
        [make.node("big", 64_000), make.node("gpu", 2_000, 8, gpus={make.t4: 1}), make.node("small", 4_000, 16)]
    )
    assert names(free.candidates(make.ask(), None)) == ["small", "big", "gpu"]
    free.take("gpu", make.ask(gpu=1), make.t4)
    assert names(free.candidates(make.ask(), None)) == ["gpu", "small", "big"]  # its GPU is gone: nothing to protect


def test_a_node_with_fewer_free_cards_is_filled_first(make: Any) -> None:
    free = Snapshot([make.node("eight", gpus={make.a100: 8}), make.node("two", gpus={make.a100: 2}), make.node("none")])
    assert names(free.candidates(make.ask(gpu=1), make.a100)) == ["two", "eight"]
    assert names(free.candidates(make.ask(gpu=4), make.a100)) == ["eight"]
    assert names(free.candidates(make.ask(gpu=1), make.h100)) == []
    assert names(free.candidates(make.ask(gpu=1), None)) == []


def test_every_figure_can_be_the_one_that_lacks(make: Any) -> None:
    ask = Ask(1000, make.gib, make.gib, 0, (("beta3", 1),))
    lacking = {
        "cpu": make.node("n", cpu=999, classes=["beta3"]),
        "memory": make.node("n", memory_gib=0, classes=["beta3"]),
        "ephemeral": make.node("n", ephemeral_gib=0, classes=["beta3"]),
        "pods": make.node("n", pods=0, classes=["beta3"]),
        "class": make.node("n", classes=["beta2"]),
    }
    for what, node in lacking.items():
        free = Snapshot([node], {"beta3": 10})
        assert not free.fits("n", ask, None), what
        assert names(free.candidates(ask, None)) == [], what
    enough = Snapshot([make.node("n", classes=["beta3"])], {"beta3": 1})
    assert enough.fits("n", ask, None)
    enough.store(ask.volumes)
    assert not enough.fits("n", ask, None)


def test_nodes_having_a_card_are_told_whatever_else_they_lack(make: Any) -> None:
    free = Snapshot(
        [
            make.node("two", 0, 0, gpus={make.a100: 2}),
            make.node("eight", gpus={make.a100: 8, make.t4: 1}),
            make.node("x"),
        ]
    )
    assert names(free.having(make.a100, 1)) == ["two", "eight"]
    assert names(free.having(make.a100, 3)) == ["eight"]
    assert names(free.having(make.h100, 1)) == []
    free.take("eight", make.ask(gpu=8), make.a100)
    assert names(free.having(make.a100, 1)) == ["two"]


def test_what_is_free_in_sum_leaves_out_deficits(make: Any) -> None:
    free = Snapshot([make.node("a", 1000, 1, 1), make.node("b", 4000, 4, 4)])
    assert (free.cpu_milli, free.memory_bytes, free.ephemeral_bytes) == (5000, 5 * make.gib, 5 * make.gib)
    free.take("a", make.ask(3000, 3), None)
    assert (free.cpu_milli, free.memory_bytes, free.ephemeral_bytes) == (4000, 4 * make.gib, 5 * make.gib)
    free.give("a", make.ask(3000, 3), None)
    assert (free.cpu_milli, free.memory_bytes, free.ephemeral_bytes) == (5000, 5 * make.gib, 5 * make.gib)


def test_spreading_looks_at_the_same_nodes_from_the_other_end(make: Any) -> None:
    nodes = [make.node("big", 64_000), make.node("gpu", 90_000, gpus={make.t4: 1}), make.node("small", 4_000)]
    assert names(Snapshot(nodes).candidates(make.ask(), None)) == ["small", "big", "gpu"]
    spread = Snapshot(nodes, packing=Packing(Strategy.SPREAD))
    assert names(spread.candidates(make.ask(), None)) == ["big", "small", "gpu"], "GPU nodes last all the same"


def test_a_node_that_would_be_filled_exactly_is_found(make: Any) -> None:
    exact = make.node("exact", 1000, 1, 0, 1, {make.t4: 1})
    free = Snapshot([exact, make.node("plain", 1000, 1)])
    assert names(free.candidates(make.ask(), None)) == ["plain", "exact"]
    assert names(free.candidates(make.ask(gpu=1), make.t4)) == ["exact"]


def test_what_is_true_is_counted_even_when_it_is_too_much(make: Any) -> None:
    free = Snapshot([make.node("n", cpu=500, gpus={make.t4: 1})])
    free.take("n", make.ask(cpu=2000, gpu=3), make.t4)
    assert free.nodes["n"].cpu_milli == -1500
    assert free.cards == {make.t4: 0}
    free.give("n", make.ask(cpu=2000, gpu=3), make.t4)
    assert (free.nodes["n"].cpu_milli, free.cards) == (500, {make.t4: 1})
    free.take("gone", make.ask(), None)


def test_the_nodes_given_are_left_alone(make: Any) -> None:
    node = make.node("n", gpus={make.t4: 4})
    Snapshot([node]).take("n", make.ask(gpu=1), make.t4)
    assert node == make.node("n", gpus={make.t4: 4})


ASKS = st.builds(
    Ask,
    st.integers(0, 5000),
    st.integers(0, 8).map(lambda g: g << 30),
    st.integers(0, 3),
    st.integers(0, 3),
    st.just(()),
)
NODES = st.lists(
    st.builds(
        lambda c, m, e, p, g: (c, m << 30, e, p, g),
        st.integers(-500, 9000),
        st.integers(-1, 16),
        st.integers(0, 5),
        st.integers(0, 4),
        st.dictionaries(st.sampled_from([A100, T4]), st.integers(-1, 4)),
    ),
    max_size=8,
).map(lambda rows: [Node(f"n{i}", *row) for i, row in enumerate(rows)])


@settings(deadline=None)
@given(NODES, st.lists(st.tuples(st.integers(0, 7), ASKS, st.sampled_from([None, A100, T4])), max_size=12), ASKS)
def test_the_quick_look_finds_exactly_the_nodes_that_fit(
    nodes: list[Node], moves: list[tuple[int, Ask, GpuModel | None]], ask: Ask
) -> None:
    free = Snapshot(nodes)
    for at, taken, card in moves:
        free.take(f"n{at}", taken, card)
    for card in (None, A100, T4):
        found = names(free.candidates(ask, card))
        assert sorted(found) == sorted(n for n in free.nodes if free.fits(n, ask, card if ask.gpu_units else None))
        assert len(set(found)) == len(found)
    figures = free.nodes.values()
    assert free.cpu_milli == sum(max(0, n.cpu_milli) for n in figures)
    assert free.memory_bytes == sum(max(0, n.memory_bytes) for n in figures)
    assert free.ephemeral_bytes == sum(max(0, n.ephemeral_bytes) for n in figures)
    for card, units in free.cards.items():
        assert units == sum(max(0, n.gpus.get(card, 0)) for n in free.nodes.values())
