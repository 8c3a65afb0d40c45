"""Prices: who may name them, what the chain makes of them, and when there is none (chain.md §2.9)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from provider.sandbox.chain import dec
from provider.sandbox.chain.errors import ChainError
from provider.sandbox.chain.oracle import ENTRIES, price_e18

SECOND = 10**9


@pytest.fixture
def market(starting: Callable[..., Any]) -> Any:
    """Two sources; prices are good for 60 s, the mean is over 30 s, 10 % apart is too much."""
    return starting(sources=("feeder", "feeder2"), oracle={"staleness_ns": 60 * SECOND, "twap_window_ns": 30 * SECOND})


def now(chain: Any, denom: str = "uakt") -> str:
    """The price in use, or why there is none."""
    try:
        return dec.text(price_e18(chain.app._store.at(chain.app.height), denom)).rstrip("0").rstrip(".")
    except ChainError as no:
        return f"{no.codespace} {no.code}: {no.text}"


def told(answer: Any) -> list[str]:
    return [e.type.removeprefix("akash.oracle.v2.Event") for e in answer.block_events if "oracle" in e.type]


def test_without_a_price_there_is_none_but_act_is_a_dollar(market: Any) -> None:
    missing = "collections: not found: key 'akt/usd' of type github.com/cosmos/gogoproto/akash.oracle.v2.PriceHealth"
    assert now(market) == now(market, "akt") == f"oracle.v2 4: {missing}: price stalled"
    assert now(market, "uact") == now(market, "act") == "1"


def test_a_price_comes_goes_stale_and_recovers(market: Any) -> None:
    first = market.block(market.tx("feeder", market.price("1.25")))
    assert told(first) == ["PriceRecovered", "AggregatedPrice"]
    assert now(market) == "1.25"
    assert told(market.block(after_s=60)) == ["AggregatedPrice"]
    assert told(market.block(after_s=1)) == ["PriceStaled"]
    assert now(market) == "oracle.v2 4: price stalled"
    assert told(market.block(after_s=1)) == []
    assert told(market.block(market.tx("feeder", market.price("1.3")))) == ["PriceRecovered", "AggregatedPrice"]


def test_a_chain_may_start_with_a_price(starting: Callable[..., Any]) -> None:
    chain = starting(oracle={"start_prices": (("akt", dec.E18 // 2),), "staleness_ns": 60 * SECOND})
    assert now(chain) == "0.5"
    chain.block(after_s=60)
    assert now(chain) == "oracle.v2 4: price stalled"


def test_the_price_in_use_is_a_mean_over_time(market: Any) -> None:
    """chain-probes 31: shortly after a new price the old one still counts."""
    market.must("feeder", market.price("1"))
    market.block(after_s=40)
    market.must("feeder", market.price("2"))
    assert now(market) == "1"
    market.block(after_s=15)
    assert now(market) == "1.5"
    found = market.ask("akash.oracle.v2.Query/AggregatedPrice", denom="akt").aggregated_price
    assert {found.median_price, found.min_price, found.max_price} == {str(2 * dec.E18)}, "these look at the newest"
    market.block(after_s=15)
    assert now(market) == "2"


@pytest.mark.parametrize(("second", "price"), [("2.2", "2.1"), ("2.21", "oracle.v2 4: price stalled")])
def test_sources_must_agree(market: Any, second: str, price: str) -> None:
    market.must("feeder", market.price("2"))
    market.block(market.tx("feeder2", market.price(second, "feeder2")), after_s=1)
    market.block(after_s=40)
    assert now(market) == price
    health = market.ask("akash.oracle.v2.Query/AggregatedPrice", denom="akt").price_health
    assert (health.total_sources, health.total_healthy_sources) == (2, 2)
    assert list(health.failure_reason) == ([] if price == "2.1" else ["price deviation too high: 1050bps > 1000bps"])


def test_too_few_sources_are_none(starting: Callable[..., Any]) -> None:
    chain = starting(sources=("feeder", "feeder2"), oracle={"min_sources": 2})
    chain.must("feeder", chain.price("2"))
    assert now(chain) == "oracle.v2 4: price stalled"
    chain.must("feeder2", chain.price("2", "feeder2"))
    assert now(chain) == "2"


REFUSED: dict[str, tuple[Any, tuple[str, int], str]] = {
    "a stranger": (lambda c: c.price("1", "hot"), ("sdk", 4), "is not authorized oracle provider: unauthorized"),
    "nothing": (lambda c: c.price("0"), ("sdk", 18), "price must be positive: invalid request"),
    "less than nothing": (lambda c: c.price("-1"), ("sdk", 18), "price must be positive: invalid request"),
    "older than the first may be": (lambda c: c.price("1", age_s=13), ("sdk", 18), "too old: invalid request"),
}


@pytest.mark.parametrize(("make", "code", "text"), REFUSED.values(), ids=REFUSED)
def test_entries_that_are_refused(market: Any, make: Any, code: tuple[str, int], text: str) -> None:
    answer = market.send("feeder" if text.startswith(("price", "too")) else "hot", make(market))
    assert (answer.codespace, answer.code) == code
    assert answer.log.endswith(text)


@pytest.mark.parametrize(
    ("field", "text"), [("denom", "unsupported denom x"), ("base_denom", "unsupported base denom x")]
)
def test_only_akt_in_usd(market: Any, field: str, text: str) -> None:
    msg = market.price("1")
    setattr(msg.id, field, "x")
    assert text in market.send("feeder", msg).log


def test_time_does_not_run_backwards_for_a_source(market: Any) -> None:
    market.must("feeder", market.price("1"))
    market.must("feeder", market.price("1.1", age_s=1))
    assert "too old" in market.send("feeder", market.price("1.2", age_s=3)).log
    market.must("feeder2", market.price("1.1", "feeder2", age_s=3))


def test_old_entries_are_forgotten_at_the_end_of_the_epoch(starting: Callable[..., Any]) -> None:
    chain = starting(
        sources=("feeder",), oracle={"retention_ns": 100 * SECOND, "prune_epoch": "minute", "max_prune_per_epoch": 2}
    )
    for _ in range(3):
        chain.must("feeder", chain.price("1"))
    counts = []
    for after_s in (50, 61, 61):
        chain.block(after_s=after_s)
        counts.append(sum(1 for _ in chain.app._store.at(chain.app.height).scan(ENTRIES)))
    assert counts == [3, 1, 0]
