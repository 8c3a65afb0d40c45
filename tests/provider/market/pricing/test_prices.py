"""The price file is re-read when it changes; a broken one never replaces prices that work. The oracle and auto-pricing
move prices without it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from bidengine.autoprice import AutoPolicy
from bidengine.commit import Commit
from bidengine.node import Inventory, Node
from bidengine.placement import Placement
from bidengine.quote import Quote
from bidengine.reasons import Decline, Reason
from bidengine.room import Room
from bidengine.tariff.currency import CoinPrice
from manifests.coins import E18
from provider.errors import ConfigError
from provider.market.pricing.prices import Prices

GOOD = "usdPerMonth: {cpu: 1.60, memoryGiB: 0.80, storageGiB: {ephemeral: 0.02}, endpoint: 0.05}\n"
UAKT = GOOD + "currencies: {uact: {}, uakt: {}}\n"


def write(path: Path, text: str | bytes, stamp: int) -> None:
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    os.utime(path, ns=(stamp, stamp))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    write(tmp_path / "prices.yaml", GOOD, 1)
    return tmp_path / "prices.yaml"


class FakeOracle:
    def __init__(self) -> None:
        self.prices: Mapping[str, CoinPrice] = {}
        self.wanted: list[str] = []

    def look(self, denoms: Any) -> None:
        self.wanted = sorted(denoms)


class FakeAuto:
    def __init__(self) -> None:
        self.factors_e18: dict[str, int] = {}
        self.moved = False

    def look(self, _policy: AutoPolicy) -> bool:
        return self.moved


def test_a_changed_file_is_taken_over(file: Path) -> None:
    prices = Prices(file)
    assert not prices.look()
    write(file, GOOD.replace("1.60", "2.00"), 2)
    assert prices.look()
    assert prices.current.cpu_usd_e18 == 2 * 10**18
    assert not prices.look()


def test_the_same_prices_written_again_are_no_change(file: Path) -> None:
    prices = Prices(file)
    write(file, GOOD + "# a comment\n", 2)
    assert not prices.look()


BROKEN = {
    "no yaml": ("usdPerMonth: [", "not YAML"),
    "unknown key": ("cpuu: 1\n" + GOOD, "cpuu: unknown key; known here"),
    "negative": (GOOD.replace("1.60", "-1"), "usdPerMonth.cpu: cannot be negative; write 0 or more (found '-1')"),
    "not a number": (GOOD.replace("1.60", ".nan"), "(found '.nan')"),
    "too large a number": (GOOD.replace("1.60", "1e400"), "(found '1e400')"),
    "empty": ("", "the price file is empty"),
    "huge": ("#" * (300 << 10), "at most 262144 are read"),
    "not text": (b"\xff\xfe\x00", "is not UTF-8"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_leaves_the_old_prices_and_says_what_to_do(file: Path, name: str) -> None:
    text, told = BROKEN[name]
    prices = Prices(file)
    before = prices.current
    write(file, text, 2)
    with capture_logs() as logs:
        assert not prices.look()
        assert not prices.look(), "a file that has not changed again is not told again"
    assert prices.current == before
    assert [(line["what"], line["event"]) for line in logs] == [("price file", "refused, the old one stays in force")]
    assert told in logs[0]["why"]
    write(file, GOOD.replace("0.80", "0.90"), 3)
    assert prices.look(), "and once mended it counts"


def test_a_file_that_vanishes_leaves_the_old_prices(file: Path) -> None:
    prices = Prices(file)
    file.unlink()
    assert not prices.look()
    assert prices.current.cpu_usd_e18 == 16 * 10**17


@pytest.mark.parametrize("name", BROKEN)
def test_without_prices_that_work_the_daemon_does_not_start(file: Path, name: str) -> None:
    """product.md D16: a script lost on an upgrade made GPUs free."""
    text, told = BROKEN[name]
    write(file, text, 2)
    with pytest.raises(ConfigError) as bad:
        Prices(file)
    assert told in bad.value.what
    assert bad.value.where.startswith(str(file))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(
        ConfigError, match=r"none\.yaml: the price file cannot be read: No such file or directory\. Set"
    ):
        Prices(tmp_path / "none.yaml")


def test_a_mistake_is_told_with_line_and_column(file: Path) -> None:
    write(file, "usdPerMonth:\n  cpu: much\n  memoryGiB: 1\n  storageGiB: {}\n", 2)
    with pytest.raises(ConfigError) as bad:
        Prices(file)
    assert str(bad.value) == (
        f"{file}:2:3: usdPerMonth.cpu: 'much' is not a decimal number with at most 18 digits after the point"
        " (found 'much'). See docs/prices.md for the format."
    )


def quote(
    prices: Prices, chain: Any, denom: str = "uact", window_s: int | None = None, owner: str = "akash1tenant"
) -> Quote | Decline:
    order = chain.orders_[chain.add_order(1)]
    unit = order.spec.resources[0]
    spec = replace(order.spec, resources=(replace(unit, price=replace(unit.price, denom=denom)),))
    order = replace(order, id=replace(order.id, owner=owner), spec=spec, reclamation_min_window_s=window_s)
    room = Room(Commit())
    room.see(Inventory((Node("n1", 1000, 4 << 30, 64 << 30),), node_ports=10))
    placement = room.fit(order.spec)
    assert isinstance(placement, Placement)
    return prices.quote(order, placement, block_time_ms=6000)


def test_the_oracle_is_asked_for_what_the_file_names_and_prices_come_and_go_with_it(file: Path, chain: Any) -> None:
    write(file, UAKT, 2)
    oracle = FakeOracle()
    prices = Prices(file, oracle)  # type: ignore[arg-type]
    assert (prices.look(), oracle.wanted, prices.denoms) == (False, ["akt"], {"uact", "uakt"})
    no = quote(prices, chain, "uakt")
    assert isinstance(no, Decline)
    assert no.reason is Reason.ORACLE_STALE
    oracle.prices = {"akt": CoinPrice(E18 // 2, 60)}
    assert prices.look(), "declined orders are looked at again"
    found = [quote(prices, chain, denom) for denom in ("uact", "uakt")]
    amounts = [q.per_block.amount_e18 for q in found if isinstance(q, Quote)]
    assert abs(Fraction(amounts[1], amounts[0]) - 2) < Fraction(1, 1000)
    oracle.prices = {"akt": CoinPrice(E18 // 2, 601)}
    assert prices.look()


def test_auto_pricing_moves_prices(file: Path, chain: Any) -> None:
    auto = FakeAuto()
    prices = Prices(file, auto=auto)  # type: ignore[arg-type]
    auto.moved, auto.factors_e18 = True, {"cpu": 2 * E18}
    assert prices.look()
    found = quote(prices, chain)
    assert isinstance(found, Quote)
    assert "auto-pricing of cpu" in [line.what for line in found.lines]


def test_a_tenant_and_the_notice_an_order_demands_have_their_price(file: Path, chain: Any) -> None:
    tenant = "akash1dge0lcc5rqxkw52rgav4q0fyhx7arcufmrkyww"
    write(file, GOOD + f"reclamation: {{percentPerHour: 1}}\nowners: {{{tenant}: {{discountPercent: 50}}}}\n", 2)
    prices = Prices(file)
    plain, noticed, friend = (
        quote(prices, chain), quote(prices, chain, window_s=36_000), quote(prices, chain, owner=tenant),
    )  # fmt: skip
    assert isinstance(plain, Quote)
    assert isinstance(noticed, Quote)
    assert isinstance(friend, Quote)
    assert noticed.usd_per_month == plain.usd_per_month * Fraction(11, 10)
    assert friend.usd_per_month == plain.usd_per_month / 2
