"""What the rates of a tariff make of a placement: one line for each thing, in dollars a month.

Endpoints and addresses belong to a service, not to its replicas, and are priced once (bidengine-inventory.md §5.3);
everything else counts per replica, in the amounts ordered, whatever over-commit makes of them. A GPU is priced by the
card that was chosen, not by the wish. What has no price is not free: it is declined.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from bidengine.autoprice import CPU, subject_of
from bidengine.commit import kind
from bidengine.needs import leased_ips
from bidengine.placement import Placement
from bidengine.quote import PriceLine
from bidengine.reasons import Decline, Reason
from bidengine.tariff.cards import card_rate
from bidengine.tariff.terms import Tariff
from manifests.coins import E18
from manifests.gpus import GpuModel
from manifests.resources import EndpointKind, GroupSpec, ResourceUnit

GIB = 1 << 30


@dataclass(frozen=True, slots=True)
class Rated:
    """A line, and whose auto-pricing it follows: "cpu", a card's "vendor/model", or "" for nobody's."""

    line: PriceLine
    subject: str = ""


def rated(spec: GroupSpec, placement: Placement, tariff: Tariff) -> tuple[Rated, ...] | Decline:
    found: list[Rated] = []
    for item in _items(spec, placement, tariff):
        if isinstance(item, Decline):
            return item
        found.append(item)
    return tuple(found)


def volumes_bytes(unit: ResourceUnit) -> dict[str, int]:
    """Class -> bytes of all replicas; what is no volume of a class is `ephemeral`."""
    found: dict[str, int] = {}
    for volume in unit.resources.storage:
        c = kind(volume) or "ephemeral"
        found[c] = found.get(c, 0) + volume.quantity_bytes * unit.count
    return found


def named(card: GpuModel) -> str:
    return "/".join(filter(None, (card.vendor, card.model, card.memory, card.interface)))


def line_of(what: str, quantity: Fraction, unit: str, rate_e18: int) -> PriceLine:
    return PriceLine(what, quantity, unit, rate_e18, quantity * Fraction(rate_e18, E18))


def _items(spec: GroupSpec, placement: Placement, tariff: Tariff) -> Iterator[Rated | Decline]:
    for unit in spec.resources:
        yield from _unit(unit, placement.gpu_of(unit.resources.id), tariff)
    ports = sum(e.kind != EndpointKind.LEASED_IP for u in spec.resources for e in u.resources.endpoints)
    yield from _rated("endpoints", Fraction(ports), "endpoint", tariff.endpoint_usd_e18, "endpoint")
    yield from _rated("addresses", Fraction(leased_ips(spec)), "ip", tariff.ip_usd_e18, "ip")


def _unit(unit: ResourceUnit, card: GpuModel | None, tariff: Tariff) -> Iterator[Rated | Decline]:
    name, resources, count = f"unit {unit.resources.id}", unit.resources, unit.count
    cores, memory = Fraction(resources.cpu.milli * count, 1000), Fraction(resources.memory.quantity_bytes * count, GIB)
    yield from _rated(f"{name} cpu", cores, "core", tariff.cpu_usd_e18, "cpu", CPU)
    yield from _rated(f"{name} memory", memory, "GiB", tariff.memory_usd_e18, "memoryGiB", CPU)
    for c, quantity in volumes_bytes(unit).items():
        rate = tariff.storage_usd_e18.get(c)
        yield from _rated(f"{name} storage {c}", Fraction(quantity, GIB), "GiB", rate, f"storageGiB.{c}")
    if resources.gpu.units:
        if card is None:
            yield Decline(Reason.PRICE_UNKNOWN, f"{name}: it is not known which card was chosen", final=False)
            return
        units, rate, key = Fraction(resources.gpu.units * count), card_rate(card, tariff.gpu_usd_e18), named(card)
        yield from _rated(f"{name} gpu {key}", units, "card", rate, f"gpu.{key}", subject_of(card))


def _rated(
    what: str, quantity: Fraction, unit: str, rate_e18: int | None, key: str, subject: str = ""
) -> Iterator[Rated | Decline]:
    if not quantity:
        return
    if rate_e18 is None:
        yield Decline(Reason.PRICE_UNKNOWN, f"{what}: usdPerMonth.{key} has no price in the price file", final=False)
        return
    yield Rated(line_of(what, quantity, unit, rate_e18), subject)
