from __future__ import annotations

import re

import pytest

from bidengine import tariff_file
from bidengine.tariff import Tariff
from bidengine.tariff_file import parse_tariff
from manifests.coins import E18
from manifests.errors import Invalid

GOOD = """\
currency: uact
usdPerMonth:
  cpu: 1.60
  memoryGiB: 0.80
  storageGiB: {ephemeral: 0.02, beta3: 0.04, ram: 0.8}
  endpoint: 0.05
  ip: 5
  gpu:
    "*": 100
    nvidia/*: 300
    nvidia/a100: 900
    nvidia/a100/sxm: 950
    nvidia/a100/80Gi/sxm: 1100.000000000000000001
minimumUsdPerMonth: 0.5
"""


def test_amounts_are_read_exactly() -> None:
    assert parse_tariff(GOOD) == Tariff(
        cpu_usd_e18=16 * E18 // 10,
        memory_usd_e18=8 * E18 // 10,
        storage_usd_e18={"ephemeral": 2 * E18 // 100, "beta3": 4 * E18 // 100, "ram": 8 * E18 // 10},
        gpu_usd_e18={
            "*": 100 * E18,
            "nvidia/*": 300 * E18,
            "nvidia/a100": 900 * E18,
            "nvidia/a100/sxm": 950 * E18,
            "nvidia/a100/80Gi/sxm": 1100 * E18 + 1,
        },
        endpoint_usd_e18=5 * E18 // 100,
        ip_usd_e18=5 * E18,
        minimum_usd_e18=E18 // 2,
        currency="uact",
    )


def test_what_is_left_out_has_no_price() -> None:
    tariff = parse_tariff("usdPerMonth: {cpu: 1, memoryGiB: 1, storageGiB: {}}")
    assert (tariff.endpoint_usd_e18, tariff.ip_usd_e18, tariff.gpu_usd_e18, tariff.minimum_usd_e18) == (
        None,
        None,
        {},
        0,
    )


def test_the_example_in_the_module_is_a_price_file() -> None:
    text = (tariff_file.__doc__ or "").partition("\n\n")[2].rpartition("\n\n")[0]
    assert parse_tariff(re.sub("^    ", "", text, flags=re.MULTILINE)).ip_usd_e18 == 5 * E18


@pytest.mark.parametrize(
    ("old", "new", "path", "line", "told"),
    [
        ("cpu: 1.60", "cpus: 1.60", "usdPerMonth.cpu", None, "is missing"),
        ("ip: 5", "ips: 5", "usdPerMonth.ips", 7, "known here: cpu, endpoint, gpu, ip, memoryGiB, storageGiB"),
        ("minimumUsdPerMonth", "minimum", "minimum", 14, "known here: currency, minimumUsdPerMonth, usdPerMonth"),
        ("cpu: 1.60", "cpu: 1,60", "usdPerMonth.cpu", 3, "'1,60' is not a decimal number"),
        ("cpu: 1.60", "cpu: 1e3", "usdPerMonth.cpu", 3, "'1e3' is not a decimal number"),
        ("cpu: 1.60", "cpu:", "usdPerMonth.cpu", 3, "'' is not a decimal number"),
        ("cpu: 1.60", "cpu: -1", "usdPerMonth.cpu", 3, "cannot be negative"),
        ("cpu: 1.60", "cpu: [1]", "usdPerMonth.cpu", 3, "an amount in dollars is expected"),
        ("beta3: 0.04", "beta3: x", "usdPerMonth.storageGiB.beta3", 5, "'x' is not a decimal number"),
        ("beta3: 0.04", "Beta 3: 1", "usdPerMonth.storageGiB.Beta 3", 5, "a storage class is a lower-case name"),
        ("nvidia/a100: 900", "a100: 900", "usdPerMonth.gpu.a100", 11, 'a GPU is written "*"'),
        ("currency: uact", "currency: uakt", "currency", 1, "'uact'"),
        ("ip: 5", "cpu: 5", "usdPerMonth.cpu", 7, "the key is there twice"),
        ("ip: 5", "? [a]\n  : 5", "usdPerMonth", 7, "a key must be a single word"),
        ("ip: 5", "ip: {a: {b: {c: {d: {e: {f: {g: {h: 1}}}}}}}}", "usdPerMonth.ip.a.b.c.d.e.f.g", 7, "too deeply"),
    ],
)
def test_a_mistake_is_named_with_its_place(old: str, new: str, path: str, line: int | None, told: str) -> None:
    assert old in GOOD
    with pytest.raises(Invalid) as bad:
        parse_tariff(GOOD.replace(old, new, 1))
    assert (bad.value.path, bad.value.line) == (path, line)
    assert told in bad.value.message


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "empty"),
        ("a: [", "not YAML"),
        ("- 1", "dict"),
        ("&a {usdPerMonth: *a}", "too deeply"),
        ("a: 1\n--- 2", "not YAML"),
    ],
)
def test_what_is_no_price_file_at_all(text: str, told: str) -> None:
    with pytest.raises(Invalid, match=told):
        parse_tariff(text)
