"""How broken up a cluster's room is: what the largest order could be, and what cannot be sold though it is free.

Free GPUs are in one piece where all of a node are free; an order for a node's worth of cards needs that. A GPU is
stranded when its node has no cores, memory or pod left to go with it, cores are when no memory or pod is.
"""

from __future__ import annotations

from dataclasses import dataclass

from bidengine.node import Ask, Inventory, Node
from manifests.gpus import GpuModel

LEAST = Ask(cpu_milli=100, memory_bytes=128 << 20, ephemeral_bytes=0)
"""The smallest replica worth selling; where not even that fits, the rest is stranded."""
BESIDE_GPU = Ask(cpu_milli=1000, memory_bytes=4 << 30, ephemeral_bytes=0, gpu_units=1)
"""The least that is sold together with one GPU."""


@dataclass(frozen=True, slots=True)
class CardFrag:
    """Cards of one model: `units` that could be sold to leases, `free` of these, `unbroken` of these on nodes where all
    are free, `stranded` of the free. `largest` is the most that one replica can have now."""

    card: GpuModel
    units: int = 0
    free: int = 0
    unbroken: int = 0
    stranded: int = 0
    largest: int = 0

    @property
    def index_percent(self) -> int:
        """How many of a hundred free cards are on nodes that are partly sold: 0 when all are in one piece, or none is
        free."""
        return 100 * (self.free - self.unbroken) // self.free if self.free else 0


@dataclass(frozen=True, slots=True)
class Frag:
    """`largest_*` are the most that one replica can have, each by itself."""

    cards: tuple[CardFrag, ...] = ()
    largest_cpu_milli: int = 0
    largest_memory_bytes: int = 0
    stranded_cpu_milli: int = 0
    stranded_memory_bytes: int = 0


def frag(whole: Inventory, free: Inventory) -> Frag:
    """`whole` is the cluster before leases (`Room.inventory`), `free` what is left (`Room.free()`)."""
    before = {node.name: node for node in whole.nodes}
    cards: dict[GpuModel, CardFrag] = {}
    cpu = memory = stranded_cpu = stranded_memory = 0
    for node in free.nodes:
        for found in _cards(before.get(node.name, node), node):
            cards[found.card] = _plus(cards.get(found.card, CardFrag(found.card)), found)
        open_ = node.pods > 0
        if open_ and node.memory_bytes >= LEAST.memory_bytes:
            cpu = max(cpu, node.cpu_milli)
        else:
            stranded_cpu += node.cpu_milli
        if open_ and node.cpu_milli >= LEAST.cpu_milli:
            memory = max(memory, node.memory_bytes)
        else:
            stranded_memory += node.memory_bytes
    return Frag(tuple(cards[card] for card in sorted(cards)), cpu, memory, stranded_cpu, stranded_memory)


def _cards(whole: Node, node: Node) -> list[CardFrag]:
    """Of one node. Where models share what is beside them, the first by name has it first."""
    room = min(node.cpu_milli // BESIDE_GPU.cpu_milli, node.memory_bytes // BESIDE_GPU.memory_bytes)
    room = room if node.pods > 0 else 0
    out = []
    for card in sorted(whole.gpus):
        units, free = whole.gpus[card], max(0, node.gpus.get(card, 0))
        usable = min(free, room)
        out.append(CardFrag(card, units, free, free if free == units else 0, free - usable, usable))
        room -= usable
    return out


def _plus(a: CardFrag, b: CardFrag) -> CardFrag:
    return CardFrag(
        a.card,
        a.units + b.units,
        a.free + b.free,
        a.unbroken + b.unbroken,
        a.stranded + b.stranded,
        max(a.largest, b.largest),
    )
