"""What is free right now, kept in an order that makes the best fit quick to find.

`take` and `give` are exact opposites and never refuse: what is true of the cluster is counted even if it is more than
a node has, so a figure can be below zero here, and such a node simply fits nothing. Whoever wants to promise asks
`fits` first.

The subtlety is the order. Each node stands in `_roomy` by (has free GPUs, room), and in `_cards` by (free GPUs of
that card, room), where room weighs cores and memory together and grows with either. So a node before the first one
that could fit needs no look, and the first that fits is the tightest: small holes are filled before large ones, GPU
nodes last when no GPU is asked. Spreading reads the same order from its other end.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator, Mapping
from itertools import count

from bidengine.node import Ask, Node
from bidengine.packing import Packing
from bidengine.runtimes import UNSEEN, Runtimes
from manifests.gpus import GpuModel

_BYTES_PER_MILLI = (4 << 30) // 1000
"""A core weighs as much as 4 GiB when two nodes are compared for tightness."""

_Key = tuple[int, int, int]


class Snapshot:
    """Free figures of nodes, storage classes, node ports and leased IPs. Copies its nodes; a thousand asks a second
    are fine."""

    def __init__(
        self,
        nodes: Iterable[Node] = (),
        storage_bytes: Mapping[str, int] | None = None,
        node_ports: int = 0,
        leased_ips: int = 0,
        packing: Packing | None = None,
        same_storage: Mapping[str, str] | None = None,
        runtimes: Runtimes = UNSEEN,
    ) -> None:
        whole = list(nodes)
        self.nodes = {n.name: copied(n) for n in whole}
        self.storage_bytes = dict(storage_bytes or {})
        self.same_storage = dict(same_storage or {})
        self.node_ports = node_ports
        self.leased_ips = leased_ips
        self.packing = packing or Packing()
        self.runtimes = runtimes
        self.cards: dict[GpuModel, int] = {}
        """free units of each card in the whole cluster"""
        self.cpu_milli = sum(max(0, n.cpu_milli) for n in whole)
        """free in the whole cluster; a node's deficit takes nothing from the others"""
        self.memory_bytes = sum(max(0, n.memory_bytes) for n in whole)
        self.ephemeral_bytes = sum(max(0, n.ephemeral_bytes) for n in whole)
        self.classes = frozenset[str]().union(*{n.classes for n in whole})
        """storage classes that some node offers"""
        self.looked_at = 0
        """nodes that were compared with an ask, since the beginning"""
        self._whole = whole
        self._number = dict(zip(self.nodes, count(), strict=False))
        self._by_number = list(self.nodes.values())
        self._roomy: list[_Key] = []
        self._by_card: dict[GpuModel, list[_Key]] = {}
        self._ordered = False
        for node in whole:
            for card, units in node.gpus.items():
                self.cards[card] = self.cards.get(card, 0) + max(0, units)

    def fits(self, name: str, ask: Ask, gpu: GpuModel | None, *, guarded: bool = False) -> bool:
        """`guarded`: without what the node keeps for its free GPUs."""
        if not self.fits_on(name, ask, gpu) or not self.stores(ask):
            return False
        return not guarded or self.times(self.nodes[name], ask, gpu, guarded=True) > 0

    def fits_on(self, name: str, ask: Ask, gpu: GpuModel | None) -> bool:
        """Whether the node has room for one replica, wherever the bytes of its volumes are."""
        node = self.nodes.get(name)
        return node is not None and _fits(node, ask, gpu)

    def stores(self, ask: Ask, replicas: int = 1) -> bool:
        """Whether the cluster has the persistent bytes, whichever node it is."""
        if not self.same_storage:
            return all(self.storage_bytes.get(c, 0) >= quantity * replicas for c, quantity in ask.volumes)
        needed = summed(ask.volumes, self.same_storage)
        return all(self.storage_bytes.get(c, 0) >= quantity * replicas for c, quantity in needed.items())

    def candidates(self, ask: Ask, gpu: GpuModel | None, *, guarded: bool = False) -> Iterator[Node]:
        """Nodes that fit one replica now, in the order the packing wants them filled. Do not take while iterating:
        collect, then take."""
        if not self._ordered:
            self._order()
        by_number, room = self._by_number, _weight(ask.cpu_milli, ask.memory_bytes)
        for keys in self._runs(ask, gpu, room):
            for _, free, number in keys:
                if free < room:
                    continue
                node = by_number[number]
                self.looked_at += 1
                if _fits(node, ask, gpu) and (not guarded or self.times(node, ask, gpu, guarded=True)):
                    yield node

    def having(self, gpu: GpuModel, units: int) -> Iterator[Node]:
        """Nodes with at least so many free GPUs of a model, whatever else they lack."""
        if not self._ordered:
            self._order()
        keys = self._by_card.get(gpu, [])
        for _, _, number in keys[bisect_left(keys, (units,)) :]:
            yield self._by_number[number]

    def times(self, node: Node, ask: Ask, gpu: GpuModel | None, *, guarded: bool = False) -> int:
        """How many replicas a node takes that fits one."""
        cpu_milli, memory_bytes = node.cpu_milli, node.memory_bytes
        if guarded:
            kept = self.packing.kept(node, self._whole[self._number[node.name]])
            cpu_milli, memory_bytes = max(0, cpu_milli - kept[0]), max(0, memory_bytes - kept[1])
        times = node.pods
        for left, asked in (
            (cpu_milli, ask.cpu_milli),
            (memory_bytes, ask.memory_bytes),
            (node.ephemeral_bytes, ask.ephemeral_bytes),
            (node.gpus[gpu] if gpu is not None else 0, ask.gpu_units),
            (node.volumes, ask.attached),
        ):
            if asked:
                times = min(times, left // asked)
        return times

    def take(self, name: str, ask: Ask, gpu: GpuModel | None, replicas: int = 1) -> None:
        """Count replicas on a node; a node that is not there is left out. Storage of the cluster is `store`'s
        matter."""
        node = self.nodes.get(name)
        if node is None:
            return
        if self._ordered:
            self._leave(node)
        cpu, memory, ephemeral = node.cpu_milli, node.memory_bytes, node.ephemeral_bytes
        node.cpu_milli -= ask.cpu_milli * replicas
        node.memory_bytes -= ask.memory_bytes * replicas
        node.ephemeral_bytes -= ask.ephemeral_bytes * replicas
        node.pods -= replicas
        node.volumes -= ask.attached * replicas
        self.cpu_milli += max(0, node.cpu_milli) - max(0, cpu)
        self.memory_bytes += max(0, node.memory_bytes) - max(0, memory)
        self.ephemeral_bytes += max(0, node.ephemeral_bytes) - max(0, ephemeral)
        if ask.gpu_units and gpu is not None and (before := node.gpus.get(gpu)) is not None:
            node.gpus[gpu] = after = before - ask.gpu_units * replicas
            self.cards[gpu] += max(0, after) - max(0, before)
        if self._ordered:
            self._enter(node)

    def give(self, name: str, ask: Ask, gpu: GpuModel | None, replicas: int = 1) -> None:
        self.take(name, ask, gpu, -replicas)

    def store(self, volumes: Iterable[tuple[str, int]]) -> None:
        """Count persistent bytes by class; negative bytes give back. What is sold under two names shows under both."""
        for c, quantity in volumes:
            c = self.same_storage.get(c, c)
            self.storage_bytes[c] = self.storage_bytes.get(c, 0) - quantity
        for other, c in self.same_storage.items():
            self.storage_bytes[other] = self.storage_bytes.get(c, 0)

    def _runs(self, ask: Ask, gpu: GpuModel | None, room: int) -> Iterator[Iterable[_Key]]:
        """Stretches of nodes worth a look: those before have fewer GPUs than asked, or less room."""
        if ask.gpu_units:
            keys = self._by_card.get(gpu, []) if gpu is not None else []
            yield self._stretch(keys[bisect_left(keys, (ask.gpu_units, room, -1)) :])
            return
        split = bisect_left(self._roomy, (1,))
        yield self._stretch(self._roomy[bisect_left(self._roomy, (0, room, -1)) : split])
        yield self._stretch(self._roomy[bisect_left(self._roomy, (1, room, -1)) :])

    def _stretch(self, keys: list[_Key]) -> Iterable[_Key]:
        return reversed(keys) if self.packing.spreads else keys

    def _order(self) -> None:
        """Put off until somebody looks: counting a whole cluster's pods first is then plain subtraction."""
        self._roomy = sorted(self._key(n) for n in self._by_number)
        for node in self._by_number:
            for card in node.gpus:
                self._by_card.setdefault(card, []).append(self._card_key(node, card))
        for keys in self._by_card.values():
            keys.sort()
        self._ordered = True

    def _leave(self, node: Node) -> None:
        _remove(self._roomy, self._key(node))
        for card in node.gpus:
            _remove(self._by_card[card], self._card_key(node, card))

    def _enter(self, node: Node) -> None:
        insort(self._roomy, self._key(node))
        for card in node.gpus:
            insort(self._by_card[card], self._card_key(node, card))

    def _key(self, node: Node) -> _Key:
        return int(any(units > 0 for units in node.gpus.values())), _room(node), self._number[node.name]

    def _card_key(self, node: Node, card: GpuModel) -> _Key:
        return node.gpus[card], _room(node), self._number[node.name]


def summed(volumes: Iterable[tuple[str, int]], same: Mapping[str, str]) -> dict[str, int]:
    """Bytes by class; those of a class that shares another's bytes by that other."""
    out: dict[str, int] = {}
    for c, quantity in volumes:
        c = same.get(c, c)
        out[c] = out.get(c, 0) + quantity
    return out


def copied(node: Node) -> Node:
    return Node(
        node.name,
        node.cpu_milli,
        node.memory_bytes,
        node.ephemeral_bytes,
        node.pods,
        dict(node.gpus),
        node.classes,
        node.largest_volume_bytes,
        node.volumes,
        node.without_gpus,
    )


def _room(node: Node) -> int:
    return _weight(node.cpu_milli, node.memory_bytes)


def _weight(cpu_milli: int, memory_bytes: int) -> int:
    return cpu_milli * _BYTES_PER_MILLI + memory_bytes


def _fits(node: Node, ask: Ask, gpu: GpuModel | None) -> bool:
    return (
        node.cpu_milli >= ask.cpu_milli
        and node.memory_bytes >= ask.memory_bytes
        and node.ephemeral_bytes >= ask.ephemeral_bytes
        and node.pods > 0
        and node.volumes >= ask.attached
        and ((gpu is not None and node.gpus.get(gpu, 0) >= ask.gpu_units) if ask.gpu_units else not node.without_gpus)
        and (not ask.volumes or node.makes(ask.volumes))
    )


def _remove(keys: list[_Key], key: _Key) -> None:
    del keys[bisect_left(keys, key)]
