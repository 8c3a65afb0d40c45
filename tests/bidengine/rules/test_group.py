from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bidengine.commit import Commit
from bidengine.pack import pack
from bidengine.reasons import Decline, Reason
from bidengine.rules.group import group
from bidengine.snapshot import Snapshot
from manifests.resources import Attribute, Cpu, Gpu, Storage


def test_an_ordinary_group_is_fine(make: Any) -> None:
    unit = make.unit(gpu=1, models=["*"], storage=[make.volume(1), make.ram(1), make.volume(1, "beta3")])
    assert group(make.order(make.group(unit)), make.us()) is None


def with_resources(unit: Any, **changes: Any) -> Any:
    return replace(unit, resources=replace(unit.resources, **changes))


@pytest.mark.parametrize(
    ("broken", "told"),
    [
        (lambda m: (), "asks for nothing"),
        (lambda m: (m.unit(1), m.unit(1)), "same id"),
        (lambda m: (m.unit(1), m.unit(2, denom="uakt")), "different denominations"),
        (lambda m: (m.unit(3, count=0),), "unit 3: its count is 0"),
        (lambda m: (with_resources(m.unit(), cpu=Cpu(0)),), "more than nothing"),
        (lambda m: (m.unit(storage=[Storage("data", -1)]),), "negative size"),
        (lambda m: (m.unit(storage=[m.volume(1, "ram")]),), "persistent and in memory"),
        (lambda m: (m.unit(gpu=1, models=["a100/ram"]),), "not a GPU attribute"),
        (
            lambda m: (with_resources(m.unit(), gpu=Gpu(1, (Attribute("vendor/nvidia/model/a100", "false"),))),),
            'value "true"',
        ),
    ],
    ids=["empty", "ids", "denoms", "count", "cpu", "size", "ram", "grammar", "value"],
)
def test_what_nobody_could_run_is_refused_for_good(make: Any, broken: Any, told: str) -> None:
    found = group(make.order(make.group(*broken(make))), make.us())
    assert found is not None
    assert (found.reason, found.final) == (Reason.GROUP_INVALID, True)
    assert told in found.detail


@pytest.mark.parametrize(
    "vendor", ["acme", "NVIDIA", "nvidia.com", "", "nvidia/model/a100/model", "*", "\N{SNOWMAN}", "a" * 300]
)
def test_d20_a_vendor_nobody_knows_is_a_no_and_never_an_error(make: Any, vendor: str) -> None:
    """product.md D20: the reference panicked on a tenant's GPU vendor."""
    gpu = Gpu(1, (Attribute(f"vendor/{vendor}/model/a100", "true"),))
    spec = make.group(with_resources(make.unit(), gpu=gpu))
    free = Snapshot([make.node("n", gpus={make.a100: 8})])
    found = group(make.order(spec), make.us()) or pack(spec, free, Commit())
    assert isinstance(found, Decline)
    assert found.reason in (Reason.GROUP_INVALID, Reason.NO_GPU_MODEL)
