"""Rates by the month and rates by the hour, put together to rates by the month: each thing stands under one of them.

A month has 730.5 hours (30.4375 days, chain.md §5.8), so nothing is rounded.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from bidengine.tariff import schema
from bidengine.tariff.cards import ties
from bidengine.typed_file import Path, Wrong


@dataclass(frozen=True, slots=True)
class Rates:
    cpu: int | None = None
    memory: int | None = None
    storage: Mapping[str, int] | None = None
    gpu: Mapping[str, int] = field(default_factory=dict)
    endpoint: int | None = None
    ip: int | None = None


NOTHING = Rates()


def merged(part: schema.Priced | schema.Costs, path: Path, under: Rates) -> Rates:
    """What a part of the file says, over the rates `under` it."""
    month, hour = part.usd_per_month, part.usd_per_hour
    storage = _many(month.storage_gib, hour.storage_gib, path, "storageGiB")
    gpu = _many(month.gpu, hour.gpu, path, "gpu") or {}
    cards = {**under.gpu, **gpu}
    if gpu:
        refuse_ties(cards, lambda key: (*path, "usdPerMonth" if key in month.gpu else "usdPerHour", "gpu", key))

    def one(key: str, name: str) -> int | None:
        mine = _one(getattr(month, name, None), getattr(hour, name, None), path, key)
        return getattr(under, name.removesuffix("_gib")) if mine is None else mine

    return Rates(
        cpu=one("cpu", "cpu"),
        memory=one("memoryGiB", "memory_gib"),
        storage=under.storage if storage is None else {**(under.storage or {}), **storage},
        gpu=cards,
        endpoint=one("endpoint", "endpoint"),
        ip=one("ip", "ip"),
    )


def refuse_ties(keys: Mapping[str, int], where: Callable[[str], Path]) -> None:
    for a, b, both in ties(keys):
        if str(both) in (a, b):
            raise Wrong(where(b), f"{a} and {b} mean the same cards; keep one")
        raise Wrong(
            where(b), f"{a} and {b} both fit {both} and neither is more specific; give {both} a line of its own"
        )


def hourly(usd_e18: int, path: Path) -> int:
    if usd_e18 % 2:
        raise Wrong(path, "has 18 digits after the point; an hour's price may have 17")
    return usd_e18 * 1461 // 2


def _one(month: int | None, hour: int | None, path: Path, key: str) -> int | None:
    if hour is None:
        return month
    if month is not None:
        raise Wrong((*path, "usdPerHour", key), _TWICE)
    return hourly(hour, (*path, "usdPerHour", key))


def _many(month: dict[str, int] | None, hour: dict[str, int] | None, path: Path, key: str) -> dict[str, int] | None:
    if month is None and hour is None:
        return None
    twice = sorted(set(month or {}) & set(hour or {}))
    if twice:
        raise Wrong((*path, "usdPerHour", key, twice[0]), _TWICE)
    hours = {name: hourly(e18, (*path, "usdPerHour", key, name)) for name, e18 in (hour or {}).items()}
    return {**(month or {}), **hours}


_TWICE = "has a price under usdPerMonth as well; keep one"
