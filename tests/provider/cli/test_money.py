"""`akp money`: the same sums on every way out."""

from __future__ import annotations

import asyncio
import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bidengine.usage import Span
from manifests.coins import E18, Coin, DecCoin
from manifests.ids import LeaseID
from provider.ledger.books import Books, Ended, Entry, Head, Opened, Paid, Settled
from provider.ledger.journal import Kind, Posting
from provider.ledger.store import Store

US, DAY, NOW = "akash1us", 86_400, 1_796_000_000
LEASE = LeaseID("akash1tenant", 7, 1, 1, US)
USD = {"uakt": 125 * 10**16, "uact": E18}


@pytest.fixture
def booked(tmp_path: Path) -> Path:
    """One lease of 100 blocks at 12.5; 40 days ago 500 of it were paid, yesterday 700, each by a transaction that cost
    4,000uakt."""

    def fee(height: int) -> Posting:
        return Posting(Kind.FEE, height, f"fee/{height}", Coin("uakt", -4_000), US, tx=f"T{height}")

    def paid(height: int, total: int) -> list[Entry]:
        coin = Coin("uact", total)
        return [Settled(LEASE, height, coin), Paid(LEASE, height, coin, "withdraw", f"T{height}")]

    async def write() -> None:
        async with Store.open(tmp_path / "ledger.db") as store:
            books = Books(store)
            span = Span(LEASE, 100, None, DecCoin("uact", 125 * 10**17), 200, 1, 1, "nvidia/a100")
            opening = Posting(Kind.OPENING, 100, "opening", Coin("uakt", 1_000_000), US)
            await books.advance(Head(100, (NOW - 41 * DAY) * 10**9), [Opened(span), opening], USD)
            early = [*paid(140, 500), fee(140)]
            await books.advance(Head(140, (NOW - 40 * DAY) * 10**9), early, USD)
            late = [*paid(196, 1_200), fee(196)]
            await books.advance(Head(196, (NOW - DAY) * 10**9), late, USD)
            await books.advance(
                Head(200, NOW * 10**9), [Ended(LEASE, 200, 1), Settled(LEASE, 200, Coin("uact", 1_250))], USD
            )

    asyncio.run(write())
    return tmp_path


def summary(akp: Callable[..., Any], booked: Path, *args: str) -> Any:
    said = akp("money", "summary", "--data", booked, "-o", "json", *args)
    assert said.code == 0, said.err
    return json.loads(said.out)


def test_gross_fees_and_net(akp: Callable[..., Any], booked: Path) -> None:
    (row,) = summary(akp, booked)
    assert (row["gross"], row["fees"], row["net"]) == (
        {"uact": 1_200},
        {"uakt": 8_000},
        {"uact": 1_200, "uakt": -8_000},
    )
    assert (row["gross_usd"], row["fees_usd"], row["net_usd"]) == ("0.0012", "0.01", "-0.0088")


@pytest.mark.parametrize(
    ("args", "gross"),
    [
        (("--since", "30d"), 700),
        (("--since", "24h"), 700),
        (("--since", "90m"), None),
        (("--from", "2026-11-01"), 700),
        (("--to", "2026-11-01"), 500),
        (("--from", "2026-01-01", "--to", "2027-01-01"), 1_200),
    ],
)
def test_of_a_time(akp: Callable[..., Any], booked: Path, args: tuple[str, ...], gross: int | None) -> None:
    rows = summary(akp, booked, *args)
    assert [row["gross"].get("uact") for row in rows] == ([gross] if gross else [])


@pytest.mark.parametrize(
    ("by", "groups"),
    [
        ("day", ["2026-10-20", "2026-10-21", "2026-11-29"]),
        ("lease", ["(no lease)", str(LEASE)]),
        ("tenant", ["(no lease)", "akash1tenant"]),
        ("gpu", ["(no lease)", "nvidia/a100"]),
        ("denom", ["uact", "uakt"]),
    ],
)
def test_by_each(akp: Callable[..., Any], booked: Path, by: str, groups: list[str]) -> None:
    rows = summary(akp, booked, "--by", by)
    assert [row["group"] for row in rows] == groups
    assert sum(row["gross"].get("uact", 0) for row in rows) == 1_200


def test_a_table_for_people(akp: Callable[..., Any], booked: Path) -> None:
    said = akp("money", "summary", "--data", booked)
    assert said.out.splitlines()[1].split() == [
        "total", "1200uact", "8000uakt", "1200uact,", "-8000uakt", "0.0012", "0.01", "-0.0088",
    ]  # fmt: skip


def test_a_summary_as_csv_has_a_column_for_each_coin(akp: Callable[..., Any], booked: Path) -> None:
    said = akp("money", "summary", "--data", booked, "--by", "lease", "-o", "csv")
    no_lease, lease = csv.DictReader(io.StringIO(said.out))
    assert (no_lease["gross.uact"], no_lease["fees.uakt"], no_lease["net.uakt"]) == ("", "8000", "-8000")
    assert (lease["gross.uact"], lease["fees.uakt"], lease["net.uact"], lease["gross_usd"]) == (
        "1200", "", "1200", "0.0012",
    )  # fmt: skip
    assert not any("{" in cell for row in (no_lease, lease) for cell in row.values())


def test_each_lease_with_what_is_not_paid_yet(akp: Callable[..., Any], booked: Path) -> None:
    said = akp("money", "leases", "--data", booked, "-o", "json")
    (row,) = json.loads(said.out)
    assert (row["lease"], row["gpu"], row["blocks"], row["state"]) == (
        str(LEASE), "nvidia/a100", 100, "ended at 200 (owner)",
    )  # fmt: skip
    assert row["earned"] == {"denom": "uact", "amount": 500 + 750}
    assert row["forecast"] == {"denom": "uact", "amount": 0}
    assert (row["paid"], row["unpaid"]["amount"], row["paid_usd"]) == ({"uact": 1_200}, 50, "0.0012")


def test_every_row_as_csv_and_json(akp: Callable[..., Any], booked: Path) -> None:
    said = akp("money", "export", "--data", booked)
    rows = list(csv.DictReader(io.StringIO(said.out)))
    assert [row["kind"] for row in rows] == [
        "lease.opened", "opening", "settled", "income", "fee", "settled", "income", "fee", "lease.ended",
        "settled",
    ]  # fmt: skip
    assert (rows[6]["amount"], rows[6]["usd"], rows[6]["tx"]) == ("700", "0.000700000000000000", "T196")
    assert rows[7]["usd"] == "-0.005000000000000000"
    told = json.loads(akp("money", "export", "--data", booked, "--format", "json").out)
    assert [{k: str(v) for k, v in row.items()} for row in told] == rows


def test_a_time_without_rows_has_the_same_columns(akp: Callable[..., Any], booked: Path) -> None:
    whole, none = (akp("money", "export", "--data", booked, *args).out for args in ((), ("--from", "2031-01-01")))
    assert none == whole.splitlines(keepends=True)[0]


def test_deposits_that_were_out_before_are_in_the_books(akp: Callable[..., Any], booked: Path) -> None:
    async def deposit() -> None:
        async with Store.open(booked / "ledger.db") as store:
            paid = Posting(Kind.DEPOSIT, 201, "deposit", Coin("uakt", -500_000), US, lease=LEASE)
            await Books(store).advance(Head(201, (NOW + DAY) * 10**9), [paid], USD)
            back = Posting(Kind.REFUND, 202, "refund", Coin("uakt", 500_000), US, lease=LEASE)
            await Books(store).advance(Head(202, (NOW + 9 * DAY) * 10**9), [back], USD)

    asyncio.run(deposit())
    text = akp("money", "export", "--data", booked, "--format", "beancount", "--since", "2d").out
    assert "  Assets:Bid-Deposits  0.5 AKT\n  Equity:Before  -0.5 AKT" in text
    assert "  Assets:Wallet:Akash1us  0.5 AKT @ 1.25 USD\n  Assets:Bid-Deposits  -0.5 AKT @ 1.25 USD" in text


def test_a_card_that_nobody_knows_is_told_from_none(akp: Callable[..., Any], booked: Path) -> None:
    """Such a lease was fetched by `akp reconcile`, which cannot see where it ran."""
    other = LeaseID("akash1tenant", 8, 1, 1, US)

    async def fetched() -> None:
        async with Store.open(booked / "ledger.db") as store:
            span = Span(other, 150, None, DecCoin("uact", E18), 200, 1, 2, "")
            paid = Paid(other, 203, Coin("uact", 50), "found")
            await Books(store).advance(Head(203, NOW * 10**9), [Opened(span), paid], USD)

    asyncio.run(fetched())
    rows = {row["group"]: row["gross"] for row in summary(akp, booked, "--by", "gpu")}
    assert (rows["unknown gpu"], rows["nvidia/a100"]) == ({"uact": 50}, {"uact": 1_200})


def test_books_for_an_accountant_into_a_file(akp: Callable[..., Any], booked: Path, tmp_path: Path) -> None:
    to = tmp_path / "akp.beancount"
    said = akp("money", "export", "--data", booked, "--format", "beancount", "--since", "30d", "--out", to)
    assert (said.code, said.out) == (0, "")
    text = to.read_text()
    assert "2026-11-29 open Assets:Wallet:Akash1us" in text
    assert "  Assets:Wallet:Akash1us  0.996 AKT\n  Equity:Before  -0.996 AKT" in text, "what was there 30 days ago"
    assert text.endswith("2026-11-30 balance Assets:Wallet:Akash1us  0.0012 ~ 0 ACT\n2026-11-30 balance "
                         "Assets:Wallet:Akash1us  0.992 ~ 0 AKT\n")  # fmt: skip


def test_no_directory_is_made_for_a_file(akp: Callable[..., Any], booked: Path, tmp_path: Path) -> None:
    said = akp("money", "export", "--data", booked, "--out", tmp_path / "no" / "where" / "x.csv")
    assert (said.code, said.out) == (2, "")
    assert "x.csv: there is no directory" in said.err
    assert not (tmp_path / "no").exists()


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("--since", "soon"), "--since: 'soon' is no length of time"),
        (("--from", "01.11.2026"), "--from: '01.11.2026' is no day"),
        (("--from", "2026-11-02", "--to", "2026-11-01"), "--from: 2026-11-02 lies after 2026-11-01"),
        (("--since", "1d", "--to", "2026-11-01"), "--since: given together"),
    ],
)
def test_what_cannot_be_answered(akp: Callable[..., Any], booked: Path, args: tuple[str, ...], words: str) -> None:
    for command in ("summary", "export"):
        said = akp("money", command, "--data", booked, *args)
        assert said.code == 2
        assert words in said.err
