"""Books that balance: read back by a small reader that knows beancount's rules for the little we write."""

from __future__ import annotations

import re
from collections import Counter
from decimal import Decimal
from typing import Any

import pytest

from manifests.coins import E18
from provider.ledger.beancount import beancount, commodity
from provider.ledger.journal import JournalRow

US, GRANTER, DAY = "akash1us", "akash1granter", 86_400
LEASE = "akash1t/7/1/1/akash1us"
_ACCOUNT = r"(?:Assets|Liabilities|Equity|Income|Expenses)(?::[A-Z0-9][A-Za-z0-9-]*)+"
_UNITS = r"(-?\d+(?:\.\d+)?) ([A-Z][A-Z0-9'._-]{0,22}[A-Z0-9])"
_EXACTLY = _UNITS.replace(" ", " ~ 0 ", 1)


def row(seq: int, kind: str, amount: int, denom: str = "uakt", **more: Any) -> JournalRow:
    given = {"account": US, "other": "", "lease": "", "usd_e18": 125 * 10**16, "tx": "", "detail": "", "day": seq}
    given |= more
    time = given.pop("day") * DAY
    return JournalRow(seq, seq * 10, time, kind, denom=denom, amount=amount, key=str(seq), **given)


class Read:
    """Raises AssertionError where `bean-check` would complain."""

    def __init__(self, lines: list[str]) -> None:
        self.opened: dict[str, str] = {}
        self.balances: Counter[tuple[str, str]] = Counter()
        self.dated: list[tuple[str, list[str]]] = []
        self.assertions: list[tuple[str, str, Decimal, str]] = []
        blocks = re.split(r"\n\n", "\n".join(lines))
        for block in blocks:
            for line in block.splitlines():
                if opened := re.fullmatch(rf"(\d{{4}}-\d\d-\d\d) open ({_ACCOUNT})", line):
                    assert opened.group(2) not in self.opened
                    self.opened[opened.group(2)] = opened.group(1)
                elif told := re.fullmatch(rf"(\d{{4}}-\d\d-\d\d) balance ({_ACCOUNT})  {_EXACTLY}", line):
                    self.assertions.append((told[1], told[2], Decimal(told[3]), told[4]))
            self._transaction(block)
        for date, account, amount, unit in self.assertions:
            assert self.opened[account] < date
            assert all(d < date for d, _ in self.dated), "an assertion looks at the beginning of its day"
            assert self.balances[account, unit] == amount

    def _transaction(self, block: str) -> None:
        head, *rest = block.splitlines() or [""]
        found = re.fullmatch(r'(\d{4}-\d\d-\d\d) \* "((?:[^"\\]|\\.)*)"', head)
        if found is None:
            return
        weights: Counter[str] = Counter()
        for line in rest:
            posting = re.fullmatch(rf"  ({_ACCOUNT})  {_UNITS}(?: @ (\d+(?:\.\d+)?) USD)?", line)
            if posting is None:
                assert re.fullmatch(r'  [a-z][a-z0-9]*: "(?:[^"\\]|\\.)*"', line), line
                continue
            account, amount, unit, price = posting.groups()
            assert self.opened[account] <= found[1]
            self.balances[account, unit] += Decimal(amount)
            weights["USD" if price else unit] += Decimal(amount) * Decimal(price or 1)
        assert weights, block
        assert not any(weights.values()), f"not balanced: {block}"
        self.dated.append((found[1], rest))


ROWS = [
    row(1, "opening", 10_000_000),
    row(2, "lease.opened", 0, "uact", account="", lease=LEASE),
    row(3, "income", 1_234_567, "uact", lease=LEASE, usd_e18=E18, tx="AB", detail='withdraw "x"\n\\'),
    row(3, "settled", 1_234_567, "uact", account="", lease=LEASE),
    row(4, "fee", -3_950),
    row(5, "deposit", -500_000, lease=LEASE),
    row(6, "refund", 500_000, lease=LEASE),
    row(7, "conversion", -1_000_000, "uact", usd_e18=None),
    row(7, "conversion", 800_000),
    row(8, "transfer", 17, "ibc/27394FB092D2ECCD56123C74F36E4C1F926001CEADA9CA97EA622B25F41E5EB2", usd_e18=None),
    row(9, "sweep", -9_000_000),
    row(9, "correction", 1),
    row(9, "income.before", 5_000_000, "uact", account="", day=0, usd_e18=None),
]


def test_every_transaction_balances_and_the_assertions_hold() -> None:
    read = Read(list(beancount(ROWS, {}, 0, {US})))
    assert len(read.dated) == 11, "rows that moved nothing are no transactions"
    wallet = "Assets:Wallet:Akash1us"
    assert read.balances[wallet, "AKT"] == Decimal("1.796051")
    assert read.balances[wallet, "ACT"] == Decimal("0.234567")
    assert read.balances["Income:Leases", "ACT"] == Decimal("-6.234567")
    assert read.balances["Expenses:Fees", "AKT"] == Decimal("0.003950")
    assert read.balances["Assets:Bid-Deposits", "AKT"] == 0
    assert {(account, unit) for _, account, _, unit in read.assertions} == {
        (wallet, "AKT"), (wallet, "ACT"), (wallet, commodity(ROWS[9].denom)),
    }  # fmt: skip


def test_an_export_from_the_middle_begins_with_the_balances_of_then() -> None:
    whole = Read(list(beancount(ROWS, {}, 0, {US})))
    late = Read(list(beancount(ROWS[6:12], {US: {"uakt": 9_496_050, "uact": 1_234_567}}, 6 * DAY, {US})))
    wallet = "Assets:Wallet:Akash1us"
    for unit in ("AKT", "ACT"):
        assert late.balances[wallet, unit] == whole.balances[wallet, unit]


def test_deposits_that_were_out_at_the_beginning_come_back_from_there() -> None:
    late = Read(list(beancount(ROWS[6:7], {US: {"uakt": 9_496_050}}, 6 * DAY, {US}, {"uakt": 500_000, "uact": 0})))
    assert late.balances["Assets:Bid-Deposits", "AKT"] == 0
    assert late.balances["Equity:Before", "AKT"] == Decimal("-9.996050")
    assert Read(list(beancount([], {}, DAY, {US}, {"uakt": 7}))).balances["Assets:Bid-Deposits", "AKT"] == Decimal(
        "0.000007"
    )


def test_what_a_granter_paid_stands_open_with_him_and_is_no_wallet_of_ours() -> None:
    rows = [
        *ROWS,
        row(10, "fee", -4_000, account=GRANTER),
        row(10, "deposit", -500_000, account=GRANTER, lease=LEASE),
        row(11, "deposit", -500_000, account=GRANTER, lease=LEASE),
        row(12, "refund", 500_000, account=GRANTER, lease=LEASE),
    ]
    read = Read(list(beancount(rows, {}, 0, {US})))
    open_with_him = "Liabilities:Granters:Akash1granter"
    assert read.balances[open_with_him, "AKT"] == Decimal("-0.504")
    assert (read.balances["Assets:Bid-Deposits", "AKT"], read.balances["Expenses:Fees", "AKT"]) == (
        Decimal("0.5"), Decimal("0.00795"),
    )  # fmt: skip
    assert [told[1:] for told in read.assertions if told[1] == open_with_him] == [
        (open_with_him, Decimal("-0.504"), "AKT")
    ]
    assert not any("Wallet:Akash1granter" in account for account in read.opened)
    late = Read(list(beancount(rows[-1:], {GRANTER: {"uakt": -1_004_000}}, 11 * DAY, {US})))
    assert late.balances[open_with_him, "AKT"] == Decimal("-0.504"), "from the middle too"


def test_beancount_itself_finds_no_fault() -> None:
    loader = pytest.importorskip("beancount.loader", reason="needs beancount")
    granted = [row(10, "fee", -4_000, account=GRANTER), row(11, "deposit", -500_000, account=GRANTER, lease=LEASE)]
    for text in (
        beancount([], {}, 0, ()),
        beancount(ROWS[6:12], {US: {"uakt": 9_496_050, "uact": 1_234_567}, GRANTER: {"uakt": -4_000}}, 6 * DAY, {US}),
        beancount([*ROWS, *granted], {}, 0, {US}),
    ):
        written = "".join(f"{line}\n" for line in text)
        _, faults, _ = loader.load_string(written)
        assert faults == []
    for wrong in (
        written.replace("-0.504 ~ 0 AKT", "-0.504001 ~ 0 AKT"),
        written.replace(" 0.00395 AKT", " 0.003951 AKT"),
    ):
        assert wrong != written
        assert loader.load_string(wrong)[1], "a figure that is another is found"


def test_an_empty_time_is_an_export_too() -> None:
    assert Read(list(beancount([], {US: {"uakt": 5}}, DAY, {US}))).balances["Assets:Wallet:Akash1us", "AKT"] == Decimal(
        "0.000005"
    )
    assert Read(list(beancount([], {}, 0, {US}))).dated == []


@pytest.mark.parametrize(
    ("denom", "wanted"),
    [
        ("uakt", "AKT"),
        ("uact", "ACT"),
        ("usomething", "UUSOMETHING"),
        ("ibc/1D2", "UIBC-1D2"),
        ("x/--", "UX"),
        ("", "UNKNOWN"),
    ],
)
def test_coins_have_names_that_beancount_takes(denom: str, wanted: str) -> None:
    assert commodity(denom) == wanted
