"""The price of AKT in USD: entries of the sources, and what the chain makes of them at the end of every block.

ACT is one USD by definition. The price in use is the time-weighted mean over a window, while median, lowest and highest
look at each source's newest entry only; a source that has been silent for too long does not count (chain.md §2.9).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from provider.chain.wire import message

from . import dec
from .context import Context, Registry, Table
from .errors import ChainError, registered
from .genesis import Genesis
from .ids import is_address
from .store import Key, Layer, Reader

AGGREGATES = Table("oracle_aggregate", "akash.oracle.v2.AggregatedPrice")
HEALTH = Table("oracle_health", "akash.oracle.v2.PriceHealth")
ENTRIES = "oracle_price"
"""(source, denom, base denom, timestamp in ns, sequence) -> price × 10^18"""
_LATEST = "oracle_latest"
"""(source, denom, base denom) -> (timestamp in ns, sequence)"""
_SEQUENCE = "oracle_sequence"
_USD = "usd"
_BASES = {"uakt": "akt", "uact": "act"}
_FIRST_ENTRY_NS = 12 * 10**9
"""how old the very first entry of a source may be"""

Entry = tuple[int, int]
"""(timestamp in ns, price × 10^18)"""


def price_e18(reader: Reader, denom: str) -> int:
    """USD per unit, `uakt` and `akt` alike; oracle.v2 4 when there is no good one."""
    base = _BASES.get(denom, denom)
    if base == "act":
        return dec.E18
    key = (base, _USD)
    health = HEALTH.get(reader, key)
    if health is None:
        raise registered("oracle.v2", 4, missing(base, "PriceHealth"))
    if not health.is_healthy:
        raise registered("oracle.v2", 4)
    price = AGGREGATES.get(reader, key)
    if price is None:
        raise registered("oracle.v2", 4, missing(base, "AggregatedPrice"))
    return dec.parse(price.twap)


def missing(denom: str, what: str) -> str:
    return f"collections: not found: key '{denom}/{_USD}' of type github.com/cosmos/gogoproto/akash.oracle.v2.{what}"


def register(registry: Registry) -> None:
    name = "akash.oracle.v2"
    registry.message(f"{name}.MsgAddPriceEntry", lambda msg: str(msg.signer), _add, _check_signer)
    registry.end_block.append(_aggregate)


def start(store: Layer, genesis: Genesis) -> None:
    for denom, price in genesis.params.oracle.start_prices:
        _enter(store.put, (1, denom, _USD), genesis.genesis_time_unix_ns, 0, price)


def forget_old_prices(ctx: Context) -> None:
    """What is older than the chain keeps, a bounded number at a time."""
    params = ctx.genesis.params.oracle
    cutoff = ctx.time_unix_ns - params.retention_ns
    old = [key for key, _ in ctx.store.scan(ENTRIES) if key[3] <= cutoff]
    for key in old[: params.max_prune_per_epoch]:
        ctx.store.put(ENTRIES, key, None)


def _check_signer(msg: Any) -> None:
    if not is_address(msg.signer):
        raise ChainError("undefined", 1, "invalid signer address: decoding bech32 failed")


def _add(ctx: Context, msg: Any) -> None:
    sources = ctx.genesis.params.oracle.sources
    if msg.signer not in sources:
        raise registered("sdk", 4, f"source {msg.signer} is not authorized oracle provider")
    if msg.id.denom != "akt":
        raise registered("sdk", 18, f"unsupported denom {msg.id.denom}")
    if msg.id.base_denom != _USD:
        raise registered("sdk", 18, f"unsupported base denom {msg.id.base_denom}")
    if dec.parse(msg.price) <= 0:
        raise registered("sdk", 18, "price must be positive")
    pair = (sources.index(msg.signer) + 1, msg.id.denom, msg.id.base_denom)
    at_ns = int(msg.timestamp.ToNanoseconds())
    newest = ctx.get(_LATEST, pair)
    if at_ns < (newest[0] if newest else ctx.time_unix_ns - _FIRST_ENTRY_NS):
        raise registered("sdk", 18, "price timestamp is too old")
    height, used = ctx.get(_SEQUENCE, pair[1:]) or (0, 0)
    sequence = used if height == ctx.height else 0
    ctx.write(_SEQUENCE, pair[1:], (ctx.height, sequence + 1))
    _enter(ctx.write, pair, at_ns, sequence, dec.parse(msg.price))
    ctx.log.typed(
        "akash.oracle.v2.EventPriceData",
        source=f'"{msg.signer}"',
        id=msg.id,
        price=f'"{dec.text(dec.parse(msg.price))}"',
        timestamp=f'"{msg.timestamp.ToJsonString()}"',
    )


def _enter(
    put: Callable[[str, Key, Any], None], pair: tuple[int, str, str], at_ns: int, sequence: int, price: int
) -> None:
    put(ENTRIES, (*pair, at_ns, sequence), price)
    put(_LATEST, pair, (at_ns, sequence))


def _aggregate(ctx: Context) -> None:
    """A new price for each pair that any source has ever named; it stands only while enough sources are fresh and
    agree.
    """
    told = []
    pairs = sorted({key[1:] for key, _ in ctx.store.scan(_LATEST)})
    for pair in pairs:
        total, price = _combined(ctx, pair)
        health = _judge(ctx, pair[0], total, price)
        if health.is_healthy and price.num_sources:
            ctx.put(AGGREGATES, pair, price)
            told.append(price)
    for price in told:
        ctx.log.typed("akash.oracle.v2.EventAggregatedPrice", price=price)


def _combined(ctx: Context, pair: tuple[str, str]) -> tuple[int, Any]:
    """(number of sources, what the fresh ones say together)."""
    params, now_ns = ctx.genesis.params.oracle, ctx.time_unix_ns
    price = message(AGGREGATES.record)(denom=pair[0])
    sources = [(key[0], newest) for key, newest in ctx.store.scan(_LATEST) if key[1:] == pair]
    newest_prices, means = [], []
    for source, (at_ns, sequence) in sources:
        if at_ns < now_ns - params.staleness_ns:
            continue
        newest_prices.append(ctx.store.get(ENTRIES, (source, *pair, at_ns, sequence)))
        history = _window(ctx, (source, *pair), now_ns - params.twap_window_ns, now_ns)
        if history:
            means.append(_weighted_mean(history, now_ns))
    if not means:
        return len(sources), price
    price.twap = str(dec.quo(sum(means), dec.of(len(means))))
    price.median_price = str(_median(newest_prices))
    lowest, highest = min(newest_prices), max(newest_prices)
    price.min_price, price.max_price = str(lowest), str(highest)
    price.timestamp.FromNanoseconds(now_ns)
    price.num_sources = len(newest_prices)
    price.deviation_bps = abs(dec.truncate(dec.quo((highest - lowest) * 10_000, lowest)))
    return len(sources), price


def _window(ctx: Context, pair: tuple[Any, ...], start_ns: int, end_ns: int) -> list[Entry]:
    """Entries from start to end, newest first; the one in force at the start counts from there."""
    entries = [(key[3], price) for key, price in ctx.store.scan(ENTRIES, pair)]
    inside = [entry for entry in reversed(entries) if start_ns <= entry[0] <= end_ns]
    before = [price for at_ns, price in entries if at_ns < start_ns]
    return [*inside, (start_ns, before[-1])] if before else inside


def _weighted_mean(history: list[Entry], now_ns: int) -> int:
    ends = [now_ns, *(at_ns for at_ns, _ in history)]
    weights = [end - at_ns for end, (at_ns, _) in zip(ends, history, strict=False)]
    prices = [price for _, price in history]
    if sum(weights) == 0:
        return dec.quo(sum(prices), dec.of(len(prices)))
    return dec.quo(sum(p * w for p, w in zip(prices, weights, strict=True)), dec.of(sum(weights)))


def _median(prices: list[int]) -> int:
    ordered = sorted(prices)
    middle = len(ordered) // 2
    if len(ordered) % 2:
        return ordered[middle]
    return dec.quo(ordered[middle - 1] + ordered[middle], dec.of(2))


def _judge(ctx: Context, denom: str, total: int, price: Any) -> Any:
    params = ctx.genesis.params.oracle
    health = message(HEALTH.record)(
        denom=denom,
        total_sources=total,
        total_healthy_sources=price.num_sources,
        has_min_sources=price.num_sources >= params.min_sources,
        deviation_ok=price.deviation_bps <= params.max_deviation_bps,
        failure_reason=list(_failures(params, price)),
    )
    health.is_healthy = health.has_min_sources and health.deviation_ok
    key = (denom, _USD)
    before = HEALTH.get(ctx.store, key)
    if before is None or before.is_healthy != health.is_healthy:
        i = message("akash.oracle.v2.DataID")(denom=denom, base_denom=_USD)
        if health.is_healthy:
            ctx.log.typed("akash.oracle.v2.EventPriceRecovered", id=i, height=f'"{ctx.height}"')
        else:
            ctx.log.typed("akash.oracle.v2.EventPriceStaled", id=i, last_height='"0"')
    ctx.put(HEALTH, key, health)
    return health


def _failures(params: Any, price: Any) -> Iterator[str]:
    if price.num_sources < params.min_sources:
        yield f"insufficient price sources: {price.num_sources} < {params.min_sources}"
    if price.deviation_bps > params.max_deviation_bps:
        yield f"price deviation too high: {price.deviation_bps}bps > {params.max_deviation_bps}bps"
