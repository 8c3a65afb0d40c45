from __future__ import annotations

from typing import Any

import pytest

from bidengine.policy import Amount, Range
from bidengine.reasons import Reason
from bidengine.rules.limits import limits
from manifests.resources import Endpoint, EndpointKind

GIB = 1 << 30
IP, HTTP = EndpointKind.LEASED_IP, EndpointKind.SHARED_HTTP


def group(make: Any) -> Any:
    """Two units: 3 × (1 core, 2 GiB and 1 GiB of RAM disk, 10 GiB, 2 GPUs), 2 × (half a core, 1 GiB)."""
    return make.group(
        make.unit(
            1, 1000, 2, 3, gpu=2, storage=[make.volume(4), make.volume(6, "beta3"), make.ram(1)],
            endpoints=[Endpoint(IP, 1), Endpoint(IP, 1), Endpoint(HTTP)],
        ),
        make.unit(2, 500, 1, 2, endpoints=[Endpoint(IP, 1), Endpoint(IP, 2)]),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("amount", "of_unit", "of_group"),
    [
        (Amount.REPLICAS, 3, 5),
        (Amount.CPU_MILLI, 1000, 4000),
        (Amount.MEMORY_BYTES, 3 * GIB, 11 * GIB),
        (Amount.STORAGE_BYTES, 10 * GIB, 30 * GIB),
        (Amount.GPUS, 2, 6),
        (Amount.ENDPOINTS, 3, 5),
        (Amount.LEASED_IPS, 2, 2),
    ],
)
def test_most(make: Any, amount: Amount, of_unit: int, of_group: int) -> None:
    for part, most in {"unit": of_unit, "group": of_group}.items():
        assert limits(make.order(group(make)), make.us(**{part: {amount: Range(most=most)}})) is None
        found = limits(make.order(group(make)), make.us(**{part: {amount: Range(most=most - 1)}}))
        assert found is not None
        assert (found.reason, found.final) == (Reason.LIMITS_EXCEEDED, True)
        assert "at most" in found.detail


@pytest.mark.parametrize(
    ("amount", "of_unit", "of_group"),
    [
        (Amount.REPLICAS, 2, 5),
        (Amount.CPU_MILLI, 500, 4000),
        (Amount.MEMORY_BYTES, GIB, 11 * GIB),
        (Amount.STORAGE_BYTES, 0, 30 * GIB),
        (Amount.GPUS, 0, 6),
        (Amount.ENDPOINTS, 2, 5),
        (Amount.LEASED_IPS, 1, 2),
    ],
)
def test_least(make: Any, amount: Amount, of_unit: int, of_group: int) -> None:
    for part, least in {"unit": of_unit, "group": of_group}.items():
        assert limits(make.order(group(make)), make.us(**{part: {amount: Range(least=least)}})) is None
        found = limits(make.order(group(make)), make.us(**{part: {amount: Range(least=least + 1)}}))
        assert found is not None
        assert "at least" in found.detail


def test_the_answer_names_the_unit_and_both_figures(make: Any) -> None:
    us = make.us(unit={Amount.MEMORY_BYTES: Range(most=2 * GIB)}, group={Amount.GPUS: Range(most=4)})
    found = limits(make.order(group(make)), us)
    assert found is not None
    assert found.detail == "unit 1: 3Gi memory, a replica may have 2Gi memory at most"
    found = limits(make.order(group(make)), make.us(group={Amount.GPUS: Range(most=4)}))
    assert found is not None
    assert found.detail == "the group: 6 GPUs, an order may have 4 GPUs at most"
