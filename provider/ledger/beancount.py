"""The journal as plain-text double-entry accounting (beancount v2 and v3). Pure.

Every row that moved a balance is one transaction of two postings, the wallet's and where it went or came from, both at
the oracle's price of that moment; so it balances in coins and in dollars. What a granter has paid for us, a fee or a
deposit, is no wallet of ours that sinks but what stands open with him. An export that begins in the middle begins with
the balances of then, and each ends with balance assertions that `bean-check` proves.
"""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping

from manifests.coins import E18, shown
from provider.ledger.journal import JournalRow, Kind

_DEPOSITS = "Assets:Bid-Deposits"
_OTHER_SIDE = {
    Kind.OPENING: "Equity:Opening",
    Kind.INCOME: "Income:Leases",
    Kind.INCOME_BEFORE: "Income:Leases",
    Kind.FEE: "Expenses:Fees",
    Kind.DEPOSIT: _DEPOSITS,
    Kind.REFUND: _DEPOSITS,
    Kind.CONVERSION: "Equity:Conversions",
    Kind.SWEEP: "Assets:Swept",
    Kind.TRANSFER: "Equity:Transfers",
    Kind.CORRECTION: "Equity:Corrections",
}
BEFORE = "Equity:Before"
"""where income went that was booked before balances were kept"""


def beancount(
    rows: Iterable[JournalRow], opening: Mapping[str, Mapping[str, int]], start_unix_s: int, own: Collection[str],
    locked: Mapping[str, int] | None = None,
) -> Iterator[str]:  # fmt: skip
    """Lines. `opening`: account -> denomination -> micro-units before the first row; `own`: accounts whose balance is
    kept, all others are granters'; `locked`: denomination -> what was out in deposits then."""

    def told_as(account: str) -> str:
        named = f"{account[:1].upper()}{account[1:]}"
        return f"Assets:Wallet:{named}" if account in own else f"Liabilities:Granters:{named}"

    told = [row for row in rows if row.kind in _OTHER_SIDE]
    first = _date(min((r.time_unix_s for r in told if r.time_unix_s), default=start_unix_s))
    balances = {account: Counter(coins) for account, coins in opening.items()}
    out = {denom: amount for denom, amount in sorted((locked or {}).items()) if amount}
    sides = {_OTHER_SIDE[Kind(row.kind)] for row in told} | {BEFORE, _OTHER_SIDE[Kind.OPENING]}
    sides |= {_DEPOSITS} if out else set()
    accounts = {*opening, *(row.account for row in told if row.account)}
    yield 'option "title" "akash-provider"'
    yield 'option "operating_currency" "USD"'
    yield ""
    for name in sorted({*sides, *map(told_as, accounts)}):
        yield f"{first} open {name}"
    for account, coins in sorted(opening.items()):
        for denom, amount in sorted(coins.items()):
            if amount:
                yield from _transaction(first, "balance at the beginning", (), told_as(account), BEFORE, denom, amount)
    for denom, amount in out.items():
        yield from _transaction(first, "deposits out at the beginning", (), _DEPOSITS, BEFORE, denom, amount)
    for row in told:
        wallet = told_as(row.account) if row.account else BEFORE
        if row.account:
            balances.setdefault(row.account, Counter())[row.denom] += row.amount
        if not row.amount:
            continue
        date = _date(row.time_unix_s) if row.time_unix_s else first
        narration = f"{row.kind}{f': {row.detail}' if row.detail else ''}"
        meta = (("height", str(row.height)), ("tx", row.tx), ("lease", row.lease), ("other", row.other))
        side = _OTHER_SIDE[Kind(row.kind)]
        yield from _transaction(date, narration, meta, wallet, side, row.denom, row.amount, row.usd_e18)
    last = _date(max((r.time_unix_s for r in told), default=start_unix_s) + 86_400)
    yield ""
    for account, counted in sorted(balances.items()):
        for denom, amount in sorted(counted.items()):
            yield f"{last} balance {told_as(account)}  {_units(denom, amount, ' ~ 0')}"


def commodity(denom: str) -> str:
    """uakt and uact become AKT and ACT of 10^6 units; every other coin keeps its units and a name beancount takes."""
    if denom in ("uakt", "uact"):
        return denom[1:].upper()
    name = re.sub(r"[^A-Z0-9._-]", "-", denom.upper()).strip("-._")[-20:].lstrip("-._0123456789")
    return f"U{name}" if name and name[-1].isalnum() else "UNKNOWN"


def _units(denom: str, amount: int, within: str = "") -> str:
    """`within`: how far off an assertion may be, which beancount else takes from the digits written."""
    whole = shown(amount * (E18 // 10**6)) if denom in ("uakt", "uact") else str(amount)
    return f"{whole}{within} {commodity(denom)}"


def _date(unix_s: int) -> str:
    return dt.datetime.fromtimestamp(unix_s, dt.UTC).date().isoformat()


def _transaction(
    date: str, narration: str, meta: Iterable[tuple[str, str]], wallet: str, side: str, denom: str, amount: int,
    usd_e18: int | None = None,
) -> Iterator[str]:  # fmt: skip
    yield ""
    yield f"{date} * {_quoted(narration)}"
    for name, value in meta:
        if value:
            yield f"  {name}: {_quoted(value)}"
    price = f" @ {shown(usd_e18 if denom in ('uakt', 'uact') else usd_e18 // 10**6)} USD" if usd_e18 else ""
    yield f"  {wallet}  {_units(denom, amount)}{price}"
    yield f"  {side}  {_units(denom, -amount)}{price}"


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ") + '"'
