"""What a group may ask for: the stateless limits of a deployment, with the very texts of the real node (chain-probes
16).

The printed ranges are those of the node, including the places where it names the wrong bound. What it does not check
(number of groups and units, total storage, endpoints) is not checked here either.
"""

from __future__ import annotations

from typing import Any

from . import dec
from .errors import panic, unregistered
from .tx import amount_or_panic

_CPU, _MEMORY = (10, 384_000), (1 << 20, 2 << 40)
_STORAGE, _GPU = (5 << 20, 32 << 40), (0, 24)
_UNITS = 50
_MAX_PRICE = 10_000_000


def check_group(group: Any) -> None:
    if not group.name:
        raise unregistered("empty group spec name denomination")
    seen: set[int] = set()
    cpu = memory = gpu = 0
    for unit in group.resources:
        _check_unit(unit.resource)
        if unit.resource.id in seen:
            raise unregistered(f"duplicate resources ID ({unit.resource.id}) within group")
        seen.add(unit.resource.id)
        cpu += unit.count * _amount(unit.resource.cpu.units)
        memory += unit.count * _amount(unit.resource.memory.quantity)
        gpu += unit.count * _amount(unit.resource.gpu.units)
    for name, total, limit, least in (
        ("CPU", cpu, _CPU[1], 1),
        ("GPU", gpu, _GPU[1], 0),
        ("memory", memory, _MEMORY[1], 1),
    ):
        if not least <= total <= _UNITS * limit:
            raise unregistered(f"invalid total {name} ({_UNITS * limit} > {total} > 0 fails)")
    _check_prices(group)


def ceiling(group: Any) -> tuple[str, int]:
    """(denom, highest price per block for the whole group × 10^18)."""
    return group.resources[0].price.denom, sum(unit.count * dec.parse(unit.price.amount) for unit in group.resources)


def _amount(value: Any) -> int:
    number = int(value.val or b"0")
    if number < 0:
        raise panic("Uint64() out of bounds")
    return number


def _check_unit(resource: Any) -> None:
    if resource.id == 0:
        raise unregistered("error: invalid resources ID (> 0 fails)")
    for name, field in (("CPU", "cpu"), ("GPU", "gpu"), ("memory", "memory")):
        if not resource.HasField(field):
            raise unregistered(f"error: invalid unit {name}, cannot be nil")
    _check_range("CPU", _amount(resource.cpu.units), _CPU, _CPU[1])
    _check_range("GPU", _amount(resource.gpu.units), _GPU, _GPU[1])
    if resource.gpu.attributes and not _amount(resource.gpu.units):
        raise unregistered("error: invalid GPU state. attributes cannot be present if units == 0")
    _check_range("memory", _amount(resource.memory.quantity), _MEMORY, _MEMORY[1])
    if not resource.storage:
        raise unregistered("error: invalid unit storage, cannot be nil")
    for volume in resource.storage:
        _check_range("storage", _amount(volume.quantity), _STORAGE, _STORAGE[0])


def _check_range(name: str, value: int, bounds: tuple[int, int], printed: int) -> None:
    if not bounds[0] <= value <= bounds[1]:
        raise unregistered(f"error: invalid unit {name} ({bounds[1]} > {value} > {printed} fails)")


def _check_prices(group: Any) -> None:
    denom = ""
    for unit in group.resources:
        amount = amount_or_panic(unit.price.amount)
        if not unit.price.denom or amount < 0:
            raise unregistered(f"group {group.name}: error: invalid price object")
        if amount > dec.of(_MAX_PRICE):
            said = f"{dec.text(amount)}{unit.price.denom}"
            raise unregistered(f"group {group.name}: error: invalid unit price ({_MAX_PRICE} > {said} fails)")
        if denom and unit.price.denom != denom:
            raise unregistered(f"multi-denonimation group: ({unit.price.denom} == {denom} fails)")
        denom = unit.price.denom
