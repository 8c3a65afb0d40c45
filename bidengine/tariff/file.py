"""The price file: YAML in words an operator would use, checked to the last key before it replaces the prices in force.

    usdPerMonth:
      cpu: 1.60              # per core
      memoryGiB: 0.80
      storageGiB: {ephemeral: 0.02, beta3: 0.04, ram: 0.80}
      endpoint: 0.05
      ip: 5
    usdPerHour:
      gpu: {"*": 0.14, nvidia/a100: 1.20, nvidia/a100/80Gi/sxm: 1.50}
    minimumUsdPerMonth: 0.50  # per lease

Everything else is in docs/prices.md. A rate stands under a month or under an hour, never under both. What every file of
an operator has in common is in typed_file.py.
"""

from __future__ import annotations

from dataclasses import replace

from bidengine.autoprice import AutoPolicy, Target
from bidengine.tariff import schema
from bidengine.tariff.rates import NOTHING, Rates, hourly, merged, refuse_ties
from bidengine.tariff.terms import UACT, Currency, Floor, Reclamation, Tariff
from bidengine.typed_file import Path, Wrong, built
from manifests.coins import E18


def parse_tariff(text: str) -> Tariff:
    """Raises `Invalid` with the path of the key, what was found and would be right, and line and column."""
    return built(
        text,
        schema.File,
        _tariff,
        empty="the price file is empty; it needs at least usdPerMonth or usdPerHour",
        missing="is missing",
    )


def _tariff(file: schema.File) -> Tariff:
    rates, named = merged(file, (), NOTHING), file.multipliers.attributes
    everybody = replace(
        _priced(Tariff(0, 0, {}, {}), rates),
        minimum_usd_e18=_minimum(file, ()) or 0,
        attributes={(key, value): e18 for key, values in named.items() for value, e18 in values.items()},
        signed_by=file.multipliers.signed_by,
        reclamation=_reclamation(file.reclamation),
        floor=_floor(file.floor),
        currencies=_currencies(file),
        auto=_auto(file.auto_price),
    )
    return replace(everybody, owners={who: _owner(who, own, everybody, rates) for who, own in file.owners.items()})


def _priced(tariff: Tariff, rates: Rates) -> Tariff:
    cpu, memory, storage = rates.cpu, rates.memory, rates.storage
    if cpu is None or memory is None or storage is None:
        key = "cpu" if cpu is None else "memoryGiB" if memory is None else "storageGiB"
        raise Wrong(("usdPerMonth", key), "is missing; what costs nothing must be said to cost 0")
    return replace(
        tariff,
        cpu_usd_e18=cpu,
        memory_usd_e18=memory,
        storage_usd_e18=storage,
        gpu_usd_e18=rates.gpu,
        endpoint_usd_e18=rates.endpoint,
        ip_usd_e18=rates.ip,
    )


def _minimum(part: schema.Priced, path: Path) -> int | None:
    if part.minimum_usd_per_hour is None:
        return part.minimum_usd_per_month
    if part.minimum_usd_per_month is not None:
        raise Wrong((*path, "minimumUsdPerHour"), "minimumUsdPerMonth is there as well; keep one")
    return hourly(part.minimum_usd_per_hour, (*path, "minimumUsdPerHour"))


def _owner(who: str, own: schema.Owner, everybody: Tariff, general: Rates) -> Tariff:
    path = ("owners", who)
    if own.discount_percent is not None and own.markup_percent is not None:
        raise Wrong((*path, "markupPercent"), "discountPercent is there as well; keep one")
    rates, minimum = merged(own, path, general), _minimum(own, path)
    return replace(
        _priced(everybody, rates),
        minimum_usd_e18=everybody.minimum_usd_e18 if minimum is None else minimum,
        change_e18=((own.markup_percent or 0) - (own.discount_percent or 0)) // 100,
    )


def _reclamation(notice: schema.Notice) -> Reclamation:
    if notice.percent_per_hour is not None and notice.usd_per_month_per_hour is not None:
        raise Wrong(("reclamation", "usdPerMonthPerHour"), "percentPerHour is there as well; keep one")
    return Reclamation((notice.percent_per_hour or 0) // 100, notice.usd_per_month_per_hour or 0)


def _floor(costs: schema.Costs) -> Floor:
    if costs.watts is not None and costs.usd_per_kwh is None:
        raise Wrong(("floor", "watts"), "power has no price; write floor.usdPerKwh too")
    rates, watts = merged(costs, ("floor",), NOTHING), costs.watts or schema.Watts()
    refuse_ties(watts.gpu, lambda key: ("floor", "watts", "gpu", key))
    return Floor(
        usd_per_kwh_e18=costs.usd_per_kwh or 0,
        cpu_watts_e18=watts.cpu,
        gpu_watts_e18=watts.gpu,
        cpu_usd_e18=rates.cpu or 0,
        memory_usd_e18=rates.memory or 0,
        storage_usd_e18=rates.storage or {},
        gpu_usd_e18=rates.gpu,
        fees_usd_e18=costs.fees_usd_per_lease,
        expected_lease_hours=costs.expected_lease_hours,
        margin_e18=costs.margin_percent // 100,
    )


def _currencies(file: schema.File) -> dict[str, Currency]:
    if file.currencies is None:
        return {UACT: Currency()}
    if file.currency is not None:
        raise Wrong(("currency",), "currencies is there as well; keep that one")
    found = {d: _currency(d, coin) for d, coin in file.currencies.items() if coin.enabled == "true"}
    if not found:
        raise Wrong(("currencies",), "none is enabled, so no order could be bid on; enable one, uact at the least")
    return found


def _currency(denom: str, coin: schema.Coin) -> Currency:
    path, oracle, usd = ("currencies", denom), coin.oracle, coin.usd
    if oracle is not None and usd is not None:
        raise Wrong((*path, "usd"), "usd fixes the price and oracle asks for it; keep one (or fallbackUsd)")
    if oracle is None and usd is None:
        usd, oracle = {UACT: (E18, None), "uakt": (None, "akt")}.get(denom, (None, None))
        if oracle is None and usd is None:
            raise Wrong(path, "has no price; write usd (of 10^6 of it, 1 for USDC) or oracle (its name there)")
    if oracle is None and (coin.fallback_usd is not None or coin.max_age_seconds is not None):
        raise Wrong(path, "fallbackUsd and maxAgeSeconds belong to a price of the oracle; this one is fixed")
    return Currency(
        usd_e18=usd,
        oracle=oracle or "",
        fallback_usd_e18=coin.fallback_usd,
        max_age_s=coin.max_age_seconds or Currency().max_age_s,
        haircut_e18=coin.haircut_percent // 100,
    )


def _auto(auto: schema.Auto | None) -> AutoPolicy:
    if auto is None:
        return AutoPolicy()
    return AutoPolicy(
        mode=auto.mode,
        step_e18=auto.step_percent // 100,
        tolerance_e18=auto.tolerance_percent // 100,
        undercut_e18=auto.undercut_percent // 100,
        cool_down_blocks=auto.cool_down_blocks,
        cpu=None if auto.cpu is None else _target(auto.cpu, ("autoPrice", "cpu")),
        gpu={key: _target(aim, ("autoPrice", "gpu", key)) for key, aim in auto.gpu.items()},
    )


def _target(aim: schema.Aim, path: Path) -> Target:
    lowest, highest = aim.lowest_percent // 100, aim.highest_percent // 100
    if not lowest <= E18 <= highest:
        raise Wrong(path, "lowestPercent is at most 100, highestPercent at least: 100 is the price in this file")
    return Target(aim.target_percent // 100, lowest, highest)
