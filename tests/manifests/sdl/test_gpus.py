"""The gpu block."""

from __future__ import annotations

from typing import Any

import pytest


def gpu(units: str, models: str) -> str:
    return f"gpu: {{units: {units}, attributes: {{vendor: {{nvidia: {models}}}}}}}"


@pytest.mark.parametrize(
    ("models", "keys"),
    [
        ("", ["*"]),
        ("[]", ["*"]),
        ("[{model: '*'}]", ["*"]),
        (
            "[{model: h100, ram: 80Gi, interface: sxm}, {model: a100, ram: 40960Mi}]",
            ["a100/ram/40Gi", "h100/ram/80Gi/interface/sxm"],
        ),
        ("[{model: t4, ram: 17179869184}]", ["t4/ram/16Gi"]),
        ("[{model: t4, ram: 512Mi}]", ["t4/ram/0Gi"]),
        ("[{model: t4, ram: 1.5Gi}]", ["t4/ram/1Gi"]),
        ("[{model: t4, ram: }, ~]", ["t4"]),
        ("[{model: 4090}]", ["4090"]),
        ("[{ram: 80Gi}]", ["/ram/80Gi"]),
    ],
)
def test_models(compiled: Any, models: str, keys: list[str]) -> None:
    found = compiled(gpu=gpu("1", models)).groups[0].resources[0].resources.gpu
    assert [(a.key, a.value) for a in found.attributes] == [(f"vendor/nvidia/model/{k}", "true") for k in keys]


@pytest.mark.parametrize(
    "block", ["gpu:", "gpu: {units: 0}", "gpu: 1", "gpu: {units: }", "gpu: []", "gpu: {units: 0, attributes: }", ""]
)
def test_no_gpu(compiled: Any, block: str) -> None:
    found = compiled(gpu=block).groups[0].resources[0].resources.gpu
    assert (found.units, found.attributes) == (0, ())


def test_another_vendor_silently_means_any_nvidia_card_but_not_without_a_warning(compiled: Any) -> None:
    done = compiled(gpu="gpu: {units: 1, attributes: {vendor: {amd: [{model: mi300}]}}}")
    assert done.groups[0].resources[0].resources.gpu.attributes[0].key == "vendor/nvidia/model/*"
    assert any("any nvidia card" in w.message for w in done.warnings)


@pytest.mark.parametrize(
    ("block", "words"),
    [
        ("gpu: {units: 1}", "needs attributes"),
        (gpu("0", ""), "units is 0"),
        ("gpu: {units: 0, attributes: {}}", "at least one vendor"),
        ("gpu: {units: 1, attributes: {vendor: }}", "at least one vendor"),
        ("gpu: {units: 1, attributes: {brand: x}}", "known are vendor"),
        ("gpu: {units: 0, color: red}", "known are units"),
        (gpu("1.0", ""), "whole number"),
        (gpu("-1", ""), "whole number"),
        (gpu("25", ""), "0 to 24"),
        (gpu("1", "[{model: t4}, {model: t4}]"), "twice"),
        (gpu("1", "[{model: t4, ram: 16G}]"), "80Gi"),
        (gpu("1", "[{model: t4, interface: SXM}]"), "pcie or sxm"),
        (gpu("1", "[{model: rtx 4090}]"), "cannot be an attribute"),
        (gpu("1", "[t4]"), "block"),
        (gpu("1", "t4"), "list"),
        ("gpu: [1]", "block of keys and values"),
        (gpu("1", "[{model: t4, ram: 16Ei}]"), "too large"),
        ("gpu: {<<: {units: 0}}", "known are units"),
        ("gpu: {units: 0, ~: x}", "known are units"),
    ],
)
def test_refused(refused: Any, block: str, words: str) -> None:
    error = refused(gpu=block)
    assert words in error.message
    assert error.path.startswith("profiles.compute.small.resources.gpu")


@pytest.mark.parametrize(
    ("block", "models"),
    [
        ("{units: 5, units: 1, attributes: {vendor: {nvidia: }}}", ["*"]),
        ("{units: 1, units: ~, attributes: {vendor: {nvidia: }}}", ["*"]),
        ("{units: 1, attributes: {vendor: {nvidia: [{model: a}]}, vendor: {nvidia: [{model: b}]}}}", ["b"]),
        ("{units: 1, attributes: {vendor: {nvidia: [{model: a}]}, vendor: {amd: [{model: b}]}}}", ["a"]),
        ("[units, 1, attributes, [vendor, {nvidia: [{model: a}]}]]", ["a"]),
    ],
)
def test_the_block_is_read_by_hand_so_the_last_of_equal_keys_counts(
    compiled: Any, block: str, models: list[str]
) -> None:
    found = compiled(gpu=f"gpu: {block}").groups[0].resources[0].resources.gpu
    assert (found.units, [a.key.rpartition("/")[2] for a in found.attributes]) == (1, models)
