"""What can be asked about prices. An unknown pair is an error of the store behind, not a proper "not found"."""

from __future__ import annotations

import datetime
from typing import Any

from provider.chain.wire import message

from . import paging
from .context import Registry, View
from .errors import QueryError
from .oracle import AGGREGATES, ENTRIES, HEALTH, missing

_NAME = "akash.oracle.v2"


def register(registry: Registry) -> None:
    registry.query(f"/{_NAME}.Query/AggregatedPrice", _aggregated)
    registry.query(f"/{_NAME}.Query/Params", _params)
    registry.query(f"/{_NAME}.Query/Prices", _prices)


def _aggregated(view: View, request: Any) -> Any:
    """The denom is taken as it is: `akt` is known, `uakt` is not."""
    key = (request.denom, "usd")
    price, health = AGGREGATES.get(view.state, key), HEALTH.get(view.state, key)
    if price is None:
        raise QueryError("UNKNOWN", missing(request.denom, "AggregatedPrice"))
    return message(f"{_NAME}.QueryAggregatedPriceResponse")(aggregated_price=price, price_health=health)


def _params(view: View, _: Any) -> Any:
    told = view.genesis.params.oracle
    params = message(f"{_NAME}.Params")(
        sources=told.sources,
        min_price_sources=told.min_sources,
        max_price_deviation_bps=told.max_deviation_bps,
        prune_epoch=told.prune_epoch,
        max_prune_per_epoch=told.max_prune_per_epoch,
    )
    params.max_price_staleness_period.FromNanoseconds(told.staleness_ns)
    params.twap_window.FromNanoseconds(told.twap_window_ns)
    params.price_retention.FromNanoseconds(told.retention_ns)
    params.max_future_time_drift.FromNanoseconds(told.max_future_drift_ns)
    return message(f"{_NAME}.QueryParamsResponse")(params=params)


def _prices(view: View, request: Any) -> Any:
    """Newest first; `reverse` turns them round."""
    wanted = request.filters
    rows = []
    for (source, denom, base, at_ns, sequence), price in view.state.scan(ENTRIES):
        if (wanted.asset_denom and denom != wanted.asset_denom) or (wanted.base_denom and base != wanted.base_denom):
            continue
        if wanted.HasField("start_time") and at_ns < wanted.start_time.ToNanoseconds():
            continue
        if wanted.HasField("end_time") and at_ns > wanted.end_time.ToNanoseconds():
            continue
        row = message(f"{_NAME}.PriceData")(
            id={"source": source, "denom": denom, "base_denom": base, "sequence": sequence}, state={"price": str(price)}
        )
        row.id.timestamp.FromNanoseconds(at_ns)
        rows.append((_key(source, denom, base, at_ns, sequence), row))
    asked = message(f"{_NAME}.QueryPricesRequest")()
    asked.CopyFrom(request)
    if request.HasField("pagination"):
        asked.pagination.reverse = not request.pagination.reverse
        page, found = paging.sdk_page(rows, asked)
    else:
        page, found = paging.sdk_page(rows[::-1], asked)
    return message(f"{_NAME}.QueryPricesResponse")(prices=found, pagination=page)


def _key(source: int, denom: str, base: str, at_ns: int, sequence: int) -> bytes:
    """As the node stores it: times are text of 31 characters."""
    texts = b"".join(bytes([len(part)]) + part.encode() for part in (denom, base))
    seconds, ns = divmod(at_ns, 10**9)
    clock = datetime.datetime.fromtimestamp(seconds, datetime.UTC).strftime("%Y.%m.%d.%H.%M.%S")
    stamp = f"{clock}.{ns // 10**6:03d}.{ns // 1000 % 1000:03d}.{ns % 1000:03d}"
    return source.to_bytes(4, "big") + texts + stamp.encode() + sequence.to_bytes(8, "big")
