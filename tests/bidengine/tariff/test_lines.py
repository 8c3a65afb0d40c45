"""Each thing of an order becomes a line at its rate; what has no rate is declined, by name."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest

from bidengine.commit import Commit
from bidengine.node import Inventory
from bidengine.placement import Placement
from bidengine.reasons import Decline, Reason
from bidengine.room import Room
from bidengine.tariff.lines import named, rated, volumes_bytes
from manifests.coins import E18
from manifests.gpus import GpuModel
from tests.bidengine.tariffs import HELM, dollars, group_a, on, usd


def month(found: Any) -> Fraction:
    assert not isinstance(found, Decline), found
    return sum((item.line.usd_per_month for item in found), Fraction(0))


def test_every_line_says_what_how_much_and_at_which_rate(make: Any) -> None:
    a = group_a(make)
    found = rated(a, on(make, a, make.a100), HELM)
    assert not isinstance(found, Decline)
    assert [(i.line.what, i.line.quantity, i.line.unit, i.line.rate_usd_e18, i.subject) for i in found] == [
        ("unit 1 cpu", 2, "core", dollars("1.6"), "cpu"),
        ("unit 1 memory", 4, "GiB", dollars("0.8"), "cpu"),
        ("unit 1 storage ephemeral", 10, "GiB", dollars("0.02"), ""),
        ("unit 1 storage beta3", 20, "GiB", dollars("0.04"), ""),
        ("unit 1 storage ram", 2, "GiB", 0, ""),
        ("unit 1 storage default", 2, "GiB", 0, ""),
        ("unit 1 gpu nvidia/a100/80Gi/sxm", 2, "card", 1100 * E18, "nvidia/a100"),
        ("endpoints", 2, "endpoint", dollars("0.05"), ""),
        ("addresses", 1, "ip", 5 * E18, ""),
    ]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"storage_usd_e18": usd(ephemeral="1", ram="1", default="1")}, "usdPerMonth.storageGiB.beta3"),
        ({"storage_usd_e18": usd(ephemeral="1", beta3="1", default="1")}, "usdPerMonth.storageGiB.ram"),
        ({"gpu_usd_e18": {}}, "usdPerMonth.gpu.nvidia/a100/80Gi/sxm"),
        ({"endpoint_usd_e18": None}, "usdPerMonth.endpoint"),
        ({"ip_usd_e18": None}, "usdPerMonth.ip"),
    ],
)
def test_what_has_no_price_is_not_free(make: Any, change: Any, told: str) -> None:
    a = group_a(make)
    found = rated(a, on(make, a, make.a100), replace(HELM, **change))
    assert isinstance(found, Decline)
    assert (found.reason, found.final) == (Reason.PRICE_UNKNOWN, False)
    assert told in found.detail


def test_a_gpu_without_a_known_card_has_no_price(make: Any) -> None:
    found = rated(group_a(make), Placement(()), HELM)
    assert isinstance(found, Decline)
    assert found.reason is Reason.PRICE_UNKNOWN


def test_the_card_that_was_placed_is_priced_not_the_wish(make: Any) -> None:
    room = Room(Commit())
    room.see(Inventory((make.node("a", gpus={make.t4: 4}),)))
    spec = make.group(make.unit(cpu=1000, memory_gib=1, gpu=1, models=["*"]))
    placement = room.fit(spec)
    assert isinstance(placement, Placement)
    assert month(rated(spec, placement, HELM)) == Fraction("82.4")


def test_volumes_of_one_class_are_one_line(make: Any) -> None:
    unit = make.unit(count=3, storage=[make.volume(1), make.volume(2), make.volume(4, "beta2"), make.ram(1)])
    assert volumes_bytes(unit) == {"ephemeral": 9 << 30, "beta2": 12 << 30, "ram": 3 << 30}


def test_a_card_is_named_as_far_as_it_is_known() -> None:
    assert named(GpuModel("nvidia", "a100")) == "nvidia/a100"
    assert named(GpuModel("nvidia", "a100", "80Gi", "sxm")) == "nvidia/a100/80Gi/sxm"
