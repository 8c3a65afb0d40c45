"""The hash that ties each row of the journal to the row before it. Pure.

Canonical form: the columns of the view `entry` (schema_6.sql) as a JSON array without spaces, in UTF-8; the amount is a
number in it, also where the file keeps its digits (amounts.py). Whoever changes one byte of one row must change the
hash of every row after it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import Any

from provider.ledger.amounts import number

COLUMNS = (
    "height", "time_unix_s", "kind", "account", "other", "lease", "denom", "amount", "usd_e18", "tx", "detail", "key",
)  # fmt: skip
_AMOUNT = COLUMNS.index("amount")


def row_hash(before: str, *columns: int | str) -> str:
    """Of a row with these columns after a row with the hash `before`; "" before the first. ValueError for an amount
    that nobody stores so."""
    told = (*columns[:_AMOUNT], number(columns[_AMOUNT]), *columns[_AMOUNT + 1 :])
    canonical = json.dumps(told, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(f"{before}\n{canonical}".encode("utf-8", "surrogatepass")).hexdigest()


def broken(rows: Iterable[tuple[Any, ...]], before: str = "", seq: int = 0) -> str:
    """What is wrong with the chain of rows (seq, *COLUMNS, hash) that follow row `seq` with hash `before`; "" when
    nothing is."""
    for at, *columns, found in rows:
        if at != seq + 1:
            return f"row {seq + 1} of the journal is missing"
        if not all(isinstance(value, int | str) for value in columns):
            return f"row {at} of the journal is not what was written: it holds other kinds of values"
        try:
            wanted = row_hash(before, *columns)
        except ValueError as odd:
            return f"row {at} of the journal is not what was written: {odd}"
        if found != wanted:
            return f"row {at} of the journal is not what was written: its hash is {found}, its content's {wanted}"
        seq, before = seq + 1, wanted
    return ""
