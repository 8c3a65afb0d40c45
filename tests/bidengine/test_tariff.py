"""From dollars a month to an amount a block: exact, rounded once, never below cost and never above the ceiling."""

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
from bidengine.quote import Quote, total
from bidengine.reasons import Decline, Reason
from bidengine.room import Room
from bidengine.tariff import MONTH_MS, CoinPrice, Tariff, card_price, lines
from bidengine.tariff import price as quoted
from bidengine.tariff.terms import Currency, Floor
from manifests.coins import E18, DecCoin, parse_decimal
from manifests.gpus import GpuModel
from tests.bidengine.tariffs import HELM, HTTP, PORT, dollars, group_a, ip, on

USDC = "ibc/170C677610AC31DF0904FFE09CD3B5C657492170E7E52372E48756B71E56F2F1"
MARKET = {"akt": CoinPrice(dollars("2.5"), 0)}
COINS = replace(HELM, currencies={"uact": Currency(), "uakt": Currency(None, "akt"), USDC: Currency()})


def price(*args: Any, **kw: Any) -> DecCoin | Decline:
    found = quoted(*args, **kw)
    return found.per_block if isinstance(found, Quote) else found


def month(found: Any) -> Fraction:
    assert not isinstance(found, Decline), found
    return total(found)


SCRIPT_BLOCKS = 429_909
"""a month, in the reference's script"""


def two_units(make: Any, denom: str = "uact") -> Any:
    return make.group(
        make.unit(
            1, memory_gib=2, gpu=1, models=["t4"], storage=[make.volume(5)], endpoints=[HTTP, PORT, PORT], denom=denom
        ),
        make.unit(
            2, cpu=500, count=3, storage=[make.volume(10, "beta2"), make.volume(10, "beta1")], endpoints=[ip(1), ip(2)],
            denom=denom,
        ),
    )  # fmt: skip


SXM, T4 = GpuModel("nvidia", "a100", "80Gi", "sxm"), GpuModel("nvidia", "t4", "16Gi", "pcie")
PCIE = GpuModel("nvidia", "a100", "80Gi", "pcie")
MI100 = GpuModel("amd", "mi100", "32Gi", "pcie")
HUNDRED = {"*": 100 * E18}


def small(make: Any, gpu: int = 0) -> Any:
    """A tenth of a core, half a GiB of each, one endpoint."""
    half = replace(make.volume(1), quantity_bytes=1 << 29)
    unit = make.unit(cpu=100, gpu=gpu, storage=[half], endpoints=[HTTP])
    return make.group(
        replace(unit, resources=replace(unit.resources, memory=replace(unit.resources.memory, quantity_bytes=1 << 29)))
    )


@pytest.mark.parametrize(
    ("case", "gpu", "spec", "cards", "wanted"),
    [
        pytest.param("A", None, group_a, {1: SXM}, "5146.437967", id="A"),
        pytest.param("A", HUNDRED, group_a, {1: SXM}, "494.290652",
                     id="A at 100 a card"),
        pytest.param("A", {"nvidia/a100": 900 * E18}, group_a, {1: PCIE}, "4216.008504", id="A with the model's price"),
        pytest.param("small", None, small, {}, "1.442166", id="no GPU"),
        pytest.param("mi100", {"amd/mi100": 200 * E18}, lambda m: small(m, gpu=1), {1: MI100}, "466.656897", id="AMD"),
        pytest.param("two", None, two_units, {1: T4}, "231.328025", id="two units"),
    ],
)  # fmt: skip
def test_the_reference_scripts_vectors(
    make: Any, case: str, gpu: Any, spec: Any, cards: dict[int, GpuModel], wanted: str
) -> None:
    """bidengine-inventory.md §16.1: what the script printed is our month, over the blocks it takes a month to have."""
    group = spec(make)
    placement = Placement(
        tuple(Slot(u.resources.id, "a", make.ask(), cards.get(u.resources.id)) for u in group.resources)
    )
    usd = month(lines(group, placement, HELM if gpu is None else replace(HELM, gpu_usd_e18=gpu)))
    printed = Fraction(parse_decimal(wanted), E18)
    assert abs(usd * 10**6 / SCRIPT_BLOCKS - printed) <= Fraction(1, 10**6), case


def test_in_uakt_the_script_divides_by_the_price_of_akt(make: Any) -> None:
    usd = month(lines(group_a(make), on(make, group_a(make), make.a100), HELM))
    assert abs(usd * 10**6 / SCRIPT_BLOCKS / Fraction("2.5") - Fraction("2058.575187")) <= Fraction(1, 10**6)


def test_where_the_script_ignores_memory_and_interface_the_card_that_runs_counts(make: Any) -> None:
    """It read the price of an mi100 for one with 32Gi, and never found `a100.pcie` beside a memory size."""
    assert card_price(MI100, HELM) == 250 * E18
    assert card_price(PCIE, replace(HELM, gpu_usd_e18={"nvidia/a100": 900, "nvidia/a100/pcie": 850})) == 850


def test_a_block_costs_its_share_of_the_month_rounded_up_to_six_digits(make: Any) -> None:
    a = group_a(make)
    # 2212.5 USD · 10^6 · 6117 ms ÷ a month of 2 629 800 000 ms = 5146.34668035…
    assert price(a, on(make, a, make.a100), HELM, block_time_ms=6117) == DecCoin("uact", parse_decimal("5146.346681"))
    exact = Fraction(2_212_500_000 * 6117, MONTH_MS)
    assert 0 <= Fraction(parse_decimal("5146.346681"), E18) - exact < Fraction(1, 10**6)


def test_blocks_twice_as_long_cost_twice_as_much(make: Any) -> None:
    spec = make.group(make.unit(cpu=1000, memory_gib=0))
    tariff = Tariff(MONTH_MS * E18 // 10**6, 0, {}, {})
    assert [price(spec, on(make, spec), tariff, block_time_ms=ms) for ms in (1, 2, 6000)] == [
        DecCoin("uact", n * E18) for n in (1, 2, 6000)
    ]


@pytest.mark.parametrize("denom", ["uact", "uakt", USDC])
@pytest.mark.parametrize("gpus", [0, 1, 8])
@pytest.mark.parametrize("endpoints", [0, 1, 3])
@pytest.mark.parametrize("count", [1, 5])
def test_denominations_gpus_endpoints_and_replicas_are_all_priced(
    make: Any, denom: str, gpus: int, endpoints: int, count: int
) -> None:
    """product.md D7: GPUs were free, every denomination was taken for the same, endpoints ignored."""
    unit = make.unit(
        cpu=2000,
        memory_gib=3,
        count=count,
        gpu=gpus,
        models=["t4"] * bool(gpus),
        endpoints=[PORT] * endpoints,
        denom=denom,
    )
    spec = make.group(unit)
    found = quoted(spec, on(make, spec, make.t4 if gpus else None), COINS, block_time_ms=6000, market=MARKET)
    assert isinstance(found, Quote)
    usd = count * (2 * Fraction("1.6") + 3 * Fraction("0.8") + gpus * 80) + endpoints * Fraction("0.05")
    assert found.usd_per_month == usd
    coin = Fraction("2.5") if denom == "uakt" else 1
    exact = usd / coin * 10**6 * 6000 / MONTH_MS
    assert found.per_block.denom == denom
    assert 0 <= Fraction(found.per_block.amount_e18, E18) - exact < Fraction(1, 10**6)


def test_an_order_in_a_coin_without_a_fresh_price_is_declined(make: Any) -> None:
    a = group_a(make, "uakt")
    for market in ({}, {"akt": CoinPrice(E18, 100_000)}):
        found = price(a, on(make, a, make.a100), COINS, block_time_ms=6117, market=market)
        assert isinstance(found, Decline)
        assert found.reason is Reason.ORACLE_STALE
    found = price(group_a(make, "uatom"), on(make, a, make.a100), COINS, block_time_ms=6117)
    assert isinstance(found, Decline)
    assert found.reason is Reason.DENOM_UNSUPPORTED


def test_a_haircut_makes_it_dearer_by_just_what_is_lost(make: Any) -> None:
    spec = make.group(make.unit(denom=USDC))
    cut = replace(COINS, currencies={USDC: Currency(haircut_e18=dollars("0.2"))})
    amounts = [price(spec, on(make, spec), tariff, block_time_ms=6000) for tariff in (COINS, cut)]
    assert amounts == [DecCoin(USDC, dollars("5.475702")), DecCoin(USDC, dollars("6.844627"))]


@pytest.mark.parametrize(
    ("ceiling", "wanted"),
    [
        pytest.param("5146.346681", "5146.346681", id="just what it costs, rounded"),
        pytest.param("5146.3466805", "5146.3466805", id="between the cost and its rounding"),
        pytest.param("5146.34668", None, id="below the cost"),
        pytest.param("0", None, id="nothing"),
    ],
)
def test_the_tenants_ceiling(make: Any, ceiling: str, wanted: str | None) -> None:
    half = parse_decimal(ceiling) // 2  # two replicas: the group's ceiling is twice the unit's
    a = group_a(make)
    a = replace(a, resources=tuple(replace(u, price=DecCoin("uact", half)) for u in a.resources))
    found = price(a, on(make, a, make.a100), HELM, block_time_ms=6117)
    if wanted is not None:
        assert found == DecCoin("uact", parse_decimal(wanted))
        return
    told = f"costs 5146.346681uact a block, the tenant pays at most {ceiling}uact"
    assert found == Decline(Reason.PRICE_TOO_HIGH, told, final=False)


def test_below_the_floor_there_is_no_bid_and_at_it_there_is(make: Any) -> None:
    spec = make.group(make.unit(memory_gib=0))
    for cost, bids in (("1.6", True), ("1.600000000000000001", False)):
        found = quoted(spec, on(make, spec), replace(HELM, floor=Floor(cpu_usd_e18=dollars(cost))), block_time_ms=6000)
        assert isinstance(found, Quote) == bids
        if isinstance(found, Quote):
            assert found.floor_usd_per_month == found.usd_per_month == Fraction("1.6")
        else:
            assert found.reason is Reason.PRICE_BELOW_FLOOR


def test_a_discount_may_take_a_price_below_the_floor_which_is_told_not_mended(make: Any) -> None:
    spec = make.group(make.unit(memory_gib=0))
    tariff = replace(HELM, floor=Floor(cpu_usd_e18=E18), change_e18=-E18 // 2)
    found = price(spec, on(make, spec), tariff, block_time_ms=6000)
    told = "would earn 0.8 USD a month and cost 1, margin included"
    assert found == Decline(Reason.PRICE_BELOW_FLOOR, told, final=False)


def test_a_tenant_may_have_a_tariff_of_their_own(make: Any) -> None:
    spec = make.group(make.unit(memory_gib=0))
    tariff = replace(HELM, owners={"akash1friend": replace(HELM, change_e18=-E18 // 4)})
    found = [quoted(spec, on(make, spec), tariff, block_time_ms=6000, owner=who) for who in ("akash1friend", "akash1x")]
    assert [q.usd_per_month for q in found if isinstance(q, Quote)] == [Fraction("1.2"), Fraction("1.6")]


def test_a_price_of_nothing_is_not_bid(make: Any) -> None:
    spec = make.group(make.unit())
    found = price(spec, on(make, spec), Tariff(0, 0, {}, {}), block_time_ms=6000)
    assert isinstance(found, Decline)
    assert found.reason is Reason.PRICE_UNKNOWN


def test_a_quote_says_everything_it_is_made_of(make: Any) -> None:
    spec = make.group(make.unit(denom="uakt"))
    tariff = replace(COINS, floor=Floor(cpu_usd_e18=E18), minimum_usd_e18=5 * E18)
    found = quoted(spec, on(make, spec), tariff, block_time_ms=6000, market=MARKET)
    assert isinstance(found, Quote)
    assert [str(line) for line in found.lines] == [
        "unit 1 cpu: 1 core × 1.6 = 1.6 USD/month",
        "unit 1 memory: 1 GiB × 0.8 = 0.8 USD/month",
        "up to the minimum of a lease: 1 lease × 5 = 2.6 USD/month",
    ]
    assert [str(line) for line in found.floor] == ["unit 1 cpu: 1 core × 1 = 1 USD/month"]
    assert str(found.conversion) == "1 uakt = 2.5/10^6 USD (oracle, 0 s old), a block of 6000 ms"
    assert (found.usd_per_month, found.floor_usd_per_month) == (5, 1)


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


AMOUNT = st.integers(0, 20)


@settings(deadline=None)
@given(st.data())
def test_more_of_anything_never_costs_less(make: Any, data: Any) -> None:
    less = {what: data.draw(AMOUNT) for what in ("cpu", "memory", "disk", "gpu", "ports")}
    more = {what: amount + data.draw(AMOUNT) for what, amount in less.items()}
    count = data.draw(st.integers(1, 5))
    tariff = replace(
        HELM, minimum_usd_e18=data.draw(st.integers(0, 100 * E18)), change_e18=data.draw(st.integers(-9, 9)) * E18 // 10
    )
    amounts = []
    for asked, replicas in ((less, count), (more, count + data.draw(st.integers(0, 3)))):
        unit = make.unit(
            cpu=1 + asked["cpu"] * 100, memory_gib=asked["memory"], count=replicas, gpu=asked["gpu"],
            storage=[make.volume(asked["disk"])], endpoints=[PORT] * asked["ports"], price="10000000000",
        )  # fmt: skip
        spec = make.group(unit)
        found = price(spec, on(make, spec, make.t4), tariff, block_time_ms=6000)
        assert isinstance(found, DecCoin)
        assert found.amount_e18 > 0
        amounts.append(found.amount_e18)
    assert amounts[0] <= amounts[1]
