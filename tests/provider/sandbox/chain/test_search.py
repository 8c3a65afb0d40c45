"""CometBFT's query language."""

from __future__ import annotations

import pytest

from provider.sandbox.chain.events import AbciEvent
from provider.sandbox.chain.search import Condition, QueryInvalid, composite, matches, parse

EVENTS = {"tm.event": ["Tx"], "transfer.sender": ["akash1a", "akash1b"], "tx.height": ["22"], "tx.fee": ["5000uakt"]}


@pytest.mark.parametrize(
    ("query", "fits"),
    [
        ("tm.event='Tx'", True),
        ("tm.event = 'Tx'", True),
        ("tm.event='NewBlock'", False),
        ("transfer.sender='akash1b'", True),
        ("transfer.sender='akash1'", False),
        ("transfer.sender CONTAINS 'kash1'", True),
        ("transfer.sender EXISTS", True),
        ("transfer.amount EXISTS", False),
        ("tm.event='Tx' AND tx.height=22", True),
        ("tm.event='Tx' AND tx.height>22", False),
        ("tx.height>=22 AND tx.height<=22 AND tx.height<23", True),
        ("tx.fee>=5000", True),
        ("tx.fee<5000", False),
        ("transfer.sender=7", False),
        ("akash.market.v1.EventBidCreated.msg_index EXISTS", False),
    ],
)
def test_conditions(query, fits) -> None:
    assert matches(parse(query), EVENTS) is fits


@pytest.mark.parametrize(
    "query", ["", "x", "x=", "x='a", "x='a' OR y='b'", "x='a' AND", "x='a' ANDy='b'", "AND", "x=='a'"]
)
def test_what_is_not_in_the_language(query) -> None:
    with pytest.raises(QueryInvalid):
        parse(query)


def test_parts() -> None:
    assert parse("a.b='c' AND d>=5 AND e EXISTS") == (
        Condition("a.b", "=", "c"),
        Condition("d", ">=", 5),
        Condition("e", "EXISTS", None),
    )


def test_events_are_flattened_with_every_value() -> None:
    events = [AbciEvent("transfer", [("sender", "a"), ("amount", "1uakt")]), AbciEvent("transfer", [("sender", "b")])]
    assert composite(events, tm_event="Tx") == {
        "tm.event": ["Tx"],
        "transfer.sender": ["a", "b"],
        "transfer.amount": ["1uakt"],
    }
