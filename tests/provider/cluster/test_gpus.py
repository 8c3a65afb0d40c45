from __future__ import annotations

import pytest

from manifests.gpus import GpuModel
from provider.cluster.gpus import PREFIX, card_labels, cards

A100 = GpuModel("nvidia", "a100", "80Gi", "sxm")


def akash(*keys: str, count: str = "8") -> dict[str, str]:
    return {PREFIX + key: count for key in keys}


@pytest.mark.parametrize(
    ("labels", "model"),
    [
        pytest.param(akash("nvidia.model.t4"), GpuModel("nvidia", "t4"), id="model alone"),
        pytest.param(
            akash("nvidia.model.a100", "nvidia.model.a100.ram.80Gi", "nvidia.model.a100.interface.sxm"),
            A100,
            id="all of it",
        ),
        pytest.param(
            akash("nvidia.model.a100.ram.80Gi"), GpuModel("nvidia", "a100", "80Gi"), id="only the longer label"
        ),
        pytest.param(akash("amd.model.mi60"), None, id="another vendor's"),
        pytest.param(akash("nvidia.model.t4", count="0"), None, id="none left of it"),
        pytest.param(
            akash("nvidia.model.rtx4090") | {"nvidia.com/gpu.product": "Tesla-T4"},
            GpuModel("nvidia", "rtx4090"),
            id="an Akash label is believed before feature discovery",
        ),
        pytest.param({}, None, id="nothing said"),
    ],
)
def test_from_the_labels_of_the_akash_schema(labels: dict[str, str], model: GpuModel | None) -> None:
    assert cards(labels, "nvidia").model == model


@pytest.mark.parametrize(
    ("product", "mib", "model"),
    [
        ("Tesla-T4", "15360", GpuModel("nvidia", "t4", "16Gi", "pcie")),
        ("NVIDIA-A100-SXM4-80GB", "81920", GpuModel("nvidia", "a100", "80Gi", "sxm")),
        ("NVIDIA-A100-PCIE-40GB", "40960", GpuModel("nvidia", "a100", "40Gi", "pcie")),
        ("NVIDIA-H100-80GB-HBM3", "81559", GpuModel("nvidia", "h100", "80Gi", "sxm")),
        ("NVIDIA-H100-PCIe", "81559", GpuModel("nvidia", "h100", "80Gi", "pcie")),
        ("NVIDIA-H100-NVL", "95830", GpuModel("nvidia", "h100nvl", "94Gi", "pcie")),
        ("NVIDIA-H200", "143771", GpuModel("nvidia", "h200", "141Gi")),
        ("NVIDIA-GeForce-RTX-4090", "24564", GpuModel("nvidia", "rtx4090", "24Gi", "pcie")),
        ("NVIDIA-GeForce-GTX-1080-Ti", "11264", GpuModel("nvidia", "gtx1080ti", "11Gi", "pcie")),
        ("NVIDIA-RTX-A6000", "49140", GpuModel("nvidia", "rtxa6000", "48Gi", "pcie")),
        ("NVIDIA-L4", "23034", GpuModel("nvidia", "l4", "24Gi", "pcie")),
        ("Tesla-V100-SXM2-16GB", "16384", GpuModel("nvidia", "v100", "16Gi", "sxm")),
        ("NVIDIA-H200", "", GpuModel("nvidia", "h200")),
    ],
)
def test_from_nvidias_feature_discovery(product: str, mib: str, model: GpuModel) -> None:
    assert cards({"nvidia.com/gpu.product": product, "nvidia.com/gpu.memory": mib}, "nvidia").model == model
    assert cards({"nvidia.com/gpu.product": product}, "amd").model is None


@pytest.mark.parametrize(
    ("labels", "says"),
    [
        pytest.param(akash("nvidia.model.t4", "nvidia.model.a100"), "a100, t4", id="two models on one node"),
        pytest.param(
            akash("nvidia.model.a100.ram.40Gi", "nvidia.model.a100.ram.80Gi"), "40Gi, 80Gi", id="two sizes of one model"
        ),
        pytest.param({"nvidia.com/gpu.product": "NVIDIA-A100-SXM4-80GB-MIG-1g.10gb"}, "share", id="a slice"),
        pytest.param({"nvidia.com/gpu.product": "Tesla-T4-SHARED"}, "share", id="shared in time"),
        pytest.param({"nvidia.com/gpu.product": "NVIDIA"}, "no model", id="no name left"),
    ],
)
def test_cards_that_cannot_be_promised_say_why(labels: dict[str, str], says: str) -> None:
    found = cards(labels, "nvidia")
    assert found.model is None
    assert says in found.why_not


def test_labels_of_a_card_are_read_back() -> None:
    labels = card_labels(A100, 8)
    assert labels == akash("nvidia.model.a100", "nvidia.model.a100.ram.80Gi", "nvidia.model.a100.interface.sxm")
    assert cards(labels, "nvidia").model == A100
    assert card_labels(GpuModel("amd", "mi60"), 2) == {PREFIX + "amd.model.mi60": "2"}
