"""Amounts of coins as SQLite keeps and adds them, exactly, whatever their size. Pure.

A coin's amount has up to 256 bits, and anybody may send one; SQLite's integers have 64, its sums overflow, and a number
with more digits would become a float. So what does not fit is kept as its digits (a column of type ANY takes both), and
a sum is asked for as three columns, which `total` puts together: the upper and the lower parts of the integers, and
the digits of the others. A sum in Python, row by row, would be as exact and several times as slow.
"""

from __future__ import annotations

Stored = int | str
SUM = (
    "sum(amount >> 32) FILTER (WHERE typeof(amount) = 'integer'),"
    " sum(amount & 4294967295) FILTER (WHERE typeof(amount) = 'integer'),"
    " group_concat(amount, ' ') FILTER (WHERE typeof(amount) = 'text')"
)
"""columns of a query over rows with an `amount`, which `total` makes their sum"""
_FITS = range(-(2**63), 2**63)


def stored(amount: int) -> Stored:
    """As a column holds it; equal amounts are equal there too."""
    return amount if amount in _FITS else str(amount)


def number(found: Stored) -> int:
    """Of a column. ValueError where nobody stored it so."""
    amount = int(found)
    if stored(amount) != found:
        raise ValueError(f"{found!r} is no amount as it is stored")
    return amount


def sums(table: str, by: str, where: str) -> str:
    """A query for the columns `by` and the three of `SUM`."""
    return f"SELECT {by}, {SUM} FROM {table} WHERE {where} GROUP BY {by}"  # noqa: S608 - of constants


def total(upper: int | None, lower: int | None, beyond: str | None) -> int:
    return ((upper or 0) << 32) + (lower or 0) + sum(map(int, (beyond or "").split()))


def rest(of: Stored, upper: int | None, lower: int | None, beyond: str | None) -> Stored | None:
    """What the sum leaves of it, which may be less than nothing; None when it is just that. An SQL function."""
    left = number(of) - total(upper, lower, beyond)
    return stored(left) if left else None


def grown(now: Stored, even_if_not: int, upper: int | None, lower: int | None, beyond: str | None) -> Stored | None:
    """What `now` is more than the sum so far; None when it is less, or the same and that is no news. An SQL function
    (provider/ledger/store.py)."""
    more = number(now) - total(upper, lower, beyond)
    return stored(more) if more > 0 or (even_if_not and more == 0) else None
