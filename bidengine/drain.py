"""What it would mean to empty a node: which leases stand on it, and where their replicas would go. Pure.

Answers from a copy; promises nothing. The hardest to place goes first, on what is free elsewhere now: a replica that
finds no room is told, and so is one that keeps a volume. From which nodes a volume is reached is not known here, but
given.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from bidengine.node import BoundPod
from bidengine.room import Room
from bidengine.snapshot import Snapshot
from manifests.ids import LeaseID


@dataclass(frozen=True, slots=True)
class Leaving:
    """One lease with replicas on the node. `goes_to` is node -> replicas; some may find none."""

    lease: LeaseID
    replicas: int
    goes_to: Mapping[str, int]
    keeps_volumes: bool

    @property
    def stuck(self) -> int:
        """Replicas that can go nowhere else now."""
        return self.replicas - sum(self.goes_to.values())


def drain(
    room: Room, node: str, reached: Mapping[tuple[LeaseID, str], Collection[str]] | None = None
) -> tuple[Leaving, ...]:
    """Every lease with a pod on the node, by id. `reached` is (lease, pod) -> the nodes that the pod's volumes are
    reached from; pods that are not named there may go anywhere."""
    reached = reached or {}
    there = {lease: [pod for pod in pods if pod.node == node] for lease, pods in room.inventory.lease_pods.items()}
    standing = {lease: pods for lease, pods in there.items() if pods}
    free = room.free()
    elsewhere = Snapshot([n for n in free.nodes if n.name != node], free.storage_bytes, packing=room.packing)
    goes: dict[LeaseID, dict[str, int]] = {lease: {} for lease in standing}
    everyone = [(lease, pod) for lease, pods in standing.items() for pod in pods]
    for lease, pod in sorted(everyone, key=lambda found: (_hardest(found[1]), found[0])):
        near = reached.get((lease, pod.name))
        places = elsewhere.candidates(pod.ask, pod.gpu)
        place = next((there for there in places if near is None or there.name in near), None)
        if place is not None:
            elsewhere.take(place.name, pod.ask, pod.gpu)
            goes[lease][place.name] = goes[lease].get(place.name, 0) + 1
    return tuple(
        Leaving(lease, len(pods), goes[lease], any(pod.ask.attached > 0 for pod in pods))
        for lease, pods in sorted(standing.items(), key=lambda found: found[0])
    )


def _hardest(pod: BoundPod) -> tuple[int, int, int]:
    return -pod.ask.gpu_units, -pod.ask.memory_bytes, -pod.ask.cpu_milli
