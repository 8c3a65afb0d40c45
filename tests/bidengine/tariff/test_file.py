"""The price file is read exactly, and every mistake is told with its place and its cure."""

from __future__ import annotations

import re

import pytest

from bidengine.autoprice import AutoMode, AutoPolicy, Target
from bidengine.tariff import file as tariff_file
from bidengine.tariff.file import parse_tariff
from bidengine.tariff.terms import Currency, Floor, Reclamation, Tariff
from manifests.coins import E18
from manifests.errors import Invalid
from tests.bidengine.tariffs import dollars, usd

FRIEND = "akash1dge0lcc5rqxkw52rgav4q0fyhx7arcufmrkyww"
AUDITOR = "akash12dx7qpl3fegwch4zgg6w4uqdp0zgqcf2c06wu2"
USDC = "ibc/170C677610AC31DF0904FFE09CD3B5C657492170E7E52372E48756B71E56F2F1"
GOOD = f"""\
currencies:
  uact: {{}}
  uakt: {{haircutPercent: 2, fallbackUsd: 0.5, maxAgeSeconds: 300}}
  {USDC}: {{usd: 1, haircutPercent: 0.5}}
  ubtc: {{oracle: btc}}
  uold: {{usd: 1, enabled: false}}
usdPerMonth:
  cpu: 1.60
  memoryGiB: 0.80
  storageGiB: {{ephemeral: 0.02, ram: 0.8}}
  endpoint: 0.05
usdPerHour:
  storageGiB: {{beta3: 0.0001}}
  ip: 0.01
  gpu:
    "*": 0.2
    nvidia/a100/80Gi/sxm: 1.50000000000000002
minimumUsdPerMonth: 0.5
owners:
  {FRIEND}:
    discountPercent: 20
    usdPerMonth: {{cpu: 1, gpu: {{nvidia/t4: 60}}}}
    minimumUsdPerHour: 0
multipliers:
  attributes:
    tier: {{premium: 1.25, community: 0.9}}
  signedBy: {{"*": 1.05, {AUDITOR}: 1.1}}
reclamation: {{percentPerHour: 0.1}}
floor:
  usdPerKwh: 0.2
  watts: {{cpu: 5, gpu: {{"*": 300}}}}
  usdPerMonth: {{cpu: 0.2, memoryGiB: 0.1, storageGiB: {{beta3: 0.01}}}}
  usdPerHour: {{gpu: {{nvidia/a100: 0.2}}}}
  feesUsdPerLease: 0.01
  expectedLeaseHours: 48
  marginPercent: 5
autoPrice:
  mode: dry-run
  stepPercent: 3
  coolDownBlocks: 100
  undercutPercent: 2
  cpu: {{targetPercent: 70, lowestPercent: 80, highestPercent: 150}}
  gpu: {{nvidia/a100: {{targetPercent: 90, lowestPercent: 50, highestPercent: 200}}}}
"""
LEAST = "usdPerMonth: {cpu: 1, memoryGiB: 1, storageGiB: {}}"


def test_amounts_are_read_exactly() -> None:
    everybody = Tariff(
        cpu_usd_e18=dollars("1.6"),
        memory_usd_e18=dollars("0.8"),
        storage_usd_e18=usd(ephemeral="0.02", beta3="0.07305", ram="0.8"),
        gpu_usd_e18={"*": dollars("146.1"), "nvidia/a100/80Gi/sxm": dollars("1095.75000000000001461")},
        endpoint_usd_e18=dollars("0.05"),
        ip_usd_e18=dollars("7.305"),
        minimum_usd_e18=E18 // 2,
        attributes={("tier", "premium"): dollars("1.25"), ("tier", "community"): dollars("0.9")},
        signed_by={"*": dollars("1.05"), AUDITOR: dollars("1.1")},
        reclamation=Reclamation(share_e18=E18 // 1000),
        floor=Floor(
            usd_per_kwh_e18=E18 // 5, cpu_watts_e18=5 * E18, gpu_watts_e18={"*": 300 * E18},
            cpu_usd_e18=E18 // 5, memory_usd_e18=E18 // 10, storage_usd_e18=usd(beta3="0.01"),
            gpu_usd_e18={"nvidia/a100": dollars("146.1")}, fees_usd_e18=E18 // 100, expected_lease_hours=48,
            margin_e18=E18 // 20,
        ),
        currencies={
            "uact": Currency(E18),
            "uakt": Currency(None, "akt", E18 // 2, 300, E18 // 50),
            USDC: Currency(E18, haircut_e18=E18 // 200),
            "ubtc": Currency(None, "btc"),
        },
        auto=AutoPolicy(
            AutoMode.DRY_RUN, 3 * E18 // 100, 5 * E18 // 100, E18 // 50, 100,
            Target(7 * E18 // 10, 8 * E18 // 10, 15 * E18 // 10),
            {"nvidia/a100": Target(9 * E18 // 10, E18 // 2, 2 * E18)},
        ),
    )  # fmt: skip
    found = parse_tariff(GOOD)
    friend = found.of(FRIEND)
    assert {name: getattr(found, name) for name in Tariff.__slots__ if name != "owners"} == {
        name: getattr(everybody, name) for name in Tariff.__slots__ if name != "owners"
    }
    assert (friend.cpu_usd_e18, friend.memory_usd_e18, friend.change_e18) == (E18, dollars("0.8"), -E18 // 5)
    assert friend.gpu_usd_e18 == {**everybody.gpu_usd_e18, "nvidia/t4": 60 * E18}
    assert (friend.minimum_usd_e18, friend.floor) == (0, everybody.floor)
    assert found.of("akash1anybody") is found


def test_what_is_left_out_has_no_price() -> None:
    tariff = parse_tariff(LEAST)
    assert tariff == Tariff(E18, E18, {}, {})
    assert (tariff.endpoint_usd_e18, tariff.ip_usd_e18, tariff.minimum_usd_e18) == (None, None, 0)
    assert tariff.currencies == {"uact": Currency(E18)}
    assert parse_tariff("currency: uact\n" + LEAST) == tariff


def test_the_example_in_the_module_is_a_price_file() -> None:
    text = (tariff_file.__doc__ or "").partition("\n\n")[2].rpartition("\n\n")[0]
    assert parse_tariff(re.sub("^    ", "", text, flags=re.MULTILINE)).ip_usd_e18 == 5 * E18


@pytest.mark.parametrize(
    ("old", "new", "path", "line", "told"),
    [
        ("cpu: 1.60", "cpus: 1.60", "usdPerMonth.cpus", 8, "did you mean cpu? known here: cpu, endpoint, gpu"),
        ("  cpu: 1.60\n", "", "usdPerMonth.cpu", 7, "is missing; what costs nothing must be said to cost 0"),
        ("ip: 0.01", "x: 5", "usdPerHour.x", 14, "known here: cpu, endpoint, gpu, ip, memoryGiB, storageGiB"),
        ("floor:", "flor:", "flor", 29, "did you mean floor? known here: autoPrice, currencies, currency"),
        ("discountPercent", "discount", f"owners.{FRIEND}.discount", 21, "did you mean discountPercent?"),
        ("targetPercent: 70", "target: 70", "autoPrice.cpu.target", 42, "did you mean targetPercent?"),
        ("cpu: 1.60", "cpu: 1,60", "usdPerMonth.cpu", 8, "'1,60' is not a decimal number"),
        ("cpu: 1.60", "cpu: .nan", "usdPerMonth.cpu", 8, "'.nan' is not a decimal number"),
        ("cpu: 1.60", "cpu: 1e400", "usdPerMonth.cpu", 8, "'1e400' is not a decimal number"),
        ("cpu: 1.60", "cpu: " + "9" * 41, "usdPerMonth.cpu", 8, "999999999999… has 41 characters"),
        ("cpu: 1.60", "cpu: 1000000001", "usdPerMonth.cpu", 8, "cannot be more than a thousand million"),
        ("cpu: 1.60", "cpu:", "usdPerMonth.cpu", 8, "'' is not a decimal number"),
        ("cpu: 1.60", "cpu: -1", "usdPerMonth.cpu", 8, "cannot be negative"),
        ("cpu: 1.60", "cpu: [1]", "usdPerMonth.cpu", 8, "a number is expected"),
        ("ram: 0.8", "ram: x", "usdPerMonth.storageGiB.ram", 10, "'x' is not a decimal number"),
        ("ram: 0.8", "Beta 3: 1", "usdPerMonth.storageGiB.Beta 3", 10, "a storage class is a lower-case name"),
        ("nvidia/a100/80Gi/sxm", "a100", "usdPerHour.gpu.a100", 17, "a GPU is written vendor/model"),
        ("ip: 0.01", "cpu: 5", "usdPerHour.cpu", 14, "has a price under usdPerMonth as well; keep one"),
        ("beta3: 0.0001", "ram: 1", "usdPerHour.storageGiB.ram", 13, "has a price under usdPerMonth as well"),
        ("0.01\n", "0.000000000000000001\n", "usdPerHour.ip", 14, "an hour's price may have 17"),
        ('"*": 0.2', '"*": 0.2\n    nvidia/*/80Gi: 1\n    "*/a100/80Gi": 1', "usdPerHour.gpu.*/a100/80Gi", 18,
         "*/a100/80Gi both fit nvidia/a100/80Gi and neither is more specific; give nvidia/a100/80Gi a line of its own"),
        ("nvidia/t4: 60", "nvidia/*: 1, '*/t4': 1", f"owners.{FRIEND}.usdPerMonth.gpu.*/t4", 22, "neither is more"),
        ('"*": 0.2', '"*": 0.2\n    "*/*": 1', "usdPerHour.gpu.*/*", 17, "* and */* mean the same cards; keep one"),
        ('"*": 300', '"*": 300, "*/*": 1', "floor.watts.gpu.*/*", 31, "mean the same cards"),
        ("  usdPerKwh: 0.2\n", "", "floor.watts", 30, "power has no price; write floor.usdPerKwh too"),
        ("expectedLeaseHours: 48", "expectedLeaseHours: 0", "floor.expectedLeaseHours", 35, "cannot be 0"),
        ("expectedLeaseHours: 48", "expectedLeaseHours: 1.5", "floor.expectedLeaseHours", 35, "a whole number"),
        ("discountPercent: 20", "discountPercent: 100", f"owners.{FRIEND}.discountPercent", 21, "below 100 percent"),
        ("discountPercent: 20", "discountPercent: 20\n    markupPercent: 1", f"owners.{FRIEND}.markupPercent", 22,
         "discountPercent is there as well; keep one"),
        (f"  {FRIEND}:", f"  {FRIEND[:-1]}x:", f"owners.{FRIEND[:-1]}x", 20, "wrong checksum"),
        (f"  {FRIEND}:", "  everybody:", "owners.everybody", 20, "an account is expected"),
        ("premium: 1.25", "premium: 0", "multipliers.attributes.tier.premium", 26, "cannot be 0"),
        ("percentPerHour: 0.1", "percentPerHour: 0.1, usdPerMonthPerHour: 1",
         "reclamation.usdPerMonthPerHour", 28, "percentPerHour is there as well"),
        ("  uact: {}", "  uact: {usd: 1, oracle: act}", "currencies.uact.usd", 2, "keep one"),
        ("  uact: {}", "  ufoo: {}", "currencies.ufoo", 2, "has no price; write usd"),
        ("  uact: {}", "  u!: {usd: 1}", "currencies.u!", 2, "a denomination is e.g. uact"),
        ("  uact: {}", "  uact: {fallbackUsd: 1}", "currencies.uact", 2, "this one is fixed"),
        ("currencies:", "currency: uact\ncurrencies:", "currency", 1, "currencies is there as well"),
        ("haircutPercent: 2,", "haircutPercent: 100,", "currencies.uakt.haircutPercent", 3, "below 100 percent"),
        ("enabled: false", "enabled: off", "currencies.uold.enabled", 6, "'true' or 'false'"),
        ("minimumUsdPerMonth: 0.5", "minimumUsdPerMonth: 1\nminimumUsdPerHour: 1", "minimumUsdPerHour", 19, "keep one"),
        ("mode: dry-run", "mode: dry", "autoPrice.mode", 38, "'off', 'dry-run' or 'on'"),
        ("  mode: dry-run\n", "", "autoPrice.mode", 37, "is missing"),
        ("stepPercent: 3", "stepPercent: 0", "autoPrice.stepPercent", 39, "cannot be 0"),
        ("lowestPercent: 80", "lowestPercent: 101", "autoPrice.cpu", 42, "100 is the price in this file"),
        ("nvidia/a100: {t", "nvidia/a100/80Gi: {t", "autoPrice.gpu.nvidia/a100/80Gi", 43, "vendor/model"),
        ("reclamation: {percentPerHour: 0.1}", "reclamation: 5", "reclamation", 28, "`key: value` lines are expected"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_its_place_and_its_cure(old: str, new: str, path: str, line: int, told: str) -> None:
    assert old in GOOD
    with pytest.raises(Invalid) as bad:
        parse_tariff(GOOD.replace(old, new, 1))
    assert (bad.value.path, bad.value.line) == (path, line)
    assert bad.value.column is not None
    assert told in bad.value.message


def test_the_value_that_was_found_is_told() -> None:
    with pytest.raises(Invalid) as bad:
        parse_tariff(GOOD.replace("cpu: 1.60", "cpu: -1"))
    assert (bad.value.value, bad.value.line, bad.value.column) == ("-1", 8, 3)
    with pytest.raises(Invalid) as bad:
        parse_tariff(GOOD.replace("ip: 0.01", "cpu: 5"))
    assert bad.value.value == "5"


def test_a_currency_that_is_off_is_not_taken_and_one_must_be_on() -> None:
    assert "uold" not in parse_tariff(GOOD).currencies
    with pytest.raises(Invalid, match="none is enabled"):
        parse_tariff(f"currencies: {{uact: {{enabled: false}}}}\n{LEAST}")


def test_tenants_with_the_same_terms_may_share_them() -> None:
    found = parse_tariff(f"owners:\n  {FRIEND}: &kin {{discountPercent: 5}}\n  {AUDITOR}: *kin\n{LEAST}")
    assert found.of(FRIEND) == found.of(AUDITOR) != found
