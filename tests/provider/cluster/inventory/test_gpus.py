from __future__ import annotations

import pytest

from manifests.gpus import LABELS, GpuModel, wish
from provider.cluster.inventory.discovered import PREFIX, Card, labels_of
from provider.cluster.inventory.gpus import Cards, card_labels, cards
from provider.cluster.inventory.gputable import bundled

A100 = GpuModel("nvidia", "a100", "80Gi", "sxm")
NFD = "feature.node.kubernetes.io/pci-"


def akash(*keys: str, count: str = "8") -> dict[str, str]:
    return {LABELS + key: count for key in keys}


def look(labels: dict[str, str], resource: str = "nvidia.com/gpu", offered: int = 8) -> Cards:
    return cards(tuple(sorted(labels.items())), resource, offered, bundled())


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
        pytest.param(
            akash("nvidia.model.rtx4090")
            | {f"{NFD}0300_10de_2204.present": "true", f"{NFD}0300_10de_2684.present": "true"},
            GpuModel("nvidia", "rtx4090"),
            id="and before what lies in the slots",
        ),
        pytest.param({}, None, id="nothing said"),
    ],
)
def test_from_the_labels_of_the_akash_schema(labels: dict[str, str], model: GpuModel | None) -> None:
    assert look(labels).model == model


@pytest.mark.parametrize(
    ("labels", "model", "left"),
    [
        ({"nvidia.com/gpu.product": "Tesla-T4"}, "t4", False),
        ({f"{NFD}0302_10de_1eb8.present": "true"}, "t4", False),
        (akash("nvidia.model.rtx4090"), "rtx4090", False),
        ({}, "a100", True),
        ({f"{NFD}0302_10de_2204.present": "true", f"{NFD}0300_10de_2684.present": "true"}, None, False),
        ({"nvidia.com/gpu.product": "Tesla-T4", "nvidia.com/gpu.sharing-strategy": "time-slicing"}, None, False),
    ],
    ids=["its product", "its device", "a person's label", "nothing", "two models", "shared"],
)
def test_what_the_references_operator_has_left_counts_only_where_nothing_is_seen(
    labels: dict[str, str], model: str | None, left: bool
) -> None:
    before = akash("nvidia.model.a100", "nvidia.model.a100.ram.80Gi")
    found = cards(tuple(sorted(labels.items())), "nvidia.com/gpu", 8, bundled(), tuple(sorted(before.items())))
    assert (found.model.model if found.model else None, found.left) == (model, left)


@pytest.mark.parametrize(
    ("product", "mib", "model"),
    [
        ("Tesla-T4", "15360", GpuModel("nvidia", "t4", "16Gi", "pcie")),
        ("NVIDIA-A100-SXM4-80GB", "81920", GpuModel("nvidia", "a100", "80Gi", "sxm")),
        ("NVIDIA-A100-PCIE-40GB", "40960", GpuModel("nvidia", "a100", "40Gi", "pcie")),
        ("NVIDIA-A100-80GB-PCIe", "81920", GpuModel("nvidia", "a100", "80Gi", "pcie")),
        ("NVIDIA-H100-80GB-HBM3", "81559", GpuModel("nvidia", "h100", "80Gi", "sxm")),
        ("NVIDIA-H100-PCIe", "81559", GpuModel("nvidia", "h100", "80Gi", "pcie")),
        ("NVIDIA-H100-NVL", "95830", GpuModel("nvidia", "h100nvl", "94Gi", "pcie")),
        ("NVIDIA-H200", "143771", GpuModel("nvidia", "h200", "141Gi", "sxm")),
        ("NVIDIA-H200", "", GpuModel("nvidia", "h200", "141Gi", "sxm")),
        ("NVIDIA-B200", "183359", GpuModel("nvidia", "b200", "180Gi", "sxm")),
        ("NVIDIA-GH200-480GB", "97871", GpuModel("nvidia", "gh200", "96Gi", "sxm")),
        ("NVIDIA-GeForce-RTX-4090", "24564", GpuModel("nvidia", "rtx4090", "24Gi", "pcie")),
        ("NVIDIA-GeForce-RTX-4090", "49140", GpuModel("nvidia", "rtx4090", "48Gi", "pcie")),
        ("NVIDIA-GeForce-RTX-4070-SUPER", "12282", GpuModel("nvidia", "rtx4070s", "12Gi", "pcie")),
        ("NVIDIA-GeForce-GTX-1080-Ti", "11264", GpuModel("nvidia", "gtx1080ti", "11Gi", "pcie")),
        ("NVIDIA-RTX-A6000", "49140", GpuModel("nvidia", "rtxa6000", "48Gi", "pcie")),
        ("NVIDIA-RTX-A5000", "24564", GpuModel("nvidia", "a5000", "24Gi", "pcie")),
        ("NVIDIA-RTX-6000-Ada-Generation", "49140", GpuModel("nvidia", "rtx6000ada", "48Gi", "pcie")),
        ("NVIDIA-RTX-PRO-6000-Blackwell-Server-Edition", "97887", GpuModel("nvidia", "pro6000se", "96Gi", "pcie")),
        ("NVIDIA-L40S", "46068", GpuModel("nvidia", "l40s", "48Gi", "pcie")),
        ("NVIDIA-L4", "23034", GpuModel("nvidia", "l4", "24Gi", "pcie")),
        ("NVIDIA-A2", "15356", GpuModel("nvidia", "a2", "16Gi", "pcie")),
        ("Tesla-V100-SXM2-16GB", "16384", GpuModel("nvidia", "v100", "16Gi", "sxm")),
    ],
)
def test_from_nvidias_feature_discovery(product: str, mib: str, model: GpuModel) -> None:
    labels = {"nvidia.com/gpu.product": product, "nvidia.com/gpu.memory": mib}
    found = look(labels)
    assert (found.model, found.unlisted) == (model, "")
    assert look(labels, "amd.com/gpu").model is None


@pytest.mark.parametrize(
    ("resource", "labels", "model"),
    [
        pytest.param(
            "amd.com/gpu",
            {"amd.com/gpu.device-id": "74a1", "amd.com/gpu.vram": "192G"},
            GpuModel("amd", "mi300x", "192Gi"),
            id="AMD, by its device",
        ),
        pytest.param(
            "amd.com/gpu",
            {"beta.amd.com/gpu.device-id.738c": "4", "beta.amd.com/gpu.vram.32G": "4"},
            GpuModel("amd", "mi100", "32Gi", "pcie"),
            id="AMD, by the labels of old",
        ),
        pytest.param(
            "amd.com/gpu",
            {"beta.amd.com/gpu.device-id.74a1": "4", "beta.amd.com/gpu.device-id.74b5": "4"},
            GpuModel("amd", "mi300x", "192Gi"),
            id="AMD, two devices that are one model",
        ),
        pytest.param(
            "amd.com/gpu",
            {
                "amd.com/gpu.device-id": "744c",
                "amd.com/gpu.product-name": "AMD_Radeon_RX_7900_XTX",
                "amd.com/gpu.vram": "24G",
            },
            GpuModel("amd", "rx7900xtx", "24Gi", "pcie"),
            id="AMD, a device that is several cards: the product tells",
        ),
        pytest.param(
            "gpu.intel.com/i915",
            {"gpu.intel.com/device-id.0380-0bd5.present": "true", "gpu.intel.com/product": "Max_1550"},
            GpuModel("intel", "max1550", "128Gi"),
            id="Intel",
        ),
        pytest.param(
            "gpu.intel.com/xe",
            {f"{NFD}0300_8086_e20b.present": "true"},
            GpuModel("intel", "arcb580", "12Gi", "pcie", "gpu.intel.com/xe"),
            id="Intel's newer driver, known by the PCI list",
        ),
        pytest.param(
            "nvidia.com/gpu",
            {f"{NFD}0302_10de_2330.present": "true"},
            GpuModel("nvidia", "h100", "80Gi", "sxm"),
            id="NVIDIA, by the PCI list with classes",
        ),
        pytest.param(
            "nvidia.com/gpu",
            {f"{NFD}10de_26b9.present": "true", f"{NFD}10de_22ba.present": "true"},
            GpuModel("nvidia", "l40s", "48Gi", "pcie"),
            id="without classes the card's sound is no card",
        ),
    ],
)
def test_every_vendor_is_told_by_device_or_product(resource: str, labels: dict[str, str], model: GpuModel) -> None:
    found = look(labels, resource)
    assert (found.model, found.why_not, found.unlisted) == (model, "", "")


@pytest.mark.parametrize(
    ("resource", "labels", "model", "unlisted"),
    [
        pytest.param(
            "nvidia.com/gpu",
            {"nvidia.com/gpu.product": "NVIDIA-RTX-PRO-9000-Turbo", "nvidia.com/gpu.memory": "130000"},
            GpuModel("nvidia", "rtxpro9000turbo", "128Gi", "pcie"),
            "NVIDIA-RTX-PRO-9000-Turbo",
            id="by its product",
        ),
        pytest.param(
            "nvidia.com/gpu",
            {f"{NFD}0302_10de_9999.present": "true"},
            GpuModel("nvidia", "pci9999"),
            "PCI device 9999",
            id="by its PCI device alone",
        ),
        pytest.param(
            "amd.com/gpu",
            {"amd.com/gpu.product-name": "AMD_Instinct_MI999Z_OAM", "amd.com/gpu.device-id": "7fff"},
            GpuModel("amd", "mi999z"),
            "AMD_Instinct_MI999Z_OAM",
            id="AMD's",
        ),
    ],
)
def test_a_card_on_no_list_is_sold_under_a_derived_name(
    resource: str, labels: dict[str, str], model: GpuModel, unlisted: str
) -> None:
    found = look(labels, resource)
    assert found == Cards(model, "", unlisted)
    assert found.model is not None
    assert wish(found.model.key()).granted_by(found.model), "the name fits the market's grammar"


@pytest.mark.parametrize(
    ("resource", "labels", "model"),
    [
        pytest.param(
            "nvidia.com/mig-1g.10gb",
            {"nvidia.com/mig-1g.10gb.product": "NVIDIA-A100-SXM4-80GB-MIG-1g.10gb", "nvidia.com/mig.strategy": "mixed"},
            GpuModel("nvidia", "a100-mig-1g.10gb", "10Gi", "", "nvidia.com/mig-1g.10gb"),
            id="strategy mixed: a resource for each size",
        ),
        pytest.param(
            "nvidia.com/gpu",
            {"nvidia.com/gpu.product": "NVIDIA-H100-80GB-HBM3-MIG-2g.20gb", "nvidia.com/mig.strategy": "single"},
            GpuModel("nvidia", "h100-mig-2g.20gb", "20Gi"),
            id="strategy single: under the name of whole cards",
        ),
        pytest.param(
            "nvidia.com/mig-1g.10gb.me",
            {"nvidia.com/gpu.product": "NVIDIA-H100-80GB-HBM3"},
            GpuModel("nvidia", "h100-mig-1g.10gb.me", "10Gi", "", "nvidia.com/mig-1g.10gb.me"),
            id="with media engines, told by the card alone",
        ),
        pytest.param(
            "nvidia.com/mig-3g.40gb",
            akash("nvidia.model.a100", "nvidia.model.a100.ram.80Gi"),
            GpuModel("nvidia", "a100-mig-3g.40gb", "40Gi", "", "nvidia.com/mig-3g.40gb"),
            id="a card that the reference's operator has labelled",
        ),
        pytest.param(
            "nvidia.com/mig-3g.40gb",
            akash("nvidia.model.special-mig-3g.40gb", "nvidia.model.special-mig-3g.40gb.ram.39Gi", "nvidia.model.a100"),
            GpuModel("nvidia", "special-mig-3g.40gb", "39Gi", "", "nvidia.com/mig-3g.40gb"),
            id="an operator's own name for a part",
        ),
        pytest.param(
            "amd.com/cpx_nps4",
            {"amd.com/gpu.device-id": "74a1"},
            GpuModel("amd", "mi300x-cpx-nps4", "", "", "amd.com/cpx_nps4"),
            id="AMD's partitions",
        ),
        pytest.param(
            "amd.com/gpu",
            {"amd.com/gpu.device-id": "74a1", "amd.com/gpu.compute-memory-partition": "cpx_nps4"},
            GpuModel("amd", "mi300x-cpx-nps4"),
            id="AMD's partitions under the name of whole cards",
        ),
        pytest.param(
            "amd.com/spx_nps1",
            {"amd.com/gpu.device-id": "74a1", "amd.com/gpu.vram": "192G"},
            GpuModel("amd", "mi300x", "192Gi", "", "amd.com/spx_nps1"),
            id="an AMD card in one piece, under its long name",
        ),
    ],
)
def test_a_part_of_a_card_is_a_model_of_its_own(resource: str, labels: dict[str, str], model: GpuModel) -> None:
    found = look(labels, resource, 64)
    assert (found.model, found.why_not) == (model, "")
    assert model.resource == resource, "its pods ask for exactly that"


@pytest.mark.parametrize(
    ("resource", "labels", "says"),
    [
        pytest.param("nvidia.com/gpu", akash("nvidia.model.t4", "nvidia.model.a100"), "a100, t4", id="two models"),
        pytest.param(
            "nvidia.com/gpu",
            akash("nvidia.model.a100.ram.40Gi", "nvidia.model.a100.ram.80Gi"),
            "40Gi, 80Gi",
            id="two sizes of one model",
        ),
        pytest.param(
            "nvidia.com/gpu",
            {
                f"{NFD}0300_10de_2204.present": "true",
                f"{NFD}0302_10de_26b9.present": "true",
                "nvidia.com/gpu.product": "NVIDIA-L40S",
            },
            "l40s, rtx3090",
            id="two in the slots, of which feature discovery names one",
        ),
        pytest.param(
            "amd.com/gpu",
            {"beta.amd.com/gpu.device-id.738c": "1", "beta.amd.com/gpu.device-id.7fff": "1"},
            "device 7fff, mi100",
            id="AMD, one of two unknown",
        ),
        pytest.param("nvidia.com/gpu", {"nvidia.com/gpu.product": "Tesla-T4-SHARED"}, "shared", id="shared in time"),
        pytest.param(
            "nvidia.com/gpu",
            akash("nvidia.model.t4") | {"nvidia.com/gpu.product": "Tesla-T4", "nvidia.com/gpu.sharing-strategy": "mps"},
            "mps",
            id="shared by MPS, whatever the label",
        ),
        pytest.param("nvidia.com/gpu.shared", {"nvidia.com/gpu.product": "Tesla-T4"}, "shared", id="by its name"),
        pytest.param(
            "gpu.intel.com/i915",
            {"gpu.intel.com/device-id.0380-56c0.present": "true", "gpu.intel.com/device-id.0380-56c0.count": "2"},
            "2 cards are offered as 8",
            id="Intel cards shared",
        ),
        pytest.param(
            "nvidia.com/gpu",
            {"nvidia.com/gpu.product": "NVIDIA-A100-SXM4-40GB-MIG-INVALID"},
            "not cut alike",
            id="strategy single with different sizes",
        ),
        pytest.param(
            "nvidia.com/gpu",
            {"nvidia.com/gpu.product": "NVIDIA-A100-SXM4-40GB", "nvidia.com/mig.config.state": "pending"},
            "cut anew",
            id="in the middle of being cut",
        ),
        pytest.param(
            "amd.com/gpu",
            {
                "beta.amd.com/gpu.compute-memory-partition.cpx_nps4": "8",
                "beta.amd.com/gpu.compute-memory-partition.spx_nps1": "7",
            },
            "cpx_nps4, spx_nps1",
            id="AMD parts of two sizes",
        ),
        pytest.param("nvidia.com/gpu", {"nvidia.com/gpu.product": "NVIDIA"}, "no model", id="no name left"),
        pytest.param("nvidia.com/gpu", {}, "no label says", id="nothing said"),
        pytest.param("cray.com/gpu", {}, "no GPU that is known", id="a resource of nobody"),
    ],
)
def test_cards_that_cannot_be_promised_say_why(resource: str, labels: dict[str, str], says: str) -> None:
    found = look(labels, resource)
    assert found.model is None
    assert says in found.why_not


def test_a_long_name_still_fits_a_label_with_its_part() -> None:
    labels = {"nvidia.com/gpu.product": "NVIDIA-Extraordinarily-Long-Name-Of-A-Card"}
    for resource in ("nvidia.com/gpu", "nvidia.com/mig-1g.24gb.gfx"):
        model = look(labels, resource).model
        assert model is not None
        assert model.labels(), "the label that its pods look for can be written"


def test_labels_of_a_card_are_read_back() -> None:
    labels = card_labels(A100, 8)
    assert labels == akash("nvidia.model.a100", "nvidia.model.a100.ram.80Gi", "nvidia.model.a100.interface.sxm")
    assert look(labels).model == A100
    assert card_labels(GpuModel("amd", "mi60"), 2) == {LABELS + "amd.model.mi60": "2"}


# --- where no labeller says anything: what `akp discover` has found -------------------------------------------------

L40S, RTX3090 = Card("10de", "26b9", "NVIDIA L40S"), Card("10de", "2204")
NEW, OTHER = Card("10de", "9999", "NVIDIA RTX PRO 9000 Turbo"), Card("10de", "9999", "NVIDIA Nameless")
H100, IN_PARTS = Card("10de", "2330", "NVIDIA H100 80GB HBM3"), Card("10de", "20b2", cut=True)
ON_BOARD = Card("8086", "4680")


@pytest.mark.parametrize(
    ("resource", "found", "model", "unlisted"),
    [
        pytest.param("nvidia.com/gpu", [L40S] * 8, GpuModel("nvidia", "l40s", "48Gi", "pcie"), "", id="by its number"),
        pytest.param(
            "nvidia.com/gpu", [H100] * 8 + [ON_BOARD], GpuModel("nvidia", "h100", "80Gi", "sxm"), "",
            id="another vendor's beside it",
        ),
        pytest.param("nvidia.com/gpu", [L40S] * 9, GpuModel("nvidia", "l40s", "48Gi", "pcie"), "", id="one is sick"),
        pytest.param(
            "nvidia.com/gpu", [Card("10de", "25b6", "NVIDIA A16")] * 8, GpuModel("nvidia", "a16", "16Gi", "pcie"), "",
            id="a number of several cards: the driver tells which",
        ),
        pytest.param(
            "nvidia.com/gpu", [NEW] * 8, GpuModel("nvidia", "rtxpro9000turbo", "", "pcie"), "NVIDIA-RTX-PRO-9000-Turbo",
            id="on no list: by what its driver calls it",
        ),
        pytest.param(
            "nvidia.com/gpu", [Card("10de", "9999")] * 8, GpuModel("nvidia", "pci9999"), "PCI device 9999",
            id="on no list, and nobody has a name for it",
        ),
        pytest.param("amd.com/gpu", [Card("1002", "74a1")] * 8, GpuModel("amd", "mi300x", "192Gi"), "", id="AMD"),
        pytest.param("gpu.intel.com/i915", [Card("8086", "56c0")] * 8, None, "", id="Intel"),
        pytest.param(
            "nvidia.com/mig-1g.10gb", [IN_PARTS],
            GpuModel("nvidia", "a100-mig-1g.10gb", "10Gi", "", "nvidia.com/mig-1g.10gb"), "",
            id="a part that its resource names",
        ),
        pytest.param(
            "amd.com/cpx_nps4", [Card("1002", "74a1")], GpuModel("amd", "mi300x-cpx-nps4", "", "", "amd.com/cpx_nps4"),
            "", id="AMD's parts",
        ),
    ],
)  # fmt: skip
def test_from_what_was_discovered(resource: str, found: list[Card], model: GpuModel | None, unlisted: str) -> None:
    heard = look(labels_of(found), resource)
    assert (heard.why_not, heard.unlisted) == ("", unlisted)
    assert heard.model is not None
    assert heard.model == model or model is None
    assert heard.model.resource == resource


@pytest.mark.parametrize(
    ("found", "says"),
    [
        pytest.param([L40S] * 4 + [RTX3090] * 4, "nvidia l40s, rtx3090 on one node go by one name", id="two models"),
        pytest.param([L40S] * 4 + [Card("10de", "9999")] * 4, "nvidia device 9999, l40s", id="one of them on no list"),
        pytest.param(
            [NEW] * 4 + [OTHER] * 4, "device 9999 (NVIDIA-Nameless), device 9999 (NVIDIA-RTX", id="of one number"
        ),
        pytest.param([L40S] * 4, "4 cards are offered as 8: cards shared between pods", id="shared in time"),
        pytest.param([IN_PARTS] * 8, "cards are cut into parts: whether nvidia.com/gpu is", id="cut, under one name"),
        pytest.param([ON_BOARD], "no label says what the cards are. The vendor's labeller, `akp discover`", id="none"),
    ],
)
def test_what_was_discovered_and_cannot_be_promised(found: list[Card], says: str) -> None:
    heard = look(labels_of(found))
    assert heard.model is None
    assert says in heard.why_not


def test_an_operators_label_corrects_what_was_discovered_but_for_what_keeps_tenants_apart() -> None:
    theirs = akash("nvidia.model.rtx4090")
    for found in ([NEW] * 4 + [OTHER] * 4, [L40S] * 4 + [RTX3090] * 4):
        assert look(labels_of(found) | theirs).model == GpuModel("nvidia", "rtx4090")
    for found in ([L40S] * 4, [IN_PARTS] * 8):
        assert look(labels_of(found) | theirs).model is None


@pytest.mark.parametrize(
    ("labels", "model"),
    [
        ({"nvidia.com/gpu.product": "NVIDIA-L40S"}, "l40s"),
        ({f"{NFD}0302_10de_26b9.present": "true"}, "l40s"),
        (akash("nvidia.model.l40s"), "l40s"),
        ({"nvidia.com/gpu.present": "true", f"{NFD}0302_10de.present": "true"}, "h100"),
        ({f"{PREFIX}something-new": "1"}, "h100"),
    ],
)
def test_a_labeller_is_heard_before_what_was_discovered(labels: dict[str, str], model: str) -> None:
    """Discovery may have left a node that has one by now, and its labels be old; one that tells no card is none."""
    found = look(labels_of([H100] * 8) | labels).model
    assert found is not None
    assert found.model == model
