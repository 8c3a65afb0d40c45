"""What the nodes' answers do to the choice among them, with a clock of the test's own."""

from __future__ import annotations

from typing import Any

import pytest

from provider.chain.breaker import FIRST_REST_S
from provider.chain.endpoints import Endpoints, check_chain_id, told
from provider.chain.ranking import STEADY_S
from provider.errors import ConfigError
from provider.settings import NodeSettings


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def endpoints(clock: Clock, *names: str) -> Endpoints:
    return Endpoints([NodeSettings(rpc=f"http://{n}:26657", grpc=f"http://{n}:9090") for n in names], clock)


def order(found: Endpoints, kind: Any = "grpc") -> list[str]:
    return [e.name.partition(":")[0] for e in found.in_order(kind)]


def test_one_that_failed_rests_at_the_end_and_the_other_stays_in_use_until_it_is_steady() -> None:
    clock = Clock()
    nodes = endpoints(clock, "a", "b")
    a = nodes.current
    nodes.failed(a, "grpc", "refused")
    assert order(nodes) == ["b", "a"]
    assert order(nodes, "rpc") == ["b", "a"], "a node is used whole"
    clock.now += FIRST_REST_S
    nodes.answered(a, "grpc")
    assert order(nodes) == ["b", "a"]
    clock.now += STEADY_S
    assert order(nodes) == ["a", "b"]


def test_its_steadiness_begins_anew_with_each_failure() -> None:
    clock = Clock()
    nodes = endpoints(clock, "a", "b")
    a = nodes.current
    for _ in range(3):
        nodes.failed(a, "rpc", "refused")
        nodes.in_order("rpc")
        clock.now += FIRST_REST_S * 10
        nodes.answered(a, "rpc")
        clock.now += STEADY_S * 0.9
        assert order(nodes) == ["b", "a"]


def test_doors_fail_one_by_one_but_there_is_always_somebody_to_ask() -> None:
    nodes = endpoints(Clock(), "a", "b")
    a, b = nodes.all
    nodes.failed(a, "rpc", "refused")
    nodes.failed(b, "grpc", "refused")
    assert order(nodes, "rpc") == ["b", "a"]
    assert order(nodes, "grpc") == ["a", "b"]


def test_only_one_call_tries_out_a_node_that_has_rested() -> None:
    clock = Clock()
    nodes = endpoints(clock, "a", "b", "c")
    a, b, c = nodes.all
    nodes.failed(a, "grpc", "refused")
    nodes.failed(b, "grpc", "refused")
    clock.now += FIRST_REST_S
    first, second = nodes.asked("grpc"), nodes.asked("grpc")
    assert (next(first), next(second)) == (c, c)
    assert (next(first), next(second)) == (a, b), "each is tried out by one call"
    assert list(second) == [a], "and when nothing else is left, everybody is asked"


def test_a_node_that_is_ahead_at_one_door_and_behind_at_the_other_lags() -> None:
    nodes = endpoints(Clock(), "a", "b")
    a, _ = nodes.all
    nodes.answered(a, "rpc", height=100, best=nodes.best)
    nodes.answered(a, "grpc", height=80, best=nodes.best)
    assert order(nodes, "rpc") == ["b", "a"]
    assert not nodes.in_step(a)
    assert told(a, 1000.0) == "it lags 20 blocks behind"
    nodes.answered(a, "grpc", height=99, best=nodes.best)
    assert nodes.in_step(a)


def test_blocks_that_come_while_a_node_answers_are_no_lag() -> None:
    nodes = endpoints(Clock(), "a", "b")
    a, b = nodes.all
    asked_at = nodes.best
    nodes.answered(b, "rpc", height=500, best=asked_at)
    nodes.answered(a, "rpc", height=400, best=asked_at)
    assert nodes.in_step(a)


def test_a_height_that_cannot_be_makes_nobody_else_late_and_is_forgotten() -> None:
    clock = Clock()
    nodes = endpoints(clock, "a", "b")
    a, b = nodes.all

    def shows(who: Any, height: int) -> None:
        clock.now += 1
        for kind in ("rpc", "grpc"):
            nodes.answered(who, kind, height=height, best=nodes.best)  # type: ignore[arg-type]

    for n in range(3):
        shows(a, 100 + n)
        shows(b, 100 + n)
    shows(a, 10**9)
    shows(b, 103)
    assert (nodes.in_step(a), nodes.in_step(b), order(nodes)) == (False, True, ["b", "a"])
    assert told(a, clock.now) == "it shows height 1000000000, which cannot be"
    shows(a, 104)
    shows(b, 104)
    assert (nodes.in_step(a), nodes.in_step(b), nodes.best) == (True, True, 104)


def test_a_failure_makes_a_door_show_its_chain_id_again() -> None:
    nodes = endpoints(Clock(), "a")
    nodes.current.rpc.checked = nodes.current.grpc.checked = True
    nodes.failed(nodes.current, "grpc", "refused")
    assert (nodes.current.rpc.checked, nodes.current.grpc.checked) == (True, False)


def test_the_wrong_chain_is_refused_with_both_names_and_the_setting_and_never_preferred() -> None:
    nodes = endpoints(Clock(), "a", "b")
    a, _ = nodes.all
    check_chain_id(a, "n:9090", "akashnet-2", "akashnet-2")
    assert order(nodes) == ["a", "b"]
    with pytest.raises(ConfigError) as caught:
        check_chain_id(a, "n:9090", "sandbox-01", "akashnet-2")
    assert caught.value.where == "chain.nodes"
    for word in ("n:9090", "sandbox-01", "akashnet-2", "chain.id"):
        assert word in str(caught.value)
    assert order(nodes) == ["b", "a"]


def test_the_name_shows_nothing_that_may_be_secret() -> None:
    pair = NodeSettings(rpc="https://me:word@node.example.com:443/key123", grpc="g:1")
    assert Endpoints([pair], Clock()).current.name == "node.example.com:443"


def test_the_gauges_tell_of_each_node() -> None:
    clock = Clock()
    nodes = endpoints(clock, "a", "b")
    a, b = nodes.all
    nodes.answered(a, "rpc", height=100, best=0)
    nodes.answered(a, "grpc", height=90, best=100, since=clock.now - 0.5)
    nodes.failed(b, "rpc", "refused")
    found = {(name, labels["node"][0], labels.get("door")): value for name, labels, value in nodes.gauges()}
    assert [found["akp_node_up", n, None] for n in "ab"] == [1.0, 0.0]
    assert [found["akp_node_in_use", n, None] for n in "ab"] == [1.0, 0.0]
    assert found["akp_node_in_step", "a", None] == 0.0
    assert found["akp_node_height", "a", None] == 90
    assert found["akp_node_lag_blocks", "a", None] == 10
    assert found["akp_node_errors_total", "b", "rpc"] == 1
    assert found["akp_node_latency_seconds", "a", "grpc"] == 0.5
