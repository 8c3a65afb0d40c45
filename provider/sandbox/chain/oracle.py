"""What coins are worth in dollars: feeds post prices, and the end of each block makes one price of them
(chain-probes.md §7, §3; recorded in S8).

The one subtlety is time. A price counts from its own timestamp, not from its block, and an average over the window
weighs each price by how long it was the last one. When no feed is fresh any more the average stays as it was, its
time too, and only the health says so. Recorded was one feed; how several are put together is a guess.
"""

from __future__ import annotations

import json
from statistics import median_low
from typing import Any

from provider.chain.wire import message

from . import dec, paging
from .codec import go_json
from .context import Context, Registry, Table, View
from .errors import QueryError, registered
from .genesis import Genesis, OracleParams
from .store import Layer, Reader

BASE = "usd"
_NAME = "akash.oracle.v2"
ENTRIES = Table("oracle_entry", f"{_NAME}.PriceData")
"""(denom, timestamp in ns, number of the source)"""
PRICES = Table("oracle_price", f"{_NAME}.AggregatedPrice")
HEALTH = Table("oracle_health", f"{_NAME}.PriceHealth")


def register(registry: Registry) -> None:
    registry.message(f"{_NAME}.MsgAddPriceEntry", lambda msg: str(msg.signer), _add, _check)
    registry.query(f"/{_NAME}.Query/AggregatedPrice", _aggregated)
    registry.query(f"/{_NAME}.Query/Params", _params)
    registry.query(f"/{_NAME}.Query/Prices", _prices)
    registry.end_block.append(end_block)


def start(store: Layer, genesis: Genesis) -> None:
    at = genesis.genesis_time_unix_ns
    for denom, price_e18 in genesis.params.oracle.start_prices:
        entry = _entry(1, denom, price_e18, at)
        store.put(ENTRIES.name, (denom, at, 1), entry.SerializeToString(deterministic=True))


def end_block(ctx: Context) -> None:
    for denom in sorted({key[0] for key, _ in ENTRIES.scan(ctx.store)}):
        _aggregate(ctx, denom)


def twap_e18(entries: list[tuple[int, int]], now_ns: int, window_ns: int) -> int:
    """The average of (timestamp, price ×10^18), oldest first, over the last window."""
    start, total, span = now_ns - window_ns, 0, 0
    for (since, price), (until, _) in zip(entries, [*entries[1:], (now_ns, 0)], strict=True):
        weight = max(0, min(until, now_ns) - max(since, start))
        total, span = total + price * weight, span + weight
    return dec.quo(total, span) if span else entries[-1][1]


def _check(msg: Any) -> None:
    if msg.id.base_denom != BASE:
        raise registered("sdk", 18, f"base denom must be {BASE}")
    if dec.parse(msg.price) <= 0:
        raise registered("sdk", 18, "price must be positive")


def _add(ctx: Context, msg: Any) -> None:
    params, now = ctx.genesis.params.oracle, ctx.time_unix_ns
    if msg.signer not in params.sources:
        raise registered("sdk", 4, f"source {msg.signer} is not authorized oracle provider")
    at = msg.timestamp.ToNanoseconds()
    if at + params.staleness_ns < now:
        raise registered("sdk", 18, "price timestamp is too old")
    if at > now + params.max_future_drift_ns:
        raise registered("sdk", 18, "price timestamp lies too far in the future")
    source = params.sources.index(msg.signer) + 1
    ctx.put(ENTRIES, (msg.id.denom, at, source), _entry(source, msg.id.denom, dec.parse(msg.price), at))
    when = msg.timestamp.ToJsonString()
    ctx.log.typed(
        f"{_NAME}.EventPriceData",
        id=go_json(msg.id),
        price=f'"{dec.text(dec.parse(msg.price))}"',
        source=f'"{msg.signer}"',
        timestamp=f'"{when}"',
    )


def _entry(source: int, denom: str, price_e18: int, at_ns: int) -> Any:
    entry = message(ENTRIES.record)()
    entry.id.source, entry.id.denom, entry.id.base_denom = source, denom, BASE
    entry.id.timestamp.FromNanoseconds(at_ns)
    entry.state.price = str(price_e18)
    return entry


def _aggregate(ctx: Context, denom: str) -> None:
    params, now = ctx.genesis.params.oracle, ctx.time_unix_ns
    entries = [(key[1], key[2], dec.parse(found.state.price)) for key, found in ENTRIES.scan(ctx.store, (denom,))]
    newest = {source: (at, price) for at, source, price in entries}
    fresh = [price for at, price in newest.values() if at + params.staleness_ns >= now]
    before = HEALTH.get(ctx.store, (denom,))
    health = _health(denom, fresh, len(newest), params)
    price_id = go_json(message(f"{_NAME}.DataID")(denom=denom, base_denom=BASE))
    if health.has_min_sources:
        price = message(PRICES.record)(denom=denom, num_sources=len(fresh), deviation_bps=_deviation_bps(fresh))
        price.twap = str(twap_e18([(at, p) for at, _, p in entries], now, params.twap_window_ns))
        price.median_price, price.min_price, price.max_price = (str(f(fresh)) for f in (median_low, min, max))
        price.timestamp.FromNanoseconds(now)
        ctx.put(PRICES, (denom,), price)
    if health.is_healthy and not (before and before.is_healthy):
        ctx.log.typed(f"{_NAME}.EventPriceRecovered", id=price_id, height=f'"{ctx.height}"')
    if before and before.is_healthy and not health.is_healthy:
        ctx.log.typed(f"{_NAME}.EventPriceStaled", id=price_id, last_height='"0"')  # the real one never fills it
    if health.has_min_sources:
        ctx.log.typed(f"{_NAME}.EventAggregatedPrice", price=_price_json(price))
    ctx.put(HEALTH, (denom,), health)


def _health(denom: str, fresh: list[int], sources: int, params: OracleParams) -> Any:
    health = message(HEALTH.record)(denom=denom, total_sources=sources, total_healthy_sources=len(fresh))
    health.has_min_sources = len(fresh) >= params.min_sources
    deviation = _deviation_bps(fresh)
    health.deviation_ok = deviation <= params.max_deviation_bps
    if not health.has_min_sources:
        health.failure_reason.append(f"insufficient price sources: {len(fresh)} < {params.min_sources}")
    if not health.deviation_ok:
        health.failure_reason.append(f"price deviation too high: {deviation} > {params.max_deviation_bps}")
    health.is_healthy = health.has_min_sources and health.deviation_ok
    return health


def _deviation_bps(prices: list[int]) -> int:
    return (max(prices) - min(prices)) * 10_000 // min(prices) if prices else 0


def _price_json(price: Any) -> str:
    """In the order of its fields, decimals with a point."""
    decimals = {f: dec.text(dec.parse(getattr(price, f))) for f in ("twap", "median_price", "min_price", "max_price")}
    rest = {"timestamp": price.timestamp.ToJsonString(), "num_sources": price.num_sources}
    shown = {"denom": price.denom, **decimals, **rest, "deviation_bps": str(price.deviation_bps)}
    return json.dumps(shown, separators=(",", ":"))


def _known(reader: Reader, table: Table, denom: str) -> Any:
    found = table.get(reader, (denom,))
    if found is None:
        kind = f"github.com/cosmos/gogoproto/{table.record}"
        raise QueryError("UNKNOWN", f"collections: not found: key '{denom}/{BASE}' of type {kind}")
    return found


def _aggregated(view: View, request: Any) -> Any:
    price, health = (_known(view.state, table, request.denom) for table in (PRICES, HEALTH))
    return message(f"{_NAME}.QueryAggregatedPriceResponse")(aggregated_price=price, price_health=health)


def _params(view: View, _request: Any) -> Any:
    own, out = view.genesis.params.oracle, message(f"{_NAME}.QueryParamsResponse")()
    params = out.params
    params.sources.extend(own.sources)
    params.min_price_sources, params.max_price_deviation_bps = own.min_sources, own.max_deviation_bps
    params.max_price_staleness_period.FromNanoseconds(own.staleness_ns)
    params.twap_window.FromNanoseconds(own.twap_window_ns)
    params.max_future_time_drift.FromNanoseconds(own.max_future_drift_ns)
    params.price_retention.FromSeconds(86_400)
    params.prune_epoch, params.max_prune_per_epoch = "hour", 1_000
    return out


def _prices(view: View, request: Any) -> Any:
    wanted = request.filters
    rows = [
        (denom.encode() + b"\0" + at.to_bytes(8, "big") + source.to_bytes(4, "big"), found)
        for (denom, at, source), found in ENTRIES.scan(view.state)
        if wanted.asset_denom in ("", denom)
        and wanted.base_denom in ("", found.id.base_denom)
        and (not wanted.HasField("start_time") or at >= wanted.start_time.ToNanoseconds())
        and (not wanted.HasField("end_time") or at <= wanted.end_time.ToNanoseconds())
    ]
    page, found = paging.sdk_page(rows, request)
    return message(f"{_NAME}.QueryPricesResponse")(prices=found, pagination=page)
