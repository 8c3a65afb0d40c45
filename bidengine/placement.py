"""Where the replicas of a group go: one `Slot` for each, in the order of the group's units."""

from __future__ import annotations

from dataclasses import dataclass

from bidengine.node import Ask
from manifests.gpus import GpuModel


@dataclass(frozen=True, slots=True)
class Slot:
    """Room for one replica. `node` is "" when a lease that must be kept found no node (room.py); `gpu` is the card
    chosen."""

    resource_id: int
    node: str
    ask: Ask
    gpu: GpuModel | None = None


@dataclass(frozen=True, slots=True)
class Placement:
    """Slots of every unit; all replicas of one unit have the same card."""

    slots: tuple[Slot, ...]

    def gpu_of(self, resource_id: int) -> GpuModel | None:
        return next((s.gpu for s in self.slots if s.resource_id == resource_id), None)

    def nodes_of(self, resource_id: int) -> tuple[str, ...]:
        """The node of each replica that has one."""
        return tuple(s.node for s in self.slots if s.resource_id == resource_id and s.node)
