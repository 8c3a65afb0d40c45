"""`akp leases reclaim` and `close`: with the notice that was promised, and without."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from provider.cli.lease_ending import reason_number
from provider.errors import ConfigError

MANY_S = 100_000


def state(town: Any, lease: Any) -> tuple[str, int]:
    found = town.ask(lambda chain: chain.lease(lease))
    return found.state, found.reason


def test_a_lease_without_a_promise_is_closed_at_once(akp: Callable[..., Any], market_town: Any) -> None:
    lease, config = market_town.leases(1), market_town.config()
    refused = akp("leases", "reclaim", lease, "--config", config, "--yes")
    assert (refused.code, "akp leases close" in refused.err) == (1, True)
    shown = akp("leases", "close", lease, "--reason", "unstable", "--config", config, "--dry-run", "-o", "json")
    (msg,) = json.loads(shown.out)["body"]["messages"]
    assert (msg["@type"].rpartition(".")[2], state(market_town, lease)[0]) == ("MsgCloseBid", "active")
    assert akp("leases", "close", lease, "--reason", "unstable", "--config", config, "--yes").code == 0
    assert state(market_town, lease) == ("closed", 10_000)
    again = akp("leases", "close", lease, "--config", config, "--yes")
    assert (again.code, "is over: closed" in again.err) == (1, True)


def test_a_promise_is_kept_by_close_and_reclaim(akp: Callable[..., Any], market_town: Any) -> None:
    lease, config = market_town.leases(1, window_s=MANY_S), market_town.config()
    said = akp("leases", "close", lease, "--config", config, "--yes")
    assert (said.code, "1d 3h of notice were promised" in said.out) == (0, True), said.err
    found = market_town.ask(lambda chain: chain.lease(lease))
    assert (found.state, found.reclamation.reason) == ("reclaiming", 10_002)
    for command in ("close", "reclaim"):
        said = akp("leases", command, lease, "--config", config, "--yes")
        assert (said.code, "it runs until" in said.out) == (0, True)
        told = json.loads(akp("leases", command, lease, "--config", config, "--yes", "-o", "json").out)
        assert (told["lease"], told["state"]) == (str(lease), "reclaiming")
    assert state(market_town, lease)[0] == "reclaiming"


def test_after_its_notice_a_lease_is_closed(akp: Callable[..., Any], market_town: Any) -> None:
    lease, config = market_town.leases(1, window_s=1), market_town.config()
    assert akp("leases", "reclaim", lease, "--config", config, "--yes").code == 0
    for _ in range(100):
        akp("tx", "close", lease, "--reason", "10042", "--config", config, "--yes")
        if state(market_town, lease)[0] == "closed":
            break
    assert state(market_town, lease) == ("closed", 10_042)


def test_anothers_lease_and_an_unknown_one(akp: Callable[..., Any], market_town: Any) -> None:
    config = market_town.config()
    other = akp("leases", "close", "akash1t/1/1/1/akash1x", "--config", config, "--yes")
    assert (other.code, "is not a lease of" in other.err) == (2, True)
    unknown = f"akash1t/1/1/1/{market_town.owner.address}"
    assert akp("leases", "close", unknown, "--config", config, "--yes").code == 1


@pytest.mark.parametrize(("text", "number"), [("unstable", 10_000), ("manifest-timeout", 10_003), ("19999", 19_999)])
def test_reasons(text: str, number: int) -> None:
    assert reason_number(text) == number


@pytest.mark.parametrize("text", ["", "because", "9999", "20000", "1", "-1", "٣0000"])
def test_what_is_no_reason_of_a_provider(text: str) -> None:
    with pytest.raises(ConfigError, match="--reason"):
        reason_number(text)
