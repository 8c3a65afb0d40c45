"""What one order or lease really occupies, each replica counted once (product.md D8).

A replica is either a pod we see or a slot we promised, never both. Pods of a lease are matched with its slots by what
they ask; the slots left over stay reserved. A pod more than there are slots (a rollout) counts as well.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from bidengine.node import Ask, BoundPod
from bidengine.placement import Slot
from manifests.gpus import GpuModel

_Shape = tuple[int, int, int, int, GpuModel | None]


@dataclass(frozen=True, slots=True)
class Footprint:
    """Counted on nodes: (node, ask, card) each; in the cluster: bytes by class, node ports, leased IPs. `missing` are
    slots that found no node."""

    places: tuple[tuple[str, Ask, GpuModel | None], ...] = ()
    storage: tuple[tuple[str, int], ...] = ()
    node_ports: int = 0
    leased_ips: int = 0
    missing: tuple[Slot, ...] = ()


def unmatched(slots: Sequence[Slot], pods: Sequence[BoundPod]) -> list[Slot]:
    """The slots that no pod stands for.

    A pod takes the slot on its own node first, then any slot of the same shape. A pod unlike every slot of the lease
    (its request was rounded otherwise, or over-commit has been changed since it started) stands for the slot it is
    nearest to; one that does look like a slot but finds none left is a surplus, and takes no other slot's place."""
    left = list(slots)
    shapes = {_slot_shape(s) for s in slots}
    away = [pod for pod in pods if not _drop(left, _pod_shape(pod), pod.node)]
    strange = [pod for pod in away if not _drop(left, _pod_shape(pod)) and _pod_shape(pod) not in shapes]
    for pod in strange:
        alike = [s for s in left if s.ask.gpu_units == pod.ask.gpu_units]
        if alike:
            left.remove(min(alike, key=lambda s: distance(s.ask, pod.ask)))
    return left


def claimed(
    slots: Sequence[Slot], claims: Mapping[str, int], same: Mapping[str, str] = MappingProxyType({})
) -> tuple[tuple[str, int], ...]:
    """Persistent bytes by class: what was promised or what is already claimed, whichever is more. `same` is class ->
    the class whose bytes it shares."""
    promised: dict[str, int] = {}
    for slot in slots:
        for c, quantity in slot.ask.volumes:
            c = same.get(c, c)
            promised[c] = promised.get(c, 0) + quantity
    return tuple((c, max(promised.get(c, 0), claims.get(c, 0))) for c in sorted({*promised, *claims}))


def distance(one: Ask, other: Ask) -> float:
    """Relative difference, summed over what both have."""
    pairs = (
        (one.cpu_milli, other.cpu_milli),
        (one.memory_bytes, other.memory_bytes),
        (one.ephemeral_bytes, other.ephemeral_bytes),
    )
    return sum(abs(a - b) / max(a, b, 1) for a, b in pairs)


def _drop(left: list[Slot], shape: _Shape, node: str | None = None) -> bool:
    for at, slot in enumerate(left):
        if _slot_shape(slot) == shape and node in (None, slot.node):
            del left[at]
            return True
    return False


def _slot_shape(slot: Slot) -> _Shape:
    return _shape(slot.ask, slot.gpu)


def _pod_shape(pod: BoundPod) -> _Shape:
    return _shape(pod.ask, pod.gpu)


def _shape(ask: Ask, gpu: GpuModel | None) -> _Shape:
    """Without the volumes: claims are counted by themselves, and a pod does not say their size."""
    return ask.cpu_milli, ask.memory_bytes, ask.ephemeral_bytes, ask.gpu_units, gpu if ask.gpu_units else None
