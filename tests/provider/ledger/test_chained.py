"""Every row depends on every row before it."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from provider.ledger.chained import COLUMNS, broken, row_hash


def chain(*details: str) -> list[tuple[Any, ...]]:
    rows: list[tuple[Any, ...]] = []
    before = ""
    for seq, detail in enumerate(details, 1):
        columns = (seq, 60, "fee", "akash1us", "", "", "uakt", -5, "", "AB", detail, f"fee/{seq}")
        before = row_hash(before, *columns)
        rows.append((seq, *columns, before))
    return rows


def test_the_canonical_form() -> None:
    """Somebody else can verify a file with three lines of code."""
    columns = (7, 60, "fee", "akash1us", "", "", "uakt", -5, "", "AB", 'é"', "fee/1")
    text = 'before\n[7,60,"fee","akash1us","","","uakt",-5,"","AB","é\\"","fee/1"]'
    assert len(columns) == len(COLUMNS)
    assert row_hash("before", *columns) == hashlib.sha256(text.encode()).hexdigest()


def test_what_was_written_is_whole() -> None:
    assert broken(chain("a", "b", "c")) == ""
    assert broken([]) == ""


def test_it_goes_on_from_a_row_already_verified() -> None:
    rows = chain("a", "b", "c")
    assert broken(rows[1:], before=rows[0][-1], seq=1) == ""


@pytest.mark.parametrize("at", range(3))
@pytest.mark.parametrize("column", range(1, 13))
def test_any_value_changed_is_found(at: int, column: int) -> None:
    rows = chain("a", "b", "c")
    changed = list(rows[at])
    changed[column] = changed[column] + 1 if isinstance(changed[column], int) else changed[column] + "x"
    rows[at] = tuple(changed)
    assert f"row {at + 1} of the journal is not what was written" in broken(rows)


@pytest.mark.parametrize("value", [b"uakt", 1.5, None])
def test_a_value_of_another_kind_is_found(value: Any) -> None:
    rows = chain("a", "b")
    rows[1] = (*rows[1][:7], value, *rows[1][8:])
    assert "row 2 of the journal is not what was written: it holds other kinds" in broken(rows)


def test_digits_are_a_number_in_the_canonical_form() -> None:
    columns = (7, 60, "transfer", "akash1us", "", "", "ibc/A", str(10**30), "", "AB", "", "transfer/1")
    text = f'before\n[7,60,"transfer","akash1us","","","ibc/A",{10**30},"","AB","","transfer/1"]'
    assert row_hash("before", *columns) == hashlib.sha256(text.encode()).hexdigest()


@pytest.mark.parametrize("digits", ["-5", "-05", "five"])
def test_digits_of_what_is_kept_as_an_integer_are_found(digits: str) -> None:
    rows = chain("a", "b")
    rows[1] = (*rows[1][:8], digits, *rows[1][9:])
    assert "row 2 of the journal is not what was written" in broken(rows)


def test_a_row_taken_out_put_in_or_moved_is_found() -> None:
    rows = chain("a", "b", "c")
    assert broken([rows[0], rows[2]]) == "row 2 of the journal is missing"
    assert broken([rows[1], rows[0], rows[2]]) == "row 1 of the journal is missing"
    other = (2, *rows[1][1:-1], row_hash("", *rows[1][1:-1]))
    assert "row 2" in broken([rows[0], other, rows[2]])
