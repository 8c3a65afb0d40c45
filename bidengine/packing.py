"""How an operator wants leases laid out on nodes, and what a node keeps back for its free GPUs.

A GPU without cores and memory beside it earns nothing. So under `protect-gpu` each free GPU of a node keeps its share
of that node: an eighth of it where there are eight. Orders without GPUs may have the rest, and of what is kept the
percentage the operator allows. A GPU that is leased, or taken by a pod of somebody else, keeps nothing any more.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from bidengine.node import Ask, Node


class Strategy(StrEnum):
    BEST_FIT = "best-fit"
    """fill small holes first, so that large ones stay for large orders"""
    SPREAD = "spread"
    """the emptiest node first, replicas on different nodes"""
    PROTECT_GPU = "protect-gpu"
    """best fit, and orders without GPUs leave the GPU nodes enough to sell their GPUs"""


@dataclass(frozen=True, slots=True)
class Packing:
    strategy: Strategy = Strategy.BEST_FIT
    gpu_node_cpu_share_percent: int = 0
    """of the cores and memory kept for free GPUs, how much orders without GPUs may still have"""

    @property
    def spreads(self) -> bool:
        return self.strategy is Strategy.SPREAD

    def guards(self, asks: Iterable[Ask]) -> bool:
        """Whether a group with these replicas has to leave alone what nodes keep for their free GPUs."""
        return self.strategy is Strategy.PROTECT_GPU and not any(ask.gpu_units for ask in asks)

    def kept(self, node: Node, whole: Node) -> tuple[int, int]:
        """(cpu_milli, memory_bytes) of a node that are not for orders without GPUs. `whole` is the node before any
        lease took from it."""
        free, cards = gpus(node), gpus(whole)
        if not free:
            return 0, 0
        share = free * (100 - self.gpu_node_cpu_share_percent)
        return whole.cpu_milli * share // (100 * cards), whole.memory_bytes * share // (100 * cards)


def gpus(node: Node) -> int:
    """Free GPUs of all its models."""
    return sum(units for units in node.gpus.values() if units > 0)
