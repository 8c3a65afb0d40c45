from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from manifests.gpus import GpuModel, longest_model, wish
from provider.cluster.inventory.gpunames import derived, fitting, interface, size


@pytest.mark.parametrize(
    ("vendor", "product", "model"),
    [
        ("nvidia", "NVIDIA GeForce RTX 4070 Ti SUPER", "rtx4070tis"),
        ("nvidia", "NVIDIA-GeForce-RTX-3060-Laptop-GPU", "rtx3060m"),
        ("nvidia", "NVIDIA-A100-SXM4-80GB", "a100"),
        ("nvidia", "NVIDIA-H100-80GB-HBM3", "h100"),
        ("nvidia", "Tesla-T4", "t4"),
        ("nvidia", "Quadro-RTX-6000", "rtx6000"),
        ("nvidia", "NVIDIA", ""),
        ("amd", "AMD_Radeon_RX_7900_XTX", "rx7900xtx"),
        ("amd", "AMD_Radeon_Graphics", ""),
        ("intel", "Intel(R) Arc(TM) B580 Graphics", "arctmb580"),
        ("intel", "Max_1550", "max1550"),
    ],
)
def test_names_follow_the_networks_habit(vendor: str, product: str, model: str) -> None:
    assert derived(vendor, product) == model


@settings(deadline=None)
@given(st.text(max_size=80), st.sampled_from(["nvidia", "amd", "intel"]))
def test_whatever_a_driver_says_the_name_fits(product: str, vendor: str) -> None:
    name = derived(vendor, product)
    assert len(name) <= longest_model(vendor)
    assert re.fullmatch(r"[a-z0-9]*", name)
    if name:
        card = GpuModel(vendor, name)
        assert wish(card.key()).granted_by(card)
        assert card.labels()


def test_a_part_keeps_its_end_however_long_the_card_is_named() -> None:
    assert fitting("nvidia", "a" * 40, "-mig-1g.10gb").endswith("a-mig-1g.10gb")
    assert len(fitting("nvidia", "a" * 40, "-mig-1g.10gb")) == longest_model("nvidia")
    assert fitting("nvidia", "", "-mig-1g.10gb") == ""


@pytest.mark.parametrize(
    ("product", "mib", "expected"),
    [
        ("NVIDIA-A100-SXM4-80GB", "", "80Gi"),
        ("Tesla-T4", "15360", "16Gi"),
        ("", "81559", "80Gi"),
        ("", "600000", "586Gi"),
        ("", "0", ""),
        ("", "lots", ""),
        ("", "", ""),
    ],
)
def test_the_size_on_the_box(product: str, mib: str, expected: str) -> None:
    assert size(product, mib) == expected


@pytest.mark.parametrize(
    ("product", "model", "expected"),
    [
        ("NVIDIA-H900-SXM9-80GB", "h900", "sxm"),
        ("NVIDIA-H900-PCIe", "h900", "pcie"),
        ("NVIDIA-GeForce-RTX-6090", "rtx6090", "pcie"),
        ("NVIDIA-H900-80GB-HBM3", "h900", "sxm"),
        ("NVIDIA-X1", "x1", ""),
    ],
)
def test_the_interface_where_the_name_tells(product: str, model: str, expected: str) -> None:
    assert interface(product, model) == expected
