"""Sums over the journal: what leases brought, what transactions cost, and what was left, however it is grouped. Pure.

Each row is worth what the oracle said with its block. Coins whose price was not known then are told beside the dollars,
never guessed.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from manifests.coins import shown
from manifests.ids import LeaseID
from provider.ledger.journal import JournalRow, Kind

By = Literal["total", "day", "lease", "tenant", "gpu", "denom"]
GROSS = (Kind.INCOME, Kind.INCOME_BEFORE)
_MICRO = 10**6
NOBODY = ""
"""group of what concerns no lease, such as fees"""


@dataclass(slots=True)
class Sum:
    """Micro-units by denomination. What is spent counts as positive under its own name."""

    gross: Counter[str] = field(default_factory=Counter)
    """income from leases"""
    fees: Counter[str] = field(default_factory=Counter)
    deposits: Counter[str] = field(default_factory=Counter)
    """bid deposits paid less returned"""
    converted: Counter[str] = field(default_factory=Counter)
    """ACT burnt below zero, AKT received above"""
    swept: Counter[str] = field(default_factory=Counter)
    other: Counter[str] = field(default_factory=Counter)
    """openings, transfers and corrections"""
    usd_e24: Counter[str] = field(default_factory=Counter)
    """by name above"""
    unpriced: Counter[str] = field(default_factory=Counter)
    """gross and fees that the dollars do not hold, by denomination"""

    def add(self, row: JournalRow) -> None:
        name, sign = _PLACE[Kind(row.kind)]
        getattr(self, name)[row.denom] += sign * row.amount
        if row.usd_e18 is not None:
            self.usd_e24[name] += sign * row.amount * row.usd_e18
        elif row.amount and name in ("gross", "fees"):
            self.unpriced[row.denom] += abs(row.amount)

    @property
    def net(self) -> dict[str, int]:
        """Gross less fees."""
        return {d: self.gross[d] - self.fees[d] for d in sorted({*self.gross, *self.fees})}

    def usd(self, name: str) -> str:
        """Dollars and cents and what is below them, as text; exact to the 18th place."""
        e24 = self.usd_e24["gross"] - self.usd_e24["fees"] if name == "net" else self.usd_e24[name]
        return shown(e24 // _MICRO if e24 >= 0 else -(-e24 // _MICRO))

    def told(self) -> dict[str, Any]:
        out: dict[str, Any] = {}
        for name in ("gross", "fees", "net", "deposits", "converted", "swept", "other", "unpriced"):
            out[name] = {d: n for d, n in sorted(getattr(self, name).items()) if n}
        return out | {f"{name}_usd": self.usd(name) for name in ("gross", "fees", "net")}


_PLACE = {
    Kind.INCOME: ("gross", 1),
    Kind.INCOME_BEFORE: ("gross", 1),
    Kind.FEE: ("fees", -1),
    Kind.DEPOSIT: ("deposits", -1),
    Kind.REFUND: ("deposits", -1),
    Kind.CONVERSION: ("converted", 1),
    Kind.SWEEP: ("swept", -1),
    Kind.OPENING: ("other", 1),
    Kind.TRANSFER: ("other", 1),
    Kind.CORRECTION: ("other", 1),
}


def summed(rows: Iterable[JournalRow], by: By, gpus: Mapping[str, str]) -> dict[str, Sum]:
    """Group -> its sums, in the order of the groups. `gpus` says which card a lease has, by the lease's text."""
    group = _grouped(by, gpus)
    out: dict[str, Sum] = {}
    for row in rows:
        if row.kind in _PLACE:
            out.setdefault(group(row), Sum()).add(row)
    return dict(sorted(out.items()))


def day(unix_s: int) -> str:
    """In UTC; "before" for what an earlier version booked without a time."""
    return dt.datetime.fromtimestamp(unix_s, dt.UTC).date().isoformat() if unix_s else "before"


def _grouped(by: By, gpus: Mapping[str, str]) -> Callable[[JournalRow], str]:
    match by:
        case "total":
            return lambda _: "total"
        case "day":
            return lambda row: day(row.time_unix_s)
        case "lease":
            return lambda row: row.lease
        case "tenant":
            return lambda row: LeaseID.parse(row.lease).owner if row.lease else NOBODY
        case "gpu":
            return lambda row: (gpus.get(row.lease, "") or "no gpu") if row.lease else NOBODY
        case "denom":
            return lambda row: row.denom
