"""The reference's `scale` strategy: so much per unit of resource and block, in one denomination, without dollars.

Computed as the reference does (bidengine-inventory.md §4.1), digit by digit, but for its traps (product.md §2.3, D7):
GPUs are not free, an order in another denomination than the scales are in is declined, endpoints count per replica, and
what has more than 18 digits after the point is cut there and not refused.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from bidengine.answer import within_ceiling
from bidengine.needs import leased_ips
from bidengine.quote import Quote
from bidengine.reasons import Decline, Reason
from manifests.resources import GroupSpec, Storage

_MIB = 1 << 20
_E16 = 10**16
"""The reference rounds sizes in MiB to 16 digits, half away from zero."""


@dataclass(frozen=True, slots=True)
class Scales:
    """Micro-units of `currency` per block ×10^18."""

    currency: str
    cpu_e18: int
    """per thousandth of a core"""
    memory_e18: int
    """per MiB"""
    storage_e18: Mapping[str, int]
    """per MiB by class: `ephemeral` or the name of a persistent class; `ram` too, else it costs what ephemeral does"""
    endpoint_e18: int
    """each, per replica"""
    ip_e18: int
    """per address"""
    gpu_e18: int | None = None
    """per card of any model; None is no price"""


def scale_price(spec: GroupSpec, scales: Scales) -> Quote | Decline:
    if spec.denom != scales.currency:
        detail = f"the scales are in {scales.currency}, the order pays in {spec.denom or 'nothing'}"
        return Decline(Reason.DENOM_UNSUPPORTED, detail, final=False)
    total_e34 = 0
    for part in _parts(spec, scales):
        if isinstance(part, Decline):
            return part
        quantity_e16, scale_e18 = part
        total_e34 += quantity_e16 * scale_e18
    amount_e18 = total_e34 // _E16
    if amount_e18 <= 0:
        return Decline(Reason.PRICE_UNKNOWN, "the scales make this cost nothing, and a bid of zero is refused", False)
    return within_ceiling(spec, amount_e18, "scale")


def _parts(spec: GroupSpec, scales: Scales) -> Iterator[tuple[int, int] | Decline]:
    """(quantity ×10^16, scale ×10^18). Sizes are added up over the group before they become MiB: each is rounded."""
    units = spec.resources
    yield sum(u.resources.cpu.milli * u.count for u in units) * _E16, scales.cpu_e18
    yield _mib_e16(sum(u.resources.memory.quantity_bytes * u.count for u in units)), scales.memory_e18
    volumes: dict[str, int] = {}
    for unit in units:
        for volume in unit.resources.storage:
            name = _class(volume, scales)
            volumes[name] = volumes.get(name, 0) + volume.quantity_bytes * unit.count
    for name, quantity in volumes.items():
        if name not in scales.storage_e18:
            yield Decline(Reason.PRICE_UNKNOWN, f"no scale for storage class {name}: set bid.scale.storage", False)
            return
        yield _mib_e16(quantity), scales.storage_e18[name]
    yield sum(len(u.resources.endpoints) * u.count for u in units) * _E16, scales.endpoint_e18
    yield leased_ips(spec) * _E16, scales.ip_e18
    cards = sum(u.resources.gpu.units * u.count for u in units)
    if cards and not scales.gpu_e18:
        yield Decline(Reason.PRICE_UNKNOWN, f"no scale for GPUs, and {cards} are asked for: set bid.scale.gpu", False)
        return
    yield cards * _E16, scales.gpu_e18 or 0


def _class(volume: Storage, scales: Scales) -> str:
    """A persistent volume without a class counts as ephemeral, as it does in the reference."""
    if volume.persistent and volume.storage_class:
        return volume.storage_class
    return "ram" if volume.storage_class == "ram" and "ram" in scales.storage_e18 else "ephemeral"


def _mib_e16(quantity_bytes: int) -> int:
    return (2 * quantity_bytes * _E16 + _MIB) // (2 * _MIB)
