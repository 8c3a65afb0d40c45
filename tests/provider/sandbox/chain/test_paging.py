"""Walking lists page by page."""

from __future__ import annotations

from typing import Any

import pytest

from provider.chain.wire import message
from provider.sandbox.chain.errors import QueryError
from provider.sandbox.chain.paging import akash_page, key_bytes, sdk_page, states_of

ROWS = [(state, key_bytes("o", n), f"{n}") for n, state in enumerate([2, 1, 3, 1, 2], 1)]
"""in key order 1…5, with states 2 1 3 1 2"""


def request(**page: Any) -> Any:
    return message("akash.market.v1beta5.QueryOrdersRequest")(pagination=page)


def walk(reverse: bool, by_state: bool, limit: int) -> list[str]:
    seen, key = [], b""
    while True:
        page, items = akash_page(
            ROWS, request(limit=limit, reverse=reverse, key=key), [1, 2, 3], by_state=by_state, tail=b"\x01"
        )
        assert page.total == len(items)
        seen += items
        key = page.next_key
        if not key:
            return seen


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 100])
@pytest.mark.parametrize(
    ("reverse", "by_state", "order"),
    [(False, True, "24153"), (True, True, "35142"), (False, False, "12345"), (True, False, "54321")],
)
def test_a_walk_meets_every_row_once_in_order(reverse: bool, by_state: bool, order: str, limit: int) -> None:
    assert "".join(walk(reverse, by_state, limit)) == order


def test_a_damaged_key_is_named() -> None:
    with pytest.raises(QueryError) as no:
        akash_page(ROWS, request(key=b"garbage"), [1], by_state=True)
    assert no.value.status == "INVALID_ARGUMENT"
    assert no.value.text == "pagination: invalid key: invalid checksum, 0x67617262 != 0xa13010b2"


@pytest.mark.parametrize(
    ("page", "items", "total", "more"),
    [
        (None, ["a", "b", "c"], 3, b""),
        ({"limit": 2}, ["a", "b"], 0, b"3"),
        ({"limit": 2, "count_total": True}, ["a", "b"], 3, b"3"),
        ({"limit": 2, "key": b"3"}, ["c"], 0, b""),
        ({"limit": 2, "reverse": True}, ["c", "b"], 0, b"1"),
        ({"offset": 1}, ["b", "c"], 3, b""),
    ],
)
def test_pages_of_the_sdk(page: Any, items: list[str], total: int, more: bytes) -> None:
    asked = message("akash.market.v1beta5.QueryOrdersRequest")() if page is None else request(**page)
    answer, found = sdk_page([(b"1", "a"), (b"2", "b"), (b"3", "c")], asked)
    assert (found, answer.total, answer.next_key) == (items, total, more)


def test_states_by_name() -> None:
    names = {"invalid": 0, "open": 1, "closed": 2}
    assert states_of("", names) == [1, 2]
    assert states_of("closed", names) == [2]
    for wrong in ("invalid", "Open", "x"):
        with pytest.raises(QueryError, match="invalid state value"):
            states_of(wrong, names)
