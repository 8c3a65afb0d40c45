"""Questions about prices, with the node's own answers to wrong ones."""

from __future__ import annotations

from typing import Any

import pytest

from provider.sandbox.chain.errors import QueryError

ORACLE = "akash.oracle.v2.Query"


def test_the_price_is_known_as_akt_only(priced: Any) -> None:
    found = priced.ask(f"{ORACLE}/AggregatedPrice", denom="akt")
    assert (found.aggregated_price.twap, found.price_health.is_healthy) == (str(2 * 10**18), True)
    assert found.aggregated_price.timestamp.ToNanoseconds() == priced.app.time_unix_ns
    with pytest.raises(QueryError) as no:
        priced.ask(f"{ORACLE}/AggregatedPrice", denom="uakt")
    assert no.value.status == "UNKNOWN"
    assert "'uakt/usd' of type github.com/cosmos/gogoproto/akash.oracle.v2.AggregatedPrice" in no.value.text


def test_parameters(priced: Any) -> None:
    params = priced.ask(f"{ORACLE}/Params").params
    assert list(params.sources) == [priced["feeder"]]
    assert (params.max_price_staleness_period.seconds, params.twap_window.seconds) == (60, 30)
    assert (params.min_price_sources, params.max_price_deviation_bps) == (1, 1_000)


def test_entries_are_listed_newest_first_and_in_pages(priced: Any) -> None:
    start = priced.app.time_unix_ns
    for usd in ("3", "4"):
        priced.must("feeder", priced.price(usd))

    def listed(**more: Any) -> tuple[list[int], Any]:
        found = priced.ask(f"{ORACLE}/Prices", **more)
        return [int(row.state.price) // 10**18 for row in found.prices], found.pagination

    assert listed()[0] == [4, 3, 2]
    assert listed(pagination={"reverse": True})[0] == [2, 3, 4]
    first, page = listed(pagination={"limit": 2})
    assert (first, listed(pagination={"key": page.next_key})[0]) == ([4, 3], [2])
    assert b".000." in page.next_key, "times are text in the key"
    assert listed(filters={"asset_denom": "akt", "base_denom": "usd"})[0] == [4, 3, 2]
    assert listed(filters={"asset_denom": "x"})[0] == []
    assert listed(filters={"base_denom": "x"})[0] == []
    seconds = start // 10**9
    assert listed(filters={"start_time": {"seconds": seconds + 1}})[0] == [4, 3]
    assert listed(filters={"end_time": {"seconds": seconds + 1}})[0] == [3, 2]
