"""GPU wishes: the grammar of a key, and which cards grant it."""

from __future__ import annotations

import pytest

from manifests.errors import Invalid
from manifests.gpus import GpuModel, GpuWish, longest_model, wish, wishes
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


@pytest.mark.parametrize(
    ("model", "part"),
    [
        ("a100-mig-1g.10gb", True),
        ("h100-mig-1g.10gb.me", True),
        ("mi300x-cpx-nps4", True),
        ("mi300x-dpx", True),
        ("a100", False),
        ("rtx4090", False),
        ("mig-thing", False),
    ],
)
def test_a_part_of_a_card_is_known_by_its_name(model: str, part: bool) -> None:
    card = GpuModel("nvidia", model)
    assert card.part is part
    assert wish(card.key()).granted_by(card), "asked for by its name it is granted"
    assert wish("vendor/nvidia/model/*").granted_by(card) is not part, "any card is a whole one"


def test_the_resource_a_card_goes_by() -> None:
    assert GpuModel("amd", "mi300x").resource == "amd.com/gpu"
    assert GpuModel("intel", "flex170").resource == "gpu.intel.com/i915"
    assert GpuModel("nvidia", "a100-mig-1g.5gb", resource_name="nvidia.com/mig-1g.5gb").resource == (
        "nvidia.com/mig-1g.5gb"
    )


def test_labels_that_are_too_long_are_left_out() -> None:
    key = "akash.network/capabilities.gpu.vendor.nvidia.model."
    assert A100.labels() == (f"{key}a100", f"{key}a100.ram.80Gi", f"{key}a100.interface.sxm")
    longest = "m" * longest_model("nvidia")
    assert GpuModel("nvidia", longest, "80Gi").labels() == (key + longest,)
    assert GpuModel("nvidia", longest + "m").labels() == ()
