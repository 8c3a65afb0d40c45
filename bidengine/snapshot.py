"""What is free right now, kept in an order that makes the best fit quick to find.

`take` and `give` are exact opposites and never refuse: what is true of the cluster is counted even if it is more than
a node has, so a figure can be below zero here, and such a node simply fits nothing. Whoever wants to promise asks
`fits` first.

The subtlety is the order. Each node stands in `_roomy` by (has free GPUs, room), and in `_cards` by (free GPUs of
that card, room), where room weighs cores and memory together and grows with either. So a node before the first one
that could fit needs no look, and the first that fits is the tightest: small holes are filled before large ones, GPU
nodes last when no GPU is asked.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator, Mapping
from itertools import count

from bidengine.node import Ask, Node
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
    ) -> None:
        self.nodes = {n.name: copied(n) for n in nodes}
        self.storage_bytes = dict(storage_bytes or {})
        self.node_ports = node_ports
        self.leased_ips = leased_ips
        self._number = dict(zip(self.nodes, count(), strict=False))
        self._by_number = list(self.nodes.values())
        self._roomy: list[_Key] = []
        self._cards: dict[GpuModel, list[_Key]] = {}
        self._ordered = False
        self._units: dict[GpuModel, int] = {}
        for node in self._by_number:
            for card in node.gpus:
                self._units[card] = self._units.get(card, 0) + max(0, node.gpus[card])

    @property
    def cards(self) -> dict[GpuModel, int]:
        """Free units of each card in the whole cluster."""
        return dict(self._units)

    def fits(self, name: str, ask: Ask, gpu: GpuModel | None) -> bool:
        node = self.nodes.get(name)
        return node is not None and _fits(node, ask, gpu) and self.stores(ask)

    def stores(self, ask: Ask) -> bool:
        """Whether the cluster has the persistent bytes, whichever node it is."""
        return all(self.storage_bytes.get(c, 0) >= quantity for c, quantity in ask.volumes)

    def candidates(self, ask: Ask, gpu: GpuModel | None) -> Iterator[Node]:
        """Nodes that fit one replica now, the tightest first. Do not take while iterating: collect, then take."""
        if not self._ordered:
            self._order()
        room = ask.cpu_milli * _BYTES_PER_MILLI + ask.memory_bytes
        by_number = self._by_number
        cpu, memory, ephemeral = ask.cpu_milli, ask.memory_bytes, ask.ephemeral_bytes
        for keys in self._runs(ask, gpu, room):
            for _, free, number in keys:
                if free < room:
                    continue
                node = by_number[number]
                if (
                    node.cpu_milli >= cpu
                    and node.memory_bytes >= memory
                    and node.ephemeral_bytes >= ephemeral
                    and node.pods > 0
                    and node.makes(ask.volumes)
                ):
                    yield node

    def take(self, name: str, ask: Ask, gpu: GpuModel | None, replicas: int = 1) -> None:
        """Count replicas on a node; a node that is not there is left out. Storage of the cluster is `store`'s
        matter."""
        node = self.nodes.get(name)
        if node is None:
            return
        if self._ordered:
            self._leave(node)
        node.cpu_milli -= ask.cpu_milli * replicas
        node.memory_bytes -= ask.memory_bytes * replicas
        node.ephemeral_bytes -= ask.ephemeral_bytes * replicas
        node.pods -= replicas
        if gpu is not None and gpu in node.gpus:
            before = node.gpus[gpu]
            node.gpus[gpu] = before - ask.gpu_units * replicas
            self._units[gpu] += max(0, node.gpus[gpu]) - max(0, before)
        if self._ordered:
            self._enter(node)

    def give(self, name: str, ask: Ask, gpu: GpuModel | None, replicas: int = 1) -> None:
        self.take(name, ask, gpu, -replicas)

    def store(self, volumes: Iterable[tuple[str, int]]) -> None:
        """Count persistent bytes by class; negative bytes give back."""
        for c, quantity in volumes:
            self.storage_bytes[c] = self.storage_bytes.get(c, 0) - quantity

    def _runs(self, ask: Ask, gpu: GpuModel | None, room: int) -> Iterator[list[_Key]]:
        if ask.gpu_units and gpu is not None:
            keys = self._cards.get(gpu, [])
            yield keys[bisect_left(keys, (ask.gpu_units, room, -1)) :]
        elif not ask.gpu_units:
            split = bisect_left(self._roomy, (1,))
            yield self._roomy[bisect_left(self._roomy, (0, room, -1)) : split]
            yield self._roomy[bisect_left(self._roomy, (1, room, -1)) :]

    def _order(self) -> None:
        """Put off until somebody looks: counting a whole cluster's pods first is then plain subtraction."""
        self._roomy = sorted(self._key(n) for n in self._by_number)
        for node in self._by_number:
            for card in node.gpus:
                self._cards.setdefault(card, []).append(self._card_key(node, card))
        for keys in self._cards.values():
            keys.sort()
        self._ordered = True

    def _leave(self, node: Node) -> None:
        _remove(self._roomy, self._key(node))
        for card in node.gpus:
            _remove(self._cards[card], self._card_key(node, card))

    def _enter(self, node: Node) -> None:
        insort(self._roomy, self._key(node))
        for card in node.gpus:
            insort(self._cards[card], self._card_key(node, card))

    def _key(self, node: Node) -> _Key:
        return int(any(units > 0 for units in node.gpus.values())), _room(node), self._number[node.name]

    def _card_key(self, node: Node, card: GpuModel) -> _Key:
        return node.gpus[card], _room(node), self._number[node.name]


def copied(node: Node) -> Node:
    return Node(
        node.name, node.cpu_milli, node.memory_bytes, node.ephemeral_bytes, node.pods, dict(node.gpus), node.classes,
        node.largest_volume_bytes,
    )  # fmt: skip


def _room(node: Node) -> int:
    return node.cpu_milli * _BYTES_PER_MILLI + node.memory_bytes


def _fits(node: Node, ask: Ask, gpu: GpuModel | None) -> bool:
    return (
        node.cpu_milli >= ask.cpu_milli
        and node.memory_bytes >= ask.memory_bytes
        and node.ephemeral_bytes >= ask.ephemeral_bytes
        and node.pods > 0
        and (not ask.gpu_units or (gpu is not None and node.gpus.get(gpu, 0) >= ask.gpu_units))
        and node.makes(ask.volumes)
    )


def _remove(keys: list[_Key], key: _Key) -> None:
    del keys[bisect_left(keys, key)]
