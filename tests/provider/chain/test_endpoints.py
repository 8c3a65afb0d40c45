"""Which address is asked: a list of guarantees, gone down one by one."""

from __future__ import annotations

import pytest

from provider.chain.endpoints import FIRST_REST_S, LONGEST_REST_S, Endpoints, check_chain_id
from provider.errors import ConfigError


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def order(endpoints: Endpoints) -> list[str]:
    return [e.address for e in endpoints.in_order()]


def test_the_first_is_the_best() -> None:
    assert order(Endpoints(["a", "b", "c"], Clock())) == ["a", "b", "c"]


def test_one_that_failed_rests_at_the_end_and_comes_back() -> None:
    clock = Clock()
    endpoints = Endpoints(["a", "b"], clock)
    endpoints.failed(endpoints.current)
    assert order(endpoints) == ["b", "a"]
    clock.now += FIRST_REST_S
    assert order(endpoints) == ["a", "b"]


def test_each_failure_in_a_row_doubles_the_rest_up_to_a_minute() -> None:
    clock = Clock()
    endpoints = Endpoints(["a", "b"], clock)
    a = endpoints.current
    rests = []
    for _ in range(9):
        endpoints.failed(a)
        rests.append(a.rests_until - clock.now)
    assert rests[:3] == [2.0, 4.0, 8.0]
    assert rests[-1] == LONGEST_REST_S


def test_an_answer_ends_it() -> None:
    endpoints = Endpoints(["a", "b"], Clock())
    a = endpoints.current
    endpoints.failed(a)
    endpoints.answered(a)
    assert order(endpoints) == ["a", "b"]
    endpoints.failed(a)
    assert a.rests_until == 1000.0 + FIRST_REST_S


def test_with_all_resting_the_one_that_rests_shortest_is_asked() -> None:
    endpoints = Endpoints(["a", "b"], Clock())
    a, b = endpoints.in_order()
    endpoints.failed(a)
    endpoints.failed(a)
    endpoints.failed(b)
    assert order(endpoints) == ["b", "a"]


def test_after_a_failure_the_chain_id_is_asked_again() -> None:
    endpoints = Endpoints(["a"], Clock())
    endpoints.current.checked = True
    endpoints.failed(endpoints.current)
    assert not endpoints.current.checked


def test_the_wrong_chain_is_refused_with_both_names_and_the_setting() -> None:
    check_chain_id("chain.grpc", "n:9090", "akashnet-2", "akashnet-2")
    with pytest.raises(ConfigError) as caught:
        check_chain_id("chain.grpc", "n:9090", "sandbox-01", "akashnet-2")
    assert caught.value.where == "chain.grpc"
    for word in ("n:9090", "sandbox-01", "akashnet-2", "chain.id"):
        assert word in str(caught.value)
