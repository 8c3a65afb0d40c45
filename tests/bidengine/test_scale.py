"""The reference's own vectors (bidengine-inventory.md §16.1), and its traps, closed (product.md §2.3 and D7)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bidengine.quote import Quote
from bidengine.reasons import Decline
from bidengine.scale import Scales, scale_price
from manifests.coins import parse_decimal, shown
from manifests.resources import Attribute, Endpoint, EndpointKind, Memory, Storage

NOTHING = Scales("uact", 0, 0, {"ephemeral": 0}, 0, 0)
E = parse_decimal
HELM = Scales("uact", E("0.004"), E("0.0016"), {"ephemeral": E("0.00016"), "beta2": E("0.00016")}, E("1"), E("60"))
"""the chart's defaults"""


def of(make: Any, scales: Scales, memory_bytes: int = 0, **unit: Any) -> str:
    """The price of one unit as text, or the decline's code."""
    made = make.unit(**unit)
    if memory_bytes:
        made = replace(made, resources=replace(made.resources, memory=Memory(memory_bytes)))
    found = scale_price(make.group(made), scales)
    if isinstance(found, Decline):
        assert not found.final
        return str(found.reason)
    assert found.strategy == "scale"
    return shown(found.per_block.amount_e18)


def ips(*numbers: int) -> list[Endpoint]:
    return [Endpoint(EndpointKind.LEASED_IP, n) for n in numbers]


@pytest.mark.parametrize(
    ("scales", "unit", "price"),
    [
        ({"cpu_e18": E("22")}, {"cpu": 13}, "286"),
        ({"memory_e18": E("1")}, {"memory_bytes": 1}, "0.0000009536743164"),
        ({"memory_e18": E("1")}, {"memory_bytes": (2 << 20) - 1}, "1.9999990463256836"),
        ({"ip_e18": E("7")}, {"endpoints": ips(1)}, "7"),
        ({"ip_e18": E("7")}, {"endpoints": ips(1, 2)}, "14"),
        ({"ip_e18": E("7")}, {"endpoints": ips(1, 2), "count": 33}, "14"),
    ],
    ids=["cpu", "one byte", "nearly two MiB", "one address", "two addresses", "replicas share addresses"],
)
def test_the_references_vectors(make: Any, scales: dict[str, int], unit: dict[str, Any], price: str) -> None:
    assert of(make, replace(NOTHING, **scales), **unit) == price


def test_the_charts_defaults(make: Any) -> None:
    half = 512 << 20
    unit = {"cpu": 1000, "storage": [Storage("root", half)], "endpoints": [Endpoint(EndpointKind.SHARED_HTTP)]}
    assert of(make, HELM, memory_bytes=half, **unit) == "5.90112"


def test_a_scale_out_of_all_bounds_is_above_what_any_tenant_pays(make: Any) -> None:
    """The reference calls the bid invalid; here it is one more price that is too high."""
    assert of(make, replace(NOTHING, cpu_e18=920_000_000_000_000_000_000 * 10**18)) == "skip.price.above_max"


def test_a_price_of_zero_is_no_bid(make: Any) -> None:
    assert of(make, replace(NOTHING, ip_e18=1)) == "skip.price.no_rate"


def test_more_than_18_digits_are_cut_where_the_reference_gives_up(make: Any) -> None:
    scales = replace(NOTHING, memory_e18=E("0.000000000000000003"), cpu_e18=E("1"))
    assert of(make, scales, cpu=1, memory_bytes=1) == "1"


@pytest.mark.parametrize("denom", ["uakt", "ibc/170C6776"])
@pytest.mark.parametrize("gpu", [0, 1], ids=["no gpu", "gpu"])
def test_d7_scales_are_not_taken_for_another_denomination(make: Any, denom: str, gpu: int) -> None:
    scales = replace(HELM, gpu_e18=E("100"))
    unit = {"gpu": gpu, "models": ["a100"] * gpu}
    assert of(make, scales, denom=denom, **unit) == "skip.denom"
    assert of(make, replace(scales, currency=denom), denom=denom, **unit) != "skip.denom"


@pytest.mark.parametrize("gpu_e18", [None, 0], ids=["not said", "zero"])
def test_d7_a_gpu_is_never_free(make: Any, gpu_e18: int | None) -> None:
    scales = replace(HELM, gpu_e18=gpu_e18)
    assert of(make, scales, gpu=1, models=["a100"]) == "skip.price.no_rate"
    assert of(make, scales) == "5.6384", "without a GPU the same scales do"


def test_d7_gpus_count_per_replica(make: Any) -> None:
    scales = replace(NOTHING, gpu_e18=E("100"))
    assert of(make, scales, gpu=2, models=["a100"], count=3) == "600"


def test_d7_endpoints_count_per_replica(make: Any) -> None:
    scales = replace(NOTHING, endpoint_e18=E("1"))
    ports = [Endpoint(EndpointKind.SHARED_HTTP), Endpoint(EndpointKind.RANDOM_PORT)]
    assert of(make, scales, endpoints=ports, count=3) == "6"


def test_each_class_has_its_scale_and_one_without_is_no_bid(make: Any) -> None:
    scales = replace(NOTHING, storage_e18={"ephemeral": E("1"), "beta2": E("2")})
    volumes = [make.volume(1), make.volume(1, "beta2")]
    assert of(make, scales, storage=volumes) == str(1024 * 3)
    assert of(make, scales, storage=[make.volume(1, "beta3")]) == "skip.price.no_rate"


@pytest.mark.parametrize(("ram", "price"), [(None, "1024"), (E("5"), "5120")], ids=["as the reference", "by itself"])
def test_ram_costs_what_ephemeral_does_unless_it_is_said(make: Any, ram: int | None, price: str) -> None:
    storage = {"ephemeral": E("1")} | ({"ram": ram} if ram else {})
    assert of(make, replace(NOTHING, storage_e18=storage), storage=[make.ram(1)]) == price


def test_persistent_without_a_class_counts_as_ephemeral(make: Any) -> None:
    volume = Storage("data", 1 << 20, (Attribute("persistent", "true"),))
    assert of(make, replace(NOTHING, storage_e18={"ephemeral": E("3")}), storage=[volume]) == "3"


def test_units_are_added_up_before_they_are_rounded(make: Any) -> None:
    scales = replace(NOTHING, memory_e18=E("1"))
    one = make.unit(1)
    units = [replace(one, resources=replace(one.resources, id=n, memory=Memory(1)), count=2**19) for n in (1, 2)]
    found = scale_price(make.group(*units), scales)
    assert isinstance(found, Quote)
    assert found.per_block.amount_e18 == 10**18
