"""What a placement costs per block: from dollars a month in the price file to the bid's amount, exactly and rounded
up once.

One uact is a millionth of a dollar. Endpoints and addresses belong to a service, not to its replicas, and are priced
once (bidengine-inventory.md §5.3); everything else counts per replica, in the amounts ordered, whatever over-commit
makes of them. A GPU is priced by the card that was chosen, not by the wish. What has no price is not free: it is
declined.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction

from bidengine.commit import kind
from bidengine.needs import leased_ips
from bidengine.placement import Placement
from bidengine.quote import PriceLine, Quote
from bidengine.reasons import Decline, Reason
from manifests.coins import E18, DecCoin, shown
from manifests.gpus import GpuModel
from manifests.resources import EndpointKind, GroupSpec, ResourceUnit

MONTH_MS = 2_629_800_000
"""30.4375 days (chain.md §5.8)"""
_GIB = 1 << 30
_STEP_E18 = 10**12
"""A price has at most six digits after the point."""


@dataclass(frozen=True, slots=True)
class Tariff:
    """Dollars a month, ×10^18. None, or a key that is missing, is "no price": an order that needs it is declined."""

    cpu_usd_e18: int
    """per core"""
    memory_usd_e18: int
    """per GiB"""
    storage_usd_e18: Mapping[str, int]
    """per GiB by class: `ephemeral`, `ram`, or the name of a persistent class"""
    gpu_usd_e18: Mapping[str, int]
    """per card: `*`, or vendor/model, then /memory and /interface as far as it matters, e.g. nvidia/a100/80Gi/sxm"""
    endpoint_usd_e18: int | None = None
    ip_usd_e18: int | None = None
    minimum_usd_e18: int = 0
    """per lease"""
    currency: str = "uact"


def price(
    spec: GroupSpec, placement: Placement, tariff: Tariff, *, block_time_ms: int, usd_per_akt_e18: int | None = None
) -> Quote | Decline:
    """Price per block for the whole group in the order's denomination. `block_time_ms` is the measured average; uakt
    orders need the price of AKT in dollars. Declines what has no price, and what costs more than the tenant would
    pay."""
    found = lines(spec, placement, tariff)
    if isinstance(found, Decline):
        return found
    micro = _micro_per_usd(spec.denom, usd_per_akt_e18)
    if isinstance(micro, Decline):
        return micro
    month = sum((line.usd_per_month for line in found), Fraction(0))
    per_block_e18 = month * micro * block_time_ms / MONTH_MS * E18
    amount_e18 = -(-per_block_e18 // _STEP_E18) * _STEP_E18
    if amount_e18 <= 0:
        return Decline(
            Reason.PRICE_UNKNOWN, "the price file makes this cost nothing, and a bid of zero is refused", False
        )
    if amount_e18 > spec.ceiling_e18:
        most = f"{shown(spec.ceiling_e18)}{spec.denom}"
        detail = f"costs {shown(amount_e18)}{spec.denom} a block, the tenant pays at most {most}"
        return Decline(Reason.PRICE_TOO_HIGH, detail, final=False)
    return Quote(DecCoin(spec.denom, amount_e18), found)


def lines(spec: GroupSpec, placement: Placement, tariff: Tariff) -> tuple[PriceLine, ...] | Decline:
    """What the price is made of, in dollars a month; their sum is at least the minimum of a lease."""
    found: list[PriceLine] = []
    for item in _items(spec, placement, tariff):
        if isinstance(item, Decline):
            return item
        found.append(item)
    month = sum((line.usd_per_month for line in found), Fraction(0))
    rest = Fraction(tariff.minimum_usd_e18, E18) - month
    if rest > 0:
        found.append(PriceLine("up to the minimum of a lease", Fraction(1), "lease", tariff.minimum_usd_e18, rest))
    return tuple(found)


def card_price(card: GpuModel, tariff: Tariff) -> int | None:
    """Dollars a month ×10^18 by the most specific key: model with memory and interface, with memory, with interface,
    the model, all of the vendor, all."""
    name = f"{card.vendor}/{card.model}"
    keys = [f"{name}/{card.memory}/{card.interface}"] if card.memory and card.interface else []
    keys += [f"{name}/{card.memory}"] if card.memory else []
    keys += [f"{name}/{card.interface}"] if card.interface else []
    keys += [name, f"{card.vendor}/*", "*"]
    return next((tariff.gpu_usd_e18[key] for key in keys if key in tariff.gpu_usd_e18), None)


def _items(spec: GroupSpec, placement: Placement, tariff: Tariff) -> Iterator[PriceLine | Decline]:
    for unit in spec.resources:
        yield from _unit(unit, placement.gpu_of(unit.resources.id), tariff)
    ports = sum(e.kind != EndpointKind.LEASED_IP for u in spec.resources for e in u.resources.endpoints)
    yield from _line("endpoints", Fraction(ports), "endpoint", tariff.endpoint_usd_e18, "endpoint")
    yield from _line("addresses", Fraction(leased_ips(spec)), "ip", tariff.ip_usd_e18, "ip")


def _unit(unit: ResourceUnit, card: GpuModel | None, tariff: Tariff) -> Iterator[PriceLine | Decline]:
    name, resources, count = f"unit {unit.resources.id}", unit.resources, unit.count
    yield from _line(f"{name} cpu", Fraction(resources.cpu.milli * count, 1000), "core", tariff.cpu_usd_e18, "cpu")
    memory = Fraction(resources.memory.quantity_bytes * count, _GIB)
    yield from _line(f"{name} memory", memory, "GiB", tariff.memory_usd_e18, "memoryGiB")
    volumes: dict[str, int] = {}
    for volume in resources.storage:
        c = kind(volume) or "ephemeral"
        volumes[c] = volumes.get(c, 0) + volume.quantity_bytes * count
    for c, quantity in volumes.items():
        rate = tariff.storage_usd_e18.get(c)
        yield from _line(f"{name} storage {c}", Fraction(quantity, _GIB), "GiB", rate, f"storageGiB.{c}")
    if resources.gpu.units:
        if card is None:
            yield Decline(Reason.PRICE_UNKNOWN, f"{name}: it is not known which card was chosen", final=False)
            return
        key = "/".join(filter(None, (card.vendor, card.model, card.memory, card.interface)))
        units = Fraction(resources.gpu.units * count)
        yield from _line(f"{name} gpu {key}", units, "card", card_price(card, tariff), f"gpu.{key}")


def _line(what: str, quantity: Fraction, unit: str, rate_e18: int | None, key: str) -> Iterator[PriceLine | Decline]:
    if not quantity:
        return
    if rate_e18 is None:
        yield Decline(Reason.PRICE_UNKNOWN, f"{what}: usdPerMonth.{key} has no price in the price file", final=False)
        return
    yield PriceLine(what, quantity, unit, rate_e18, quantity * Fraction(rate_e18, E18))


def _micro_per_usd(denom: str, usd_per_akt_e18: int | None) -> Fraction | Decline:
    if denom == "uact":
        return Fraction(10**6)
    if denom == "uakt" and usd_per_akt_e18 is not None and usd_per_akt_e18 > 0:
        return Fraction(10**6 * E18, usd_per_akt_e18)
    detail = "the price of AKT is not known" if denom == "uakt" else f"we have no price in {denom or 'no denomination'}"
    return Decline(Reason.DENOM_UNSUPPORTED, detail, final=False)
