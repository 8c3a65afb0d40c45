"""What a lease costs us a month: power, depreciation and the like, fees spread over an expected life, and the margin
below which it is not worth it.

The placement decides which card runs. The floor never changes a price; a price below it is no bid.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from bidengine.placement import Placement
from bidengine.quote import PriceLine, share_line, total
from bidengine.tariff.cards import card_rate
from bidengine.tariff.lines import GIB, line_of, named, volumes_bytes
from bidengine.tariff.terms import Floor
from manifests.coins import E18
from manifests.gpus import GpuModel
from manifests.resources import GroupSpec, ResourceUnit

MONTH_HOURS = Fraction(1461, 2)
"""30.4375 days"""


def floor_lines(spec: GroupSpec, placement: Placement, floor: Floor) -> tuple[PriceLine, ...]:
    found: list[PriceLine] = []
    for unit in spec.resources:
        costs = _unit(unit, placement.gpu_of(unit.resources.id), floor)
        found += [line for line in costs if line.usd_per_month]
    if floor.fees_usd_e18:
        lives = MONTH_HOURS / floor.expected_lease_hours
        found.append(line_of("transaction fees", lives, "lease a month", floor.fees_usd_e18))
    if floor.margin_e18 and found:
        found.append(share_line("margin", Fraction(floor.margin_e18, E18), total(tuple(found))))
    return tuple(found)


def _unit(unit: ResourceUnit, card: GpuModel | None, floor: Floor) -> Iterator[PriceLine]:
    name, resources, count = f"unit {unit.resources.id}", unit.resources, unit.count
    cores = Fraction(resources.cpu.milli * count, 1000)
    yield line_of(f"{name} power of cpu", _kwh(cores, floor.cpu_watts_e18), "kWh", floor.usd_per_kwh_e18)
    yield line_of(f"{name} cpu", cores, "core", floor.cpu_usd_e18)
    memory = Fraction(resources.memory.quantity_bytes * count, GIB)
    yield line_of(f"{name} memory", memory, "GiB", floor.memory_usd_e18)
    for c, quantity in volumes_bytes(unit).items():
        yield line_of(f"{name} storage {c}", Fraction(quantity, GIB), "GiB", floor.storage_usd_e18.get(c, 0))
    if resources.gpu.units and card is not None:
        cards, key = Fraction(resources.gpu.units * count), named(card)
        watts = card_rate(card, floor.gpu_watts_e18) or 0
        yield line_of(f"{name} power of gpu {key}", _kwh(cards, watts), "kWh", floor.usd_per_kwh_e18)
        yield line_of(f"{name} gpu {key}", cards, "card", card_rate(card, floor.gpu_usd_e18) or 0)


def _kwh(units: Fraction, watts_e18: int) -> Fraction:
    return units * Fraction(watts_e18, E18) * MONTH_HOURS / 1000
