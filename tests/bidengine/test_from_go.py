"""The Go chart's prices as a price file that our parser takes, with the same numbers."""

from __future__ import annotations

import pytest

from bidengine.from_go import prices_from_go
from bidengine.tariff import card_price
from bidengine.tariff.file import parse_tariff
from manifests.coins import E18, parse_decimal
from manifests.errors import Invalid
from manifests.gpus import GpuModel

VALUES = """
from: akash1provider
price_target_cpu: 1.25
price_target_memory: "0.30"
price_target_hd_ephemeral: 0.02
price_target_hd_pers_nvme: 0.06
price_target_ip: 7
price_target_gpu_mappings: "a100=900, a100.80Gi=1000,a100.80Gi.sxm=1100,mi100=200,rtx4090.pcie=150.5,*=1500"
"""


def test_every_price_keeps_its_number() -> None:
    tariff = parse_tariff(prices_from_go(VALUES))
    assert (tariff.cpu_usd_e18, tariff.memory_usd_e18) == (parse_decimal("1.25"), parse_decimal("0.3"))
    classes = {"ephemeral": "0.02", "beta1": "0.01", "beta2": "0.03", "beta3": "0.06", "default": "0", "ram": "0"}
    assert tariff.storage_usd_e18 == {name: parse_decimal(usd) for name, usd in classes.items()}
    assert (tariff.endpoint_usd_e18, tariff.ip_usd_e18) == (parse_decimal("0.05"), 7 * E18)


@pytest.mark.parametrize(
    ("card", "usd"),
    [
        (GpuModel("nvidia", "a100", "80Gi", "sxm"), "1100"),
        (GpuModel("nvidia", "a100", "80Gi", "pcie"), "1000"),
        (GpuModel("nvidia", "a100", "40Gi", "sxm"), "900"),
        (GpuModel("amd", "mi100", "32Gi", "pcie"), "200"),
        (GpuModel("nvidia", "rtx4090", "24Gi", "pcie"), "150.5"),
        (GpuModel("nvidia", "h100", "80Gi", "sxm"), "1500"),
    ],
    ids=["all three", "memory", "model", "amd", "interface", "unknown: the highest"],
)
def test_a_card_costs_what_the_script_would_have_said(card: GpuModel, usd: str) -> None:
    assert card_price(card, parse_tariff(prices_from_go(VALUES))) == parse_decimal(usd)


def test_without_mappings_a_card_costs_a_hundred() -> None:
    tariff = parse_tariff(prices_from_go("from: akash1provider\n"))
    assert dict(tariff.gpu_usd_e18) == {"*": 100 * E18}
    assert tariff.cpu_usd_e18 == parse_decimal("1.6")


def test_cheap_cards_do_not_lower_the_price_of_unknown_ones() -> None:
    tariff = parse_tariff(prices_from_go("price_target_gpu_mappings: t4=40\n"))
    assert dict(tariff.gpu_usd_e18) == {"*": 100 * E18, "nvidia/t4": 40 * E18}


def test_the_scripts_variables_are_read_as_well() -> None:
    lines = "# from the pod\nexport PRICE_TARGET_CPU=2\nPRICE_TARGET_GPU_MAPPINGS='a100=900,*=1500'\nHOME=/root\n"
    tariff = parse_tariff(prices_from_go(lines))
    assert tariff.cpu_usd_e18 == 2 * E18
    assert tariff.gpu_usd_e18["nvidia/a100"] == 900 * E18


def test_what_has_its_place_elsewhere_is_pointed_to() -> None:
    text = prices_from_go(
        "bidpricescript: IyEvYmluL2Jhc2g=\nwhitelist_url: https://x.test/list\nbidpricecpuscale: 0.004\n"
    )
    assert [line.split(":")[1].strip() for line in text.splitlines() if line.startswith("# Not here")] == [
        "bidpricescript",
        "whitelist_url",
        "bidpricecpuscale",
    ]
    assert "bid.strategy: script" in text


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("price_target_cpu: much\n", "price_target_cpu: 'much'"),
        ("price_target_ip: -5\n", "price_target_ip: .*negative"),
        ("price_target_gpu_mappings: a100\n", "gpu_mappings: a100: ''"),
        ("price_target_gpu_mappings: a100.huge.sxm=5\n", r"model\[\.80Gi\]"),
        ("- a\n", "values"),
        ("a: [\n", "not YAML"),
        ("", "values"),
    ],
    ids=["no number", "negative", "no price", "no memory", "a list", "no yaml", "nothing"],
)
def test_what_cannot_be_read_is_named(text: str, says: str) -> None:
    with pytest.raises(Invalid, match=says):
        prices_from_go(text)
