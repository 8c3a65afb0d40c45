from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bidengine.commit import Commit
from bidengine.node import Inventory
from bidengine.placement import Placement, Slot
from bidengine.quote import Quote
from bidengine.reasons import Decline, Reason
from bidengine.room import Room
from bidengine.tariff import MONTH_MS, Tariff, card_price, lines
from bidengine.tariff import price as quoted
from manifests.coins import E18, DecCoin, parse_decimal
from manifests.gpus import GpuModel
from manifests.resources import Endpoint, EndpointKind

HTTP, PORT = Endpoint(EndpointKind.SHARED_HTTP), Endpoint(EndpointKind.RANDOM_PORT)


def ip(number: int) -> Endpoint:
    return Endpoint(EndpointKind.LEASED_IP, number)


def price(*args: Any, **kw: Any) -> DecCoin | Decline:
    found = quoted(*args, **kw)
    return found.per_block if isinstance(found, Quote) else found


def usd(**amounts: str) -> dict[str, int]:
    return {key: parse_decimal(text) for key, text in amounts.items()}


HELM = Tariff(
    cpu_usd_e18=parse_decimal("1.60"),
    memory_usd_e18=parse_decimal("0.80"),
    storage_usd_e18=usd(ephemeral="0.02", beta1="0.01", beta2="0.03", beta3="0.04", default="0", ram="0"),
    gpu_usd_e18={
        "nvidia/a100": 900 * E18,
        "nvidia/a100/80Gi": 1000 * E18,
        "nvidia/a100/80Gi/sxm": 1100 * E18,
        "nvidia/t4": 80 * E18,
        "amd/mi100": 200 * E18,
        "amd/mi100/32Gi": 250 * E18,
        "*": 1500 * E18,
    },
    endpoint_usd_e18=parse_decimal("0.05"),
    ip_usd_e18=5 * E18,
)
"""The reference chart's script, with the mappings of bidengine-inventory.md §16.1."""


def group_a(make: Any, denom: str = "uact", ceiling: str = "1000000") -> Any:
    storage = [
        make.volume(5),
        make.volume(10, "beta3", name="data"),
        make.ram(1),
        make.volume(1, "default", name="more"),
    ]
    unit = make.unit(
        memory_gib=2,
        count=2,
        gpu=1,
        models=["a100"],
        storage=storage,
        endpoints=[HTTP, PORT, ip(1)],
        denom=denom,
        price=ceiling,
    )
    return make.group(unit)


def on(make: Any, spec: Any, card: GpuModel | None = None) -> Placement:
    return Placement(tuple(Slot(u.resources.id, "a", make.ask(), card) for u in spec.resources))


def month(found: Any) -> Fraction:
    assert not isinstance(found, Decline), found
    return sum((line.usd_per_month for line in found), Fraction(0))


def test_the_scripts_vectors_in_dollars_a_month(make: Any) -> None:
    a = group_a(make)
    assert month(lines(a, on(make, a, make.a100), HELM)) == Fraction("2212.5")
    two = make.group(
        make.unit(1, memory_gib=2, gpu=1, models=["t4"], storage=[make.volume(5)], endpoints=[HTTP, PORT, PORT]),
        make.unit(
            2, cpu=500, count=3, storage=[make.volume(10, "beta2"), make.volume(10, "beta1")], endpoints=[ip(1), ip(2)]
        ),
    )
    placement = Placement((Slot(1, "a", make.ask(), make.t4), Slot(2, "a", make.ask())))
    assert month(lines(two, placement, HELM)) == Fraction("99.45")


def test_a_block_costs_its_share_of_the_month_rounded_up_to_six_digits(make: Any) -> None:
    a = group_a(make)
    # 2212.5 USD · 10^6 · 6117 ms ÷ a month of 2 629 800 000 ms = 5146.34668135…
    assert price(a, on(make, a, make.a100), HELM, block_time_ms=6117) == DecCoin("uact", parse_decimal("5146.346681"))
    exact = Fraction(2_212_500_000 * 6117, MONTH_MS)
    assert 0 <= Fraction(parse_decimal("5146.346681"), E18) - exact < Fraction(1, 10**6)


def test_blocks_twice_as_long_cost_twice_as_much(make: Any) -> None:
    spec = make.group(make.unit(cpu=1000, memory_gib=0))
    tariff = Tariff(MONTH_MS * E18 // 10**6, 0, {}, {})
    assert [price(spec, on(make, spec), tariff, block_time_ms=ms) for ms in (1, 2, 6000)] == [
        DecCoin("uact", n * E18) for n in (1, 2, 6000)
    ]


def test_uakt_needs_the_price_of_akt(make: Any) -> None:
    a, place = group_a(make, "uakt"), on(make, group_a(make), make.a100)
    found = price(a, place, HELM, block_time_ms=6117, usd_per_akt_e18=parse_decimal("2.5"))
    assert found == DecCoin("uakt", parse_decimal("2058.538673"))
    for akt in (None, 0):
        found = price(a, place, HELM, block_time_ms=6117, usd_per_akt_e18=akt)
        assert found == Decline(Reason.DENOM_UNSUPPORTED, "the price of AKT is not known", final=False)
    found = price(group_a(make, "uatom"), place, HELM, block_time_ms=6117)
    assert found == Decline(Reason.DENOM_UNSUPPORTED, "we have no price in uatom", final=False)


def test_a_price_at_the_ceiling_is_bid_and_one_above_it_is_told(make: Any) -> None:
    place = on(make, group_a(make), make.a100)
    # two replicas: the group's ceiling is twice the unit's
    at = group_a(make, ceiling="2573.1733405")
    assert isinstance(price(at, place, HELM, block_time_ms=6117), DecCoin)
    below = group_a(make, ceiling="2573.17334")
    assert price(below, place, HELM, block_time_ms=6117) == Decline(
        Reason.PRICE_TOO_HIGH, "costs 5146.346681uact a block, the tenant pays at most 5146.34668uact", final=False
    )


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"storage_usd_e18": usd(ephemeral="1", ram="1", default="1")}, "usdPerMonth.storageGiB.beta3"),
        ({"storage_usd_e18": usd(ephemeral="1", beta3="1", default="1")}, "usdPerMonth.storageGiB.ram"),
        ({"gpu_usd_e18": {}}, "usdPerMonth.gpu.nvidia/a100/80Gi/sxm"),
        ({"endpoint_usd_e18": None}, "usdPerMonth.endpoint"),
        ({"ip_usd_e18": None}, "usdPerMonth.ip"),
    ],
)
def test_what_has_no_price_is_not_free(make: Any, change: Any, told: str) -> None:
    a = group_a(make)
    found = price(a, on(make, a, make.a100), replace(HELM, **change), block_time_ms=6000)
    assert isinstance(found, Decline)
    assert (found.reason, found.final) == (Reason.PRICE_UNKNOWN, False)
    assert told in found.detail


def test_a_gpu_without_a_known_card_has_no_price(make: Any) -> None:
    a = group_a(make)
    found = lines(a, Placement(()), HELM)
    assert isinstance(found, Decline)
    assert found.reason is Reason.PRICE_UNKNOWN


def test_a_price_of_nothing_is_not_bid(make: Any) -> None:
    spec = make.group(make.unit())
    found = price(spec, on(make, spec), Tariff(0, 0, {}, {}), block_time_ms=6000)
    assert isinstance(found, Decline)
    assert found.reason is Reason.PRICE_UNKNOWN


@pytest.mark.parametrize(
    ("card", "dollars"),
    [
        (GpuModel("nvidia", "a100", "80Gi", "sxm"), 1100),
        (GpuModel("nvidia", "a100", "80Gi", "pcie"), 1000),
        (GpuModel("nvidia", "a100", "40Gi", "sxm"), 900),
        (GpuModel("nvidia", "a100"), 900),
        (GpuModel("amd", "mi100", "32Gi", "pcie"), 250),
        (GpuModel("nvidia", "h100", "80Gi", "sxm"), 1500),
    ],
)
def test_the_most_specific_key_prices_a_card(card: GpuModel, dollars: int) -> None:
    assert card_price(card, HELM) == dollars * E18


def test_an_interface_and_a_vendor_can_have_a_price(make: Any) -> None:
    tariff = replace(HELM, gpu_usd_e18={"nvidia/*": 1, "nvidia/a100/sxm": 2, "nvidia/a100/80Gi": 3})
    assert card_price(GpuModel("nvidia", "a100", "40Gi", "sxm"), tariff) == 2
    assert card_price(make.a100, tariff) == 3
    assert card_price(make.t4, tariff) == 1
    assert card_price(GpuModel("amd", "mi100"), tariff) is None


def test_the_card_that_was_placed_is_priced_not_the_wish(make: Any) -> None:
    room = Room(Commit())
    room.see(Inventory((make.node("a", gpus={make.t4: 4}),)))
    spec = make.group(make.unit(cpu=1000, memory_gib=1, gpu=1, models=["*"]))
    placement = room.fit(spec)
    assert isinstance(placement, Placement)
    assert month(lines(spec, placement, HELM)) == Fraction("82.4")


def test_the_minimum_of_a_lease_is_one_more_line(make: Any) -> None:
    spec = make.group(make.unit())
    found = lines(spec, on(make, spec), replace(HELM, minimum_usd_e18=5 * E18))
    assert month(found) == 5
    assert not isinstance(found, Decline)
    assert [str(line) for line in found] == [
        "unit 1 cpu: 1 core × 1.6 = 1.6 USD/month",
        "unit 1 memory: 1 GiB × 0.8 = 0.8 USD/month",
        "up to the minimum of a lease: 1 lease × 5 = 2.6 USD/month",
    ]
    assert month(lines(spec, on(make, spec), replace(HELM, minimum_usd_e18=E18))) == Fraction("2.4")


def test_over_commit_does_not_make_it_cheaper(make: Any) -> None:
    """The reference priced the reduced amounts."""
    spec = make.group(make.unit(cpu=4000, memory_gib=4))
    prices = []
    for commit in (Commit(), Commit(100, 100, 100)):
        room = Room(commit)
        room.see(Inventory((make.node("a"),)))
        placement = room.fit(spec)
        assert isinstance(placement, Placement)
        prices.append(price(spec, placement, HELM, block_time_ms=6000))
    assert prices[0] == prices[1]


@settings(deadline=None)
@given(st.integers(10, 400_000), st.integers(1, 50), st.integers(0, 10**21), st.integers(500, 20_000))
def test_a_price_is_never_below_its_cost_and_less_than_a_step_above(
    make: Any, cpu: int, count: int, rate_e18: int, block_ms: int
) -> None:
    spec = make.group(make.unit(cpu=cpu, count=count, price="10000000000"))
    tariff = Tariff(rate_e18, E18, {}, {})
    found = price(spec, on(make, spec), tariff, block_time_ms=block_ms)
    assert isinstance(found, DecCoin)
    usd_e18 = Fraction(cpu * count * rate_e18, 1000) + count * E18
    exact_e18 = usd_e18 * 10**6 * block_ms / MONTH_MS
    assert 0 <= found.amount_e18 - exact_e18 < 10**12
    assert found.amount_e18 % 10**12 == 0
