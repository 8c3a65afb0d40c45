"""Closed, open, half open: a list of guarantees, gone down one by one."""

from __future__ import annotations

from provider.chain.breaker import FIRST_REST_S, LONGEST_REST_S, PROBE_S, Breaker, State


def test_everybody_passes_until_it_fails_and_nobody_while_it_rests() -> None:
    breaker = Breaker()
    assert [breaker.admits(100.0), breaker.admits(100.0)] == [True, True]
    breaker.failed(100.0)
    assert breaker.state(100.0) is State.OPEN
    assert not breaker.admits(100.0 + FIRST_REST_S - 0.1)


def test_after_the_rest_one_probe_decides() -> None:
    breaker = Breaker()
    breaker.failed(100.0)
    rested = 100.0 + FIRST_REST_S
    assert breaker.state(rested) is State.HALF_OPEN
    assert [breaker.admits(rested), breaker.admits(rested), breaker.admits(rested)] == [True, False, False]
    breaker.answered()
    assert [breaker.admits(rested), breaker.admits(rested)] == [True, True]


def test_a_probe_that_fails_begins_a_longer_rest() -> None:
    breaker = Breaker()
    breaker.failed(100.0)
    assert breaker.admits(102.0)
    breaker.failed(102.5)
    assert breaker.state(102.5 + FIRST_REST_S) is State.OPEN
    assert breaker.admits(102.5 + 2 * FIRST_REST_S)


def test_a_probe_that_never_comes_back_is_given_to_another() -> None:
    breaker = Breaker()
    breaker.failed(100.0)
    assert breaker.admits(102.0)
    assert not breaker.admits(102.0 + PROBE_S - 0.1)
    assert breaker.admits(102.0 + PROBE_S)


def test_each_failure_in_a_row_doubles_the_rest_up_to_a_minute() -> None:
    breaker, now, rests = Breaker(), 100.0, []
    for _ in range(9):
        breaker.failed(now)
        rests.append(breaker.rests_until - now)
        now = breaker.rests_until
    assert rests[:3] == [2.0, 4.0, 8.0]
    assert rests[-1] == LONGEST_REST_S


def test_a_hundred_calls_that_fail_together_are_one_failure() -> None:
    breaker = Breaker()
    for _ in range(100):
        breaker.failed(100.0)
    assert (breaker.failures, breaker.rests_until) == (1, 100.0 + FIRST_REST_S)
