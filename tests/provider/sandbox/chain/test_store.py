"""State by height, and layers over it."""

from __future__ import annotations

import pytest

from provider.sandbox.chain.store import Layer, Store


@pytest.fixture
def store() -> Store:
    made = Store()
    made.write(1, {"t": {("a", 9): 1, ("a", 10): 2, ("b", 1): 3}})
    made.write(5, {"t": {("a", 9): None, ("b", 1): 4}})
    return made


@pytest.mark.parametrize(
    ("height", "rows"),
    [
        (0, []),
        (1, [(("a", 9), 1), (("a", 10), 2), (("b", 1), 3)]),
        (4, [(("a", 9), 1), (("a", 10), 2), (("b", 1), 3)]),
        (5, [(("a", 10), 2), (("b", 1), 4)]),
        (99, [(("a", 10), 2), (("b", 1), 4)]),
    ],
)
def test_every_height_keeps_its_rows_in_number_order(store: Store, height: int, rows: list[object]) -> None:
    assert list(store.at(height).scan("t")) == rows
    assert all(store.at(height).get("t", key) == value for key, value in rows)  # type: ignore[misc]


def test_a_layer_hides_adds_and_deletes_without_touching_what_is_below(store: Store) -> None:
    below = store.at(1)
    layer = Layer(below)
    layer.put("t", ("a", 1), 7)
    layer.put("t", ("a", 10), None)
    assert list(layer.scan("t", ("a",))) == [(("a", 1), 7), (("a", 9), 1)]
    assert layer.get("t", ("a", 10)) is None
    assert below.get("t", ("a", 10)) == 2


def test_layers_merge_downwards(store: Store) -> None:
    block = Layer(store.at(5))
    tx = Layer(block)
    tx.put("t", ("b", 1), None)
    assert block.get("t", ("b", 1)) == 4
    tx.merge(block)
    assert block.get("t", ("b", 1)) is None


@pytest.mark.parametrize("layered", [False, True])
def test_a_text_prefix_stops_inside_the_last_part(layered: bool) -> None:
    rows = {("d", "x", "30"): 1, ("d", "x", "302", "p"): 2, ("d", "x", "31"): 3, ("e",): 4}
    store = Store()
    store.write(1, {"t": {} if layered else rows})
    reader = Layer(store.at(1))
    if layered:
        for key, value in rows.items():
            reader.put("t", key, value)
    assert [v for _, v in reader.scan("t", ("d", "x", "30"), text=True)] == [1, 2]
    assert [v for _, v in reader.scan("t", ("d", "x", "30"))] == [1]
    assert [v for _, v in reader.scan("t", ("d",), text=True)] == [1, 2, 3]
