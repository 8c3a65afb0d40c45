"""What one replica asks of a node, what a node has left, and what the whole cluster reports.

`Inventory` is made by the cluster package from live objects; `Room` (room.py) subtracts what is promised. A lease is
counted exactly once: its running pods appear in `lease_pods`, never in the nodes' free figures.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bidengine.runtimes import UNSEEN, Runtimes
from manifests.gpus import GpuModel
from manifests.ids import LeaseID


@dataclass(frozen=True, slots=True)
class Ask:
    """One replica, after over-commit. Volumes of class `ram` are part of `memory_bytes`; `volumes` are the bytes of its
    persistent ones by class, `attached` is how many those are."""

    cpu_milli: int
    memory_bytes: int
    ephemeral_bytes: int
    gpu_units: int = 0
    volumes: tuple[tuple[str, int], ...] = ()
    attached: int = 0


NO_LIMIT = 1 << 30
"""More volumes than any node is asked to attach."""


@dataclass(slots=True)
class Node:
    """Free capacity of one schedulable node."""

    name: str
    cpu_milli: int
    memory_bytes: int
    ephemeral_bytes: int
    pods: int = 110
    gpus: dict[GpuModel, int] = field(default_factory=dict)
    classes: frozenset[str] = frozenset()
    """persistent storage classes that pods on this node can use"""
    largest_volume_bytes: Mapping[str, int] = field(default_factory=dict)
    """class -> most bytes of it that one pod can have here, where its storage is in parts; a class that is not named
    has no such bound"""
    volumes: int = NO_LIMIT
    """persistent volumes that can still be attached, by the driver that allows fewest (CSINode)"""
    without_gpus: str = ""
    """why no pod without GPUs can be here; "" when it can"""

    def makes(self, volumes: tuple[tuple[str, int], ...]) -> bool:
        """Whether a pod here could have these volumes, (class, bytes)."""
        most = self.largest_volume_bytes
        return all(c in self.classes and (c not in most or size <= most[c]) for c, size in volumes)


@dataclass(frozen=True, slots=True)
class BoundPod:
    """A lease's pod that has a node. `gpu` is the node's model when it uses GPUs."""

    node: str
    ask: Ask
    gpu: GpuModel | None = None
    name: str = field(default="", compare=False)
    """in its lease's namespace"""


@dataclass(frozen=True, slots=True)
class Inventory:
    """Allocatable minus the pods that belong to no lease; plus what leases really use."""

    nodes: tuple[Node, ...]
    storage_bytes: Mapping[str, int] = field(default_factory=dict)
    """persistent class -> free bytes in the whole cluster, before leases' claims"""
    lease_pods: Mapping[LeaseID, tuple[BoundPod, ...]] = field(default_factory=dict)
    lease_claims: Mapping[LeaseID, Mapping[str, int]] = field(default_factory=dict)
    """class -> bytes of PersistentVolumeClaims a lease already has"""
    node_ports: int = 0
    """node ports that may be promised, before leases' use"""
    leased_ips: int = 0
    same_storage: Mapping[str, str] = field(default_factory=dict)
    """class -> the class whose bytes it shares, where the same storage is sold under two names"""
    runtimes: Runtimes = UNSEEN
