"""A code that settles more has the higher rank."""

from __future__ import annotations

import pytest

from bidengine import outcomes
from bidengine.outcomes import rank
from bidengine.reasons import Reason


def test_from_what_we_say_to_what_a_lease_came_to() -> None:
    ladder = ["bid", "lost.withdrawn", "lost.timeout", "lost.price", "won", "won.failed_start"]
    assert [rank(code) for code in ladder] == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("lost.price", "lost.not_price"),
        ("won.no_manifest", "won.failed_start"),
        ("lost.timeout", "lost.order_closed"),
        ("lost.unknown", "lost.withdrawn"),
    ],
)
def test_equals_do_not_replace_each_other(one: str, other: str) -> None:
    assert rank(one) == rank(other)


def test_no_decline_settles_anything() -> None:
    assert {rank(reason.value) for reason in Reason} == {rank("fail.tx.market.15")} == {0}


def test_codes_are_told_apart() -> None:
    codes = [value for name, value in vars(outcomes).items() if name.isupper() and isinstance(value, str)]
    assert len(codes) == len(set(codes)) == 10
    assert not {reason.value for reason in Reason} & set(codes)
