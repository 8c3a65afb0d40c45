"""Sums add up in every grouping, in coins and in dollars."""

from __future__ import annotations

from typing import Any

import pytest

from manifests.coins import E18
from provider.ledger.journal import JournalRow
from provider.ledger.report import By, summed

US, DAY = "akash1us", 86_400
FIRST, SECOND = "akash1t/7/1/1/akash1us", "akash1u/8/1/1/akash1us"
AKT = 125 * 10**16


def row(kind: str, amount: int, denom: str = "uact", *, lease: str = "", day: int = 1, usd: int | None = E18) -> Any:
    return JournalRow(1, 5, day * DAY, kind, US, "", lease, denom, amount, usd, "", "", "k")


ROWS = [
    row("opening", 10_000_000, "uakt", usd=AKT),
    row("income", 2_000_000, lease=FIRST),
    row("income", 3_000_000, lease=SECOND, day=2),
    row("income", 400_000, "uakt", lease=SECOND, day=2, usd=AKT),
    row("fee", -40_000, "uakt", usd=AKT),
    row("fee", -10_000, "uakt", day=2, usd=None),
    row("deposit", -500_000, "uakt", lease=FIRST, usd=AKT),
    row("refund", 500_000, "uakt", lease=FIRST, day=2, usd=AKT),
    row("conversion", -1_000_000, day=2),
    row("sweep", -700_000, "uakt", day=2, usd=AKT),
    row("settled", 9, lease=FIRST),
    row("lease.ended", 0, lease=FIRST),
]


def test_gross_fees_and_net_are_told_apart_from_what_only_moved() -> None:
    found = summed(ROWS, "total", {})["total"].told()
    assert found["gross"] == {"uact": 5_000_000, "uakt": 400_000}
    assert found["fees"] == {"uakt": 50_000}
    assert found["net"] == {"uact": 5_000_000, "uakt": 350_000}
    assert (found["gross_usd"], found["fees_usd"], found["net_usd"]) == ("5.5", "0.05", "5.45")
    assert found["unpriced"] == {"uakt": 10_000}, "never guessed"
    assert (found["deposits"], found["converted"], found["swept"]) == ({}, {"uact": -1_000_000}, {"uakt": 700_000})


@pytest.mark.parametrize(
    ("by", "wanted"),
    [
        ("day", {"1970-01-02": {"uact": 2_000_000}, "1970-01-03": {"uact": 3_000_000, "uakt": 400_000}}),
        ("lease", {"": {}, FIRST: {"uact": 2_000_000}, SECOND: {"uact": 3_000_000, "uakt": 400_000}}),
        ("tenant", {"": {}, "akash1t": {"uact": 2_000_000}, "akash1u": {"uact": 3_000_000, "uakt": 400_000}}),
        ("gpu", {"": {}, "no gpu": {"uact": 2_000_000}, "h100": {"uact": 3_000_000, "uakt": 400_000}}),
        ("denom", {"uact": {"uact": 5_000_000}, "uakt": {"uakt": 400_000}}),
    ],
)
def test_however_it_is_grouped_it_is_the_same_money(by: By, wanted: dict[str, dict[str, int]]) -> None:
    found = summed(ROWS, by, {FIRST: "", SECOND: "h100"})
    assert {name: one.told()["gross"] for name, one in found.items()} == wanted
    whole = summed(ROWS, "total", {})["total"]
    for figure in ("gross", "fees", "deposits", "swept"):
        assert sum(getattr(one, figure)["uakt"] for one in found.values()) == getattr(whole, figure)["uakt"]
    assert sum(one.usd_e24["gross"] for one in found.values()) == whole.usd_e24["gross"]


def test_what_has_no_time_was_before() -> None:
    assert list(summed([row("income.before", 5, day=0)], "day", {})) == ["before"]


def test_a_loss_is_shown_as_one() -> None:
    found = summed([row("income", 10), row("fee", -40)], "total", {})["total"]
    assert found.net == {"uact": -30}
    assert found.usd("net") == "-0.00003"
