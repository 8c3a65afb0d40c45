from __future__ import annotations

import pytest

from bidengine.node import Node


@pytest.mark.parametrize(
    ("volumes", "made"),
    [
        pytest.param((), True, id="none asked"),
        pytest.param((("beta3", 5),), True, id="as large as can be"),
        pytest.param((("beta3", 6),), False, id="larger"),
        pytest.param((("beta2", 10**12),), True, id="no bound is known"),
        pytest.param((("beta2", 1), ("beta3", 6)), False, id="one of two is too large"),
        pytest.param((("beta1", 1),), False, id="a class that is not here"),
    ],
)
def test_volumes_that_can_be_made_for_a_pod_here(volumes: tuple[tuple[str, int], ...], made: bool) -> None:
    node = Node("n1", 1, 1, 1, classes=frozenset({"beta2", "beta3"}), largest_volume_bytes={"beta3": 5})
    assert node.makes(volumes) is made
