"""Globs, placement with auditors, capabilities."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from provider.chain.wire import message
from provider.sandbox.chain.matching import glob, placement_fits, resources_fit

GPU = "capabilities/gpu/vendor/nvidia/model/a100"


@pytest.mark.parametrize(
    ("pattern", "text", "fits"),
    [
        ("host", "host", True),
        ("ho*", "host", True),
        ("ho*", "ho/st", False),
        ("*", "a/b", False),
        ("model/*", "model/a100/ram/80Gi", False),
        ("h?st", "host", True),
        ("h?st", "h/st", False),
        ("h[a-o]st", "host", True),
        ("h[^o]st", "host", False),
        (r"h\*t", "h*t", True),
        (r"h\*t", "hot", False),
        ("h[st", "h[st", False),
        ("trailing\\", "trailing\\", False),
        ("a.c", "abc", False),
    ],
)
def test_globs_follow_path_rules(pattern: str, text: str, fits: bool) -> None:
    assert glob(pattern, text) is fits


def attributes(*pairs: tuple[str, str]) -> list[Any]:
    return [SimpleNamespace(key=k, value=v) for k, v in pairs]


WEST, EAST = attributes(("region", "west")), attributes(("region", "east"))


@pytest.mark.parametrize(
    ("all_of", "any_of", "own", "audited", "fits"),
    [
        ([], [], WEST, {}, True),
        ([], [], EAST, {}, False),
        (["A"], [], EAST, {"A": WEST}, True),
        (["A"], [], WEST, {}, False),
        (["A", "B"], [], WEST, {"A": WEST}, False),
        ([], ["A", "B"], EAST, {"B": WEST}, True),
        ([], ["A", "B"], WEST, {"B": EAST}, False),
        (["A"], ["B"], WEST, {"A": WEST}, False),
        (["A"], ["B"], WEST, {"A": WEST, "B": WEST}, True),
    ],
)
def test_placement_asks_the_provider_or_its_auditors(
    all_of: list[str], any_of: list[str], own: Any, audited: dict[str, Any], fits: bool
) -> None:
    wanted = message("akash.base.attributes.v1.PlacementRequirements")(
        attributes=[{"key": "region", "value": "west"}], signed_by={"all_of": all_of, "any_of": any_of}
    )
    assert placement_fits(wanted, own, audited.get) is fits


def unit(gpu: int = 0, gpu_keys: tuple[str, ...] = (), volume: tuple[tuple[str, str], ...] = ()) -> Any:
    return message("akash.deployment.v1beta4.ResourceUnit")(
        resource={
            "gpu": {"units": {"val": str(gpu).encode()}, "attributes": [{"key": k, "value": "true"} for k in gpu_keys]},
            "storage": [{"attributes": [{"key": k, "value": v} for k, v in volume]}],
        }
    )


BETA2 = attributes(
    ("capabilities/storage/1/class", "beta2"),
    ("capabilities/storage/1/persistent", "true"),
    ("capabilities/storage/2/class", "beta3"),
)


@pytest.mark.parametrize(
    ("wanted", "own", "fits"),
    [
        (unit(), [], True),
        (unit(gpu=1), [], True),
        (unit(gpu=1, gpu_keys=("vendor/nvidia/model/*",)), attributes((GPU, "true")), True),
        (unit(gpu=1, gpu_keys=("vendor/nvidia/model/*",)), attributes((f"{GPU}/ram/80Gi", "true")), False),
        (unit(gpu=1, gpu_keys=("vendor/amd/model/x", "vendor/nvidia/model/a100")), attributes((GPU, "true")), True),
        (unit(gpu=1, gpu_keys=("vendor/nvidia/model/a100",)), attributes((GPU, "false")), False),
        (unit(volume=(("class", "beta2"), ("persistent", "true"))), BETA2, True),
        (unit(volume=(("class", "beta3"), ("persistent", "true"))), BETA2, False),
        (unit(volume=(("class", "beta2"),)), [], False),
    ],
)
def test_capabilities_of_storage_and_gpu(wanted: Any, own: Any, fits: bool) -> None:
    assert resources_fit([wanted], own) is fits
