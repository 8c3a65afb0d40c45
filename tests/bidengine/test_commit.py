from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bidengine.commit import Commit, ask, kind, request
from bidengine.node import Ask
from manifests.gpus import GpuModel
from manifests.ids import LeaseID
from manifests.manifest import Service
from manifests.render.container import container
from manifests.render.site import ServicePlan, Site
from manifests.resources import Attribute, Storage
from manifests.units import parse_cpu_milli, parse_quantity

LEASE = LeaseID("akash1o", 1, 1, 1, "akash1p")


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
        3000, 3 * make.gib, 10 * make.gib, 2, (("beta1", make.gib), ("beta3", 12 * make.gib)), attached=3
    )


def test_over_commit_leaves_gpus_ram_and_persistent_volumes_alone(make: Any) -> None:
    unit = make.unit(
        cpu=3000, memory_gib=6, gpu=2, models=["a100"], storage=[make.volume(30), make.ram(1), make.volume(5, "beta3")]
    )
    assert ask(unit.resources, Commit(50, 200, 100)) == Ask(
        2000, 3 * make.gib, 15 * make.gib, 2, (("beta3", 5 * make.gib),), attached=1
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


@pytest.mark.parametrize("percent", [0, 33, 50, 100, 150])
def test_d6_what_is_sold_is_the_limit_and_what_is_reserved_is_the_request(make: Any, percent: int) -> None:
    """The whole way of an over-committed unit: the order's amounts, the ask that is set aside, and the pod. A lease's
    pods are told from its promise by what they request: a byte of difference would count it twice."""
    unit = make.unit(
        cpu=1500, memory_gib=3, gpu=2, models=["a100"], storage=[make.volume(7), make.volume(4), make.ram(1)]
    )
    service = Service("web", "web:1", None, None, None, unit.resources, 1, ())
    plan = ServicePlan("nvidia", GpuModel("nvidia", "a100"))
    site = Site(overcommit_cpu_percent=percent, overcommit_memory_percent=percent, overcommit_storage_percent=percent)
    rendered = container(LEASE, service, plan, site)["resources"]
    asked = ask(unit.resources, Commit(percent, percent, percent))

    def amounts(of: dict[str, str]) -> Ask:
        read = parse_quantity
        return Ask(
            parse_cpu_milli(of["cpu"]), read(of["memory"]), read(of["ephemeral-storage"]), read(of["nvidia.com/gpu"])
        )

    assert amounts(rendered["requests"]) == asked
    assert amounts(rendered["limits"]) == Ask(1500, 4 * make.gib, 11 * make.gib, 2), "the tenant may use all it paid"
    assert asked.cpu_milli == request(1500, percent)
    assert percent != 50 or asked.cpu_milli == 1000, "D6: fifty percent sells one and a half times"
