"""How small and how large an order may be, per replica and in all, as the operator wants it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from bidengine.needs import leased_ips
from bidengine.policy import Amount, Limits, Policy
from bidengine.reasons import Decline, Reason
from bidengine.us import Us
from bidengine.views import Order
from manifests.resources import EndpointKind, GroupSpec, ResourceUnit
from manifests.units import format_bytes


def limits(order: Order, us: Us) -> Decline | None:
    for told in _outside(order.spec, us.policy):
        return Decline(Reason.LIMITS_EXCEEDED, told, final=True)
    return None


def _outside(spec: GroupSpec, policy: Policy) -> Iterator[str]:
    for unit in spec.resources if policy.unit else ():
        found = _of_unit(unit)
        yield from (f"unit {unit.resources.id}: {told}" for told in _told(found, policy.unit, "a replica"))
    if policy.group:
        yield from (f"the group: {told}" for told in _told(_of_group(spec), policy.group, "an order"))


def _told(found: Mapping[Amount, int], wanted: Limits, whose: str) -> Iterator[str]:
    for amount, limit in wanted.items():
        has = found[amount]
        if limit.most is not None and has > limit.most:
            yield f"{_shown(amount, has)}, {whose} may have {_shown(amount, limit.most)} at most"
        if limit.least is not None and has < limit.least:
            yield f"{_shown(amount, has)}, {whose} must have {_shown(amount, limit.least)} at least"


def _of_unit(unit: ResourceUnit) -> dict[Amount, int]:
    r = unit.resources
    in_memory = sum(v.quantity_bytes for v in r.storage if v.storage_class == "ram")
    return {
        Amount.REPLICAS: unit.count,
        Amount.CPU_MILLI: r.cpu.milli,
        Amount.MEMORY_BYTES: r.memory.quantity_bytes + in_memory,
        Amount.STORAGE_BYTES: sum(v.quantity_bytes for v in r.storage) - in_memory,
        Amount.GPUS: r.gpu.units,
        Amount.ENDPOINTS: len(r.endpoints),
        Amount.LEASED_IPS: len({e.sequence_number for e in r.endpoints if e.kind == EndpointKind.LEASED_IP}),
    }


def _of_group(spec: GroupSpec) -> dict[Amount, int]:
    """Endpoints and addresses belong to a service, not to its replicas (bidengine-inventory.md §5.3)."""
    units = [(unit.count, _of_unit(unit)) for unit in spec.resources]
    total = {amount: sum(count * found[amount] for count, found in units) for amount in _PER_REPLICA}
    return total | {
        Amount.REPLICAS: sum(count for count, _ in units),
        Amount.ENDPOINTS: sum(found[Amount.ENDPOINTS] for _, found in units),
        Amount.LEASED_IPS: leased_ips(spec),
    }


_PER_REPLICA = (Amount.CPU_MILLI, Amount.MEMORY_BYTES, Amount.STORAGE_BYTES, Amount.GPUS)
_UNITS = {
    Amount.REPLICAS: "replicas",
    Amount.CPU_MILLI: "millicpu",
    Amount.MEMORY_BYTES: "memory",
    Amount.STORAGE_BYTES: "storage",
    Amount.GPUS: "GPUs",
    Amount.ENDPOINTS: "endpoints",
    Amount.LEASED_IPS: "leased addresses",
}


def _shown(amount: Amount, value: int) -> str:
    in_bytes = amount in (Amount.MEMORY_BYTES, Amount.STORAGE_BYTES)
    return f"{format_bytes(value) if in_bytes else value} {_UNITS[amount]}"
