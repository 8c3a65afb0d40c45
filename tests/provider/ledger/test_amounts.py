"""Any amount a coin can have is kept, compared and added in SQLite without losing a unit."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterator

import pytest

from provider.ledger.amounts import SUM, grown, number, rest, stored, sums, total

EDGES = (0, 1, -1, 2**32 - 1, -(2**32), 2**63 - 1, -(2**63), 2**63, -(2**63) - 1, 10**30, -(10**30), 2**256 - 1)


@pytest.fixture
def db() -> Iterator[sqlite3.Connection]:
    db = sqlite3.connect(":memory:")
    db.execute("CREATE TABLE kept (amount ANY NOT NULL) STRICT")
    yield db
    db.close()


@pytest.mark.parametrize("amount", EDGES)
def test_what_is_kept_is_what_is_read(amount: int, db: sqlite3.Connection) -> None:
    db.execute("INSERT INTO kept VALUES (?)", (stored(amount),))
    (found,) = db.execute("SELECT amount FROM kept").fetchone()
    assert number(found) == amount
    assert db.execute("SELECT count(*) FROM kept WHERE amount = ?", (stored(amount),)).fetchone() == (1,)
    assert db.execute("SELECT count(*) FROM kept WHERE amount = ?", (stored(amount + 1),)).fetchone() == (0,)


@pytest.mark.parametrize("found", ["5", "-5", "09223372036854775808", "+9223372036854775808", " 9223372036854775808",
                                   "9_223_372_036_854_775_808", "٩٢٢٣٣٧٢٠٣٦٨٥٤٧٧٥٨٠٨", "ten", "", "1e30"])  # fmt: skip
def test_digits_in_another_form_are_nobodys(found: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        number(found)


@pytest.mark.parametrize("amounts", [(), (5,), (2**63 - 1, 2**63 - 1), (5 * 10**18,) * 2, (-5 * 10**18,) * 3, EDGES,
                                     (10**30, -(10**30)), (-500_000, 500_000)])  # fmt: skip
def test_sums_are_exact(amounts: tuple[int, ...], db: sqlite3.Connection) -> None:
    db.executemany("INSERT INTO kept VALUES (?)", [(stored(n),) for n in amounts])
    assert total(*db.execute(f"SELECT {SUM} FROM kept").fetchone()) == sum(amounts)


def test_sums_by_group(db: sqlite3.Connection) -> None:
    dice = random.Random(7)
    amounts = [dice.choice((1, -1)) * dice.getrandbits(dice.randrange(1, 120)) for _ in range(500)]
    db.executemany("INSERT INTO kept VALUES (?)", [(stored(n),) for n in amounts])
    found = {group: total(*parts) for group, *parts in db.execute(sums("kept", "rowid % 3", "rowid > 9"))}
    assert found == {
        group: sum(n for at, n in enumerate(amounts, 1) if at % 3 == group and at > 9) for group in (0, 1, 2)
    }


@pytest.mark.parametrize(
    ("of", "amounts", "left"),
    [(9, (9,), None), (9, (), 9), (9, (100,), -91), (10**30, (1,), str(10**30 - 1)), (1, (10**30,), str(1 - 10**30)),
     (10**30, (10**30 - 1, 1), None)],
)  # fmt: skip
def test_what_a_sum_leaves(of: int, amounts: tuple[int, ...], left: int | str | None, db: sqlite3.Connection) -> None:
    db.executemany("INSERT INTO kept VALUES (?)", [(stored(n),) for n in amounts])
    assert rest(stored(of), *db.execute(f"SELECT {SUM} FROM kept").fetchone()) == left


@pytest.mark.parametrize(
    ("now", "even_if_not", "so_far", "more"),
    [(5, 0, 3, 2), (5, 0, 5, None), (5, 1, 5, 0), (5, 0, 6, None), (5, 1, 6, None), (10**30, 0, 1, str(10**30 - 1)),
     (10**30 + 7, 0, 10**30, 7), (10**30, 1, 10**31, None), (2**63, 0, 0, str(2**63))],
)  # fmt: skip
def test_what_is_new_in_a_total(
    now: int, even_if_not: int, so_far: int, more: int | str | None, db: sqlite3.Connection
) -> None:
    db.execute("INSERT INTO kept VALUES (?)", (stored(so_far),))
    assert grown(stored(now), even_if_not, *db.execute(f"SELECT {SUM} FROM kept").fetchone()) == more
