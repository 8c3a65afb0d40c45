"""What a group asks of the cluster, unit by unit: the ask of one replica and the cards that would do, and its
endpoints.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from bidengine.commit import Commit, ask
from bidengine.node import Ask
from manifests.errors import Invalid
from manifests.gpus import GpuModel, GpuWish, wish
from manifests.resources import EndpointKind, GroupSpec, ResourceUnit


@dataclass(frozen=True, slots=True)
class Need:
    """One unit: `replicas` times `ask`. `wishes` is None when any card does: a unit that asks for GPUs and names
    none."""

    resource_id: int
    replicas: int
    ask: Ask
    wishes: tuple[GpuWish, ...] | None = None

    def accepts(self, card: GpuModel) -> bool:
        if self.wishes is None:
            return not card.part  # as with "*", see manifests/gpus.py
        return any(w.granted_by(card) for w in self.wishes)

    def cards(self, known: Iterable[GpuModel]) -> tuple[GpuModel, ...]:
        return tuple(card for card in known if self.accepts(card))


def needs(spec: GroupSpec, commit: Commit) -> tuple[Need, ...]:
    return tuple(
        Need(u.resources.id, u.count, ask(u.resources, commit), _wishes(u) if u.resources.gpu.units else None)
        for u in spec.resources
    )


def node_ports(spec: GroupSpec) -> int:
    """Node ports a group needs. A port belongs to a service and serves all its replicas, so `count` does not multiply
    it (bidengine-inventory.md §5.3)."""
    return sum(e.kind == EndpointKind.RANDOM_PORT for u in spec.resources for e in u.resources.endpoints)


def leased_ips(spec: GroupSpec) -> int:
    """Addresses a group needs: services that name the same sequence number share one (bidengine-inventory.md §5.1)."""
    return len(
        {e.sequence_number for u in spec.resources for e in u.resources.endpoints if e.kind == EndpointKind.LEASED_IP}
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
