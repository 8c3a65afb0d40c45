"""GPU wishes: the grammar of a key, and which cards grant it."""

from __future__ import annotations

import pytest

from manifests.errors import Invalid
from manifests.gpus import GpuModel, GpuWish, wish, wishes
from manifests.resources import Attribute

A100 = GpuModel("nvidia", "a100", "80Gi", "sxm")


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("vendor/nvidia/model/a100", GpuWish("nvidia", "a100")),
        ("vendor/nvidia/model/*", GpuWish("nvidia", "*")),
        ("vendor/nvidia/model/a100/ram/80Gi", GpuWish("nvidia", "a100", "80Gi")),
        ("vendor/amd/model/mi300/interface/pcie", GpuWish("amd", "mi300", "", "pcie")),
        ("vendor/nvidia/model/a100/ram/80Gi/interface/sxm", GpuWish("nvidia", "a100", "80Gi", "sxm")),
    ],
)
def test_a_key_is_read(key: str, expected: GpuWish) -> None:
    assert wish(key) == expected


@pytest.mark.parametrize(
    "key", ["", "vendor/nvidia", "model/a100", "vendor/nvidia/model/a/b", "vendor/nvidia/model/a/interface/x/ram/8Gi"]
)
def test_a_key_outside_the_grammar_is_refused(key: str) -> None:
    with pytest.raises(Invalid):
        wish(key)


@pytest.mark.parametrize(
    ("key", "granted"),
    [
        ("vendor/nvidia/model/*", True),
        ("vendor/nvidia/model/a100", True),
        ("vendor/nvidia/model/a100/ram/80Gi/interface/sxm", True),
        ("vendor/nvidia/model/a100/ram/40Gi", False),
        ("vendor/nvidia/model/h100", False),
        ("vendor/amd/model/*", False),
        ("vendor/nvidia/model/a100/interface/pcie", False),
    ],
)
def test_which_wishes_a_card_grants(key: str, granted: bool) -> None:
    assert wish(key).granted_by(A100) is granted


def test_a_card_writes_its_own_key() -> None:
    assert wish(A100.key()).granted_by(A100)
    assert A100.resource == "nvidia.com/gpu"
    assert GpuModel("amd", "mi300").key() == "vendor/amd/model/mi300"


def test_only_attributes_that_are_true_are_wishes() -> None:
    assert wishes((Attribute("vendor/nvidia/model/t4", "true"), Attribute("vendor/nvidia/model/a100", "false"))) == (
        GpuWish("nvidia", "t4"),
    )
