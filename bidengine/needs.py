"""What a group asks of the cluster, unit by unit: the ask of one replica and the cards that would do, and its
endpoints.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from bidengine.commit import Commit, ask
from bidengine.node import Ask
from bidengine.runtimes import UNSEEN, VENDOR, Overhead, Runtimes
from manifests.errors import Invalid
from manifests.gpus import GpuModel, GpuWish, wish
from manifests.resources import EndpointKind, GroupSpec, ResourceUnit


@dataclass(frozen=True, slots=True)
class Need:
    """One unit: `replicas` times `ask`, its runtime's part included. `wishes` is None when any card does: a unit that
    asks for GPUs and names none. `runtime` is the RuntimeClass of its pods, of one that asks for GPUs of those with
    NVIDIA cards; "" for the cluster's own."""

    resource_id: int
    replicas: int
    ask: Ask
    wishes: tuple[GpuWish, ...] | None = None
    runtime: str = ""
    startable: bool = True
    """False where the cluster lacks `runtime`"""

    def accepts(self, card: GpuModel) -> bool:
        if not self.startable and card.vendor == VENDOR:
            return False
        if self.wishes is None:
            return not card.part  # as with "*", see manifests/gpus.py
        return any(w.granted_by(card) for w in self.wishes)

    def cards(self, known: Iterable[GpuModel]) -> tuple[GpuModel, ...]:
        return tuple(card for card in known if self.accepts(card))


def needs(spec: GroupSpec, commit: Commit, runtimes: Runtimes = UNSEEN) -> tuple[Need, ...]:
    """As for what is promised already: whether its runtime is still there is no matter."""
    return tuple(_need(unit, commit, runtimes) for unit in spec.resources)


def startable(asked: Sequence[Need], runtimes: Runtimes) -> tuple[Need, ...]:
    """As for a new promise: what the cluster cannot start now does not fit."""
    return tuple(replace(n, startable=False) if runtimes.lacks(n.runtime) else n for n in asked)


def node_ports(spec: GroupSpec) -> int:
    """Node ports a group needs. A port belongs to a service and serves all its replicas, so `count` does not multiply
    it (bidengine-inventory.md §5.3)."""
    return sum(e.kind == EndpointKind.RANDOM_PORT for u in spec.resources for e in u.resources.endpoints)


def leased_ips(spec: GroupSpec) -> int:
    """Addresses a group needs: services that name the same sequence number share one (bidengine-inventory.md §5.1)."""
    return len(
        {e.sequence_number for u in spec.resources for e in u.resources.endpoints if e.kind == EndpointKind.LEASED_IP}
    )


@dataclass(frozen=True, slots=True)
class Volumes:
    """Persistent ones: how many, and their sizes in sum."""

    count: int = 0
    size_bytes: int = 0


def volumes(spec: GroupSpec) -> Volumes:
    """What a group pays for: each replica has volumes of its own."""
    bought = [(u.count, v.quantity_bytes) for u in spec.resources for v in u.resources.storage if v.persistent]
    return Volumes(sum(count for count, _ in bought), sum(count * size for count, size in bought))


def _need(unit: ResourceUnit, commit: Commit, runtimes: Runtimes) -> Need:
    """Where cards of several vendors would do, each replica asks what it does with NVIDIA's: it is not known yet which
    it gets, and a little too much is set aside rather than too little."""
    gpus = unit.resources.gpu.units
    wishes = _wishes(unit) if gpus else None
    nvidia = wishes is None or any(w.vendor == VENDOR for w in wishes)
    runtime = runtimes.of(gpus=gpus, vendor=VENDOR if nvidia else "")
    asked = _within(ask(unit.resources, commit), runtimes.overhead(runtime))
    return Need(unit.resources.id, unit.count, asked, wishes, runtime)


def _within(asked: Ask, more: Overhead) -> Ask:
    """What a pod takes of its node whose containers ask so much."""
    return replace(
        asked,
        cpu_milli=asked.cpu_milli + more.cpu_milli,
        memory_bytes=asked.memory_bytes + more.memory_bytes,
        ephemeral_bytes=asked.ephemeral_bytes + more.ephemeral_bytes,
    )


def _wishes(unit: ResourceUnit) -> tuple[GpuWish, ...] | None:
    """An attribute that is no GPU wish grants nothing; rules/group.py says so to the operator."""
    found = []
    for attribute in unit.resources.gpu.attributes:
        if attribute.value == "true":
            try:
                found.append(wish(attribute.key))
            except Invalid:
                continue
    return tuple(found) if unit.resources.gpu.attributes else None
