from __future__ import annotations

from typing import Any

import pytest

from provider.cluster.inventory.attachable import Attachable, attachable, by_node


@pytest.mark.parametrize(
    ("drivers", "volumes"),
    [
        (None, None),
        ([], None),
        ([{"name": "a"}], None),
        ([{"name": "a", "allocatable": {}}], None),
        ([{"name": "a", "allocatable": {"count": 25}}], 25),
        ([{"name": "a", "allocatable": {"count": 25}}, {"name": "b", "allocatable": {"count": 8}}, {"name": "c"}], 8),
        ([{"name": "a", "allocatable": {"count": 0}}], 0),
    ],
    ids=["no list", "no driver", "no limit", "an empty limit", "one", "the lowest of several", "none"],
)
def test_what_a_node_can_attach(drivers: Any, volumes: int | None) -> None:
    assert attachable({"metadata": {"name": "n1"}, "spec": {"drivers": drivers}}) == Attachable("n1", volumes)


def test_nodes_without_a_limit_are_not_named() -> None:
    assert by_node([Attachable("a", 3), Attachable("b", None), Attachable("c", 0)]) == {"a": 3, "c": 0}
