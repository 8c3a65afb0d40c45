from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bidengine.commit import Commit, ask, kind, request
from bidengine.node import Ask
from manifests.render.container import committed
from manifests.resources import Attribute, Storage


@pytest.mark.parametrize(
    ("quantity", "percent", "reserved"),
    [
        (100, 0, 100),
        (1500, 50, 1000),  # D6: fifty percent is a factor of one and a half, not of one
        (100, 100, 50),
        (100, 200, 33),
        (100, 150, 40),
        (3, 100, 2),  # 1.5 rounds up
        (5, 100, 3),  # 2.5 rounds up too: not to even
        (100, 999_900, 1),
        (1, 10**9, 1),  # never nothing
        (0, 50, 0),
        (100, -5, 100),
    ],
)
def test_more_is_sold_than_there_is(quantity: int, percent: int, reserved: int) -> None:
    assert request(quantity, percent) == reserved


@settings(deadline=None)
@given(st.integers(1, 1 << 50), st.integers(0, 1000))
def test_a_request_is_within_half_of_the_exact_share(quantity: int, percent: int) -> None:
    reserved = request(quantity, percent)
    assert reserved == 1 or abs(2 * (reserved * (100 + percent) - 100 * quantity)) <= 100 + percent


def test_a_replica_asks_memory_for_ram_volumes_and_names_persistent_classes(make: Any) -> None:
    unit = make.unit(
        cpu=3000,
        memory_gib=2,
        gpu=2,
        models=["a100"],
        storage=[
            make.volume(10),
            make.ram(1),
            make.volume(5, "beta3"),
            make.volume(7, "beta3"),
            make.volume(1, "beta1"),
        ],
    )
    assert ask(unit.resources, Commit()) == Ask(
        3000, 3 * make.gib, 10 * make.gib, 2, (("beta1", make.gib), ("beta3", 12 * make.gib))
    )


def test_over_commit_leaves_gpus_and_persistent_volumes_alone(make: Any) -> None:
    unit = make.unit(
        cpu=3000, memory_gib=5, gpu=2, models=["a100"], storage=[make.volume(30), make.ram(1), make.volume(5, "beta3")]
    )
    assert ask(unit.resources, Commit(50, 200, 100)) == Ask(
        2000, 2 * make.gib, 15 * make.gib, 2, (("beta3", 5 * make.gib),)
    )


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({}, ""),
        ({"persistent": "false"}, ""),
        ({"persistent": "false", "class": "ram"}, "ram"),
        ({"persistent": "false", "class": "beta3"}, ""),
        ({"persistent": "true", "class": "beta2"}, "beta2"),
        ({"persistent": "true"}, "default"),
    ],
)
def test_what_kind_of_storage_a_volume_is(attributes: dict[str, str], expected: str) -> None:
    assert kind(Storage("data", 1, tuple(Attribute(k, v) for k, v in attributes.items()))) == expected


@settings(deadline=None)
@given(st.integers(1, 1 << 45), st.integers(0, 500))
def test_it_is_the_rounding_the_pods_are_rendered_with(quantity: int, percent: int) -> None:
    """A lease's pods are told from its promise by what they request: a byte of difference would count it twice."""
    assert request(quantity, percent) == committed(quantity, percent)
