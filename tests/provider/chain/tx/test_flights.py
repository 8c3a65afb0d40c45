"""What blocks say about transactions that have left."""

from __future__ import annotations

from provider.chain.events import Block, TxResult
from provider.chain.tx.flights import PUSH_EVERY, Flight, Flights
from provider.chain.tx.outbox import Item
from tests.provider.chain.tx.fake_chain import bid

SECOND = 10**9


def flight(name: str, timeout_s: int = 100, *, accepted: bool = True) -> Flight:
    return Flight(name, name.encode(), [], timeout_s * SECOND, pushed_at=10, left_s=0.0, accepted=accepted)


def block(height: int, time_s: int, *hashes: str) -> Block:
    return Block(height, time_s * SECOND, tuple(TxResult(h, 0, "", "", 1, ()) for h in hashes), ())


def test_one_that_is_included_lands_with_its_result_and_others_stay() -> None:
    flights = Flights()
    a, b = flight("A"), flight("B")
    flights.add(a)
    flights.add(b)
    ((landed, result),) = flights.land(block(11, 50, "X", "A"))
    assert landed is a
    assert result is not None
    assert result.hash == "A"
    assert a not in flights
    assert b in flights
    assert len(flights) == 1


def test_one_is_void_only_when_block_time_has_passed_its_timeout() -> None:
    flights = Flights()
    flights.add(flight("A", timeout_s=100))
    assert flights.land(block(11, 100)) == [], "the chain compares with <="
    ((landed, result),) = flights.land(block(12, 101))
    assert (landed.hash, result) == ("A", None)


def test_one_included_in_the_block_that_is_too_late_has_its_result() -> None:
    flights = Flights()
    flights.add(flight("A", timeout_s=100))
    ((_, result),) = flights.land(block(11, 101, "A"))
    assert result is not None
    assert len(flights) == 0


def test_those_in_the_air_for_long_and_those_nobody_took_are_due_again() -> None:
    flights = Flights()
    flights.add(flight("A"))
    assert flights.due(10 + PUSH_EVERY - 1) == []
    assert not flights.uncertain
    flights.add(flight("B", accepted=False))
    assert flights.uncertain
    assert [f.hash for f in flights.due(10)] == ["B"]
    assert [f.hash for f in flights.due(10 + PUSH_EVERY)] == ["A", "B"]


def test_whom_a_refusal_is_about() -> None:
    a, b = Item(bid(1), None), Item(bid(2), None)
    pair, one = flight("A"), flight("B")
    pair.items, one.items = [a, b], [a]
    assert [pair.blamed(at) for at in (0, 1, 2, None)] == [[a], [b], [], []]
    assert [one.blamed(at) for at in (0, None)] == [[a], [a]], "one message alone is at fault whatever is said"
    pair.items, pair.seats = [b], (None, b)
    assert [pair.blamed(at) for at in (0, 1, None)] == [[], [b], []]
