"""Feeds post, the end of the block makes one price of it: as recorded, and as far as nobody recorded it."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest

from provider.chain.wire import message
from provider.sandbox.chain.app import App
from provider.sandbox.chain.errors import QueryError
from provider.sandbox.chain.genesis import Genesis, OracleParams
from provider.sandbox.chain.oracle import twap_e18
from tests.provider.sandbox.chain.conftest import Chain, Key
from tests.provider.sandbox.chain.test_recordings import nanoseconds, plain, read_lines

S = 10**9
E18 = 10**18
QUERY = "akash.oracle.v2.Query"


@pytest.mark.parametrize("name", ["S1-life", "S8-denoms-bme", "S8-breaker-fallback"])
def test_a_recorded_feed_is_repeated_block_by_block(name: str, shared: Path) -> None:
    """Only the feed's own transactions are replayed; every event of the oracle must come out, and no other."""
    chain = shared / "conformance" / "chain"
    lines = read_lines(chain / f"{name}.jsonl")
    blocks = {line["height"]: line for line in lines if "results" in line}
    app = App(Genesis.load(chain / "genesis.json", nanoseconds(lines[0]["meta"]["genesis_time"])))
    compared = 0
    for height, time in lines[-1]["headers"]:
        line = blocks.get(height, {"txs": [], "results": [], "finalize_block_events": []})
        fed = [
            (base64.b64decode(tx["bytes"]), result)
            for tx, result in zip(line["txs"], line["results"], strict=True)
            if b"MsgAddPriceEntry" in base64.b64decode(tx["bytes"])
        ]
        answer = app.deliver_block(nanoseconds(time), [tx for tx, _ in fed])
        assert [plain(r["events"]) for _, r in fed] == [
            [[e.type, e.attributes] for e in r.events] for r in answer.results
        ]
        if height in blocks:
            wanted = [e for e in plain(line["finalize_block_events"]) if e[0].startswith("akash.oracle")]
            assert wanted == [[e.type, e.attributes] for e in answer.block_events], height
            compared += len(wanted)
    assert compared > 10


@pytest.fixture
def fed() -> Chain:
    """Two feeds; a price is good for 60 s, the window is 30 s."""
    keys = {name: Key(number) for number, name in enumerate(("one", "two", "stranger"), 1)}
    sources = tuple(keys[name].address for name in ("one", "two"))
    genesis = Genesis.default(
        {k.address: {"uakt": 10**12} for k in keys.values()},
        oracle=OracleParams(sources, staleness_ns=60 * S, twap_window_ns=30 * S),
    )  # fmt: skip
    return Chain(App(genesis), keys, {name: number for number, name in enumerate(keys)})


def post(chain: Chain, price_e18: int | str, *, who: str = "one", after_s: float = 0) -> Any:
    msg = message("akash.oracle.v2.MsgAddPriceEntry")(
        signer=chain[who], id={"denom": "akt", "base_denom": "usd"}, price=str(price_e18)
    )
    msg.timestamp.FromNanoseconds(chain.app.time_unix_ns + int(after_s * S))
    return msg


def asked(chain: Chain) -> tuple[Any, Any]:
    found = chain.ask(f"{QUERY}/AggregatedPrice", denom="akt")
    return found.aggregated_price, found.price_health


@pytest.mark.parametrize(
    ("who", "price", "after_s", "code", "told"),
    [
        ("stranger", E18, 0, ("sdk", 4), "is not authorized oracle provider: unauthorized"),
        ("one", E18, -70, ("sdk", 18), "price timestamp is too old"),
        ("one", E18, 20, ("sdk", 18), "too far in the future"),
        ("one", 0, 0, ("sdk", 18), "must be positive"),
        ("one", "1.5", 0, ("sdk", 2), "tx parse error"),
    ],
)
def test_a_price_is_refused(
    fed: Chain, who: str, price: int | str, after_s: float, code: tuple[str, int], told: str
) -> None:
    answer = fed.send(who, post(fed, price, who=who, after_s=after_s))
    assert (answer.codespace, answer.code) == code
    assert told in answer.log
    with pytest.raises(QueryError, match=r"not found: key 'akt/usd' of type .*AggregatedPrice"):
        asked(fed)


def test_an_unfed_price_goes_stale_and_keeps_its_value_and_its_time(fed: Chain) -> None:
    fed.must("one", post(fed, 2 * E18))
    fed.block(after_s=50)
    price, health = asked(fed)
    good = price.timestamp.ToNanoseconds()
    assert (good, health.is_healthy) == (fed.app.time_unix_ns, True)
    told = fed.block(after_s=20).block_events
    assert [e.type.rpartition(".")[2] for e in told] == ["EventPriceStaled"]
    price, health = asked(fed)
    assert (price.twap, price.timestamp.ToNanoseconds()) == (str(2 * E18), good)
    assert (health.is_healthy, list(health.failure_reason)) == (False, ["insufficient price sources: 0 < 1"])
    fed.must("one", post(fed, 3 * E18))
    assert asked(fed)[1].is_healthy


def test_skipped_blocks_let_it_go_stale_too(fed: Chain) -> None:
    fed.must("one", post(fed, 2 * E18))
    fed.app.skip(100, 6 * S)
    assert not asked(fed)[1].is_healthy


def test_two_feeds_that_disagree_are_unhealthy(fed: Chain) -> None:
    fed.must("one", post(fed, 100 * E18))
    fed.must("two", post(fed, 109 * E18, who="two"))
    price, health = asked(fed)
    assert (price.num_sources, price.deviation_bps, health.is_healthy) == (2, 900, True)
    assert (price.min_price, price.max_price) == (str(100 * E18), str(109 * E18))
    fed.must("two", post(fed, 120 * E18, who="two"))
    assert list(asked(fed)[1].failure_reason) == ["price deviation too high: 2000 > 1000"]


def test_what_was_posted_can_be_listed_and_filtered(fed: Chain) -> None:
    for price in (1, 2):
        fed.must("one", post(fed, price * E18))
    everything = fed.ask(f"{QUERY}/Prices")
    assert [(p.id.source, p.state.price) for p in everything.prices] == [(1, str(E18)), (1, str(2 * E18))]
    since = {"start_time": everything.prices[1].id.timestamp}
    assert len(fed.ask(f"{QUERY}/Prices", filters=since).prices) == 1
    assert not fed.ask(f"{QUERY}/Prices", filters={"asset_denom": "btc"}).prices
    params = fed.ask(f"{QUERY}/Params").params
    assert (list(params.sources), params.twap_window.seconds) == ([fed["one"], fed["two"]], 30)


@pytest.mark.parametrize(
    ("entries", "wanted"),
    [
        pytest.param([(0, 7)], 7, id="alone it is the average"),
        pytest.param([(0, 10), (95 * S, 40)], 25, id="half the window each"),
        pytest.param([(0, 1_000), (89 * S, 10), (95 * S, 40)], 25, id="what ended before the window does not count"),
        pytest.param([(99 * S, 4), (100 * S, 9)], 4, id="the newest has lasted no time yet"),
        pytest.param([(100 * S, 9)], 9, id="the first one of all"),
        pytest.param([(90 * S, 0), (95 * S, 1)], 0, id="a half is rounded to even"),
        pytest.param([(90 * S, 1), (95 * S, 2)], 2, id="also upwards"),
    ],
)
def test_the_average_weighs_by_time(entries: list[tuple[int, int]], wanted: int) -> None:
    assert twap_e18(entries, 100 * S, 10 * S) == wanted
