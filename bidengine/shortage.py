"""Why a group does not fit, told so that an operator knows what to buy or to free.

First what the whole cluster lacks (the most telling reason wins, see reasons.py); when it lacks nothing in sum, the
group has no `node_fit`: there is enough, but not together on the nodes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from bidengine.needs import Need, leased_ips, node_ports
from bidengine.node import Node
from bidengine.reasons import Decline, Reason
from bidengine.snapshot import Snapshot
from manifests.gpus import GpuModel
from manifests.resources import GroupSpec
from manifests.units import shown_bytes


def shortage(spec: GroupSpec, asked: Sequence[Need], free: Snapshot) -> Decline:
    """What `free` lacks for a group that could not be placed on it."""
    for found in (*_endpoints(spec, free), *_gpus(asked, free), *_storage(asked, free), *_nodes(asked, free)):
        return found
    return Decline(Reason.NO_NODE_FIT, _apart(asked, free), final=False)


def _endpoints(spec: GroupSpec, free: Snapshot) -> Iterator[Decline]:
    for needed, left, what, reason in (
        (leased_ips(spec), free.leased_ips, "leased IP addresses", Reason.NO_IP),
        (node_ports(spec), free.node_ports, "node ports", Reason.NO_NODE_PORT),
    ):
        if needed > left:
            yield Decline(reason, f"needs {needed} {what}, {max(left, 0)} are free", final=False)


def _gpus(asked: Sequence[Need], free: Snapshot) -> Iterator[Decline]:
    wanting = [n for n in asked if n.ask.gpu_units]
    if not wanting:
        return
    cards = free.cards
    for need in wanting:
        units = need.ask.gpu_units * need.replicas
        fitting = need.cards(cards)
        if not fitting:
            yield _no_gpu(f"no node has a card that is {_wanted(need)}")
            return
        best = max(fitting, key=lambda card: cards[card])
        if cards[best] < units:
            yield _no_gpu(f"needs {units} of {_wanted(need)}, {cards[best]} of {best.key()} are free")
    units = sum(n.ask.gpu_units * n.replicas for n in wanting)
    left = sum(cards[card] for card in cards if any(n.accepts(card) for n in wanting))
    if left < units:
        yield _no_gpu(f"needs {units} GPUs in all its units, {left} of the accepted cards are free")


def _no_gpu(detail: str) -> Decline:
    return Decline(Reason.NO_GPU_MODEL, detail, final=False)


def _wanted(need: Need) -> str:
    if need.wishes is None:
        return "any GPU"
    return (
        " or ".join(GpuModel(w.vendor, w.model, w.memory, w.interface).key() for w in need.wishes)
        or "nothing we can read as a GPU"
    )


def _storage(asked: Sequence[Need], free: Snapshot) -> Iterator[Decline]:
    needed: Counter[str] = Counter()
    for need in asked:
        for c, quantity in need.ask.volumes:
            needed[c] += quantity * need.replicas
    offered = frozenset[str]().union(*(n.classes for n in free.nodes.values()))
    for c, quantity in sorted(needed.items()):
        left = max(free.storage_bytes.get(c, 0), 0)
        if c not in offered:
            yield Decline(Reason.NO_STORAGE_CLASS, f"no node offers the storage class {c!r}", final=False)
        elif left < quantity:
            detail = f"needs {shown_bytes(quantity)} of storage class {c!r}, {shown_bytes(left)} are free"
            yield Decline(Reason.NO_STORAGE_CLASS, detail, final=False)


def _nodes(asked: Sequence[Need], free: Snapshot) -> Iterator[Decline]:
    nodes = free.nodes.values()
    ephemeral = sum(n.ask.ephemeral_bytes * n.replicas for n in asked)
    left = sum(max(n.ephemeral_bytes, 0) for n in nodes)
    if left < ephemeral:
        detail = f"needs {shown_bytes(ephemeral)} of ephemeral storage, {shown_bytes(left)} are free"
        yield Decline(Reason.NO_AGGREGATE, detail, final=False)
    memory = sum(n.ask.memory_bytes * n.replicas for n in asked)
    left = sum(max(n.memory_bytes, 0) for n in nodes)
    if left < memory:
        yield Decline(
            Reason.NO_AGGREGATE, f"needs {shown_bytes(memory)} of memory, {shown_bytes(left)} are free", final=False
        )
    cpu = sum(n.ask.cpu_milli * n.replicas for n in asked)
    left = sum(max(n.cpu_milli, 0) for n in nodes)
    if left < cpu:
        yield Decline(Reason.NO_AGGREGATE, f"needs {cpu} milli of cpu, {left} are free", final=False)


def _apart(asked: Sequence[Need], free: Snapshot) -> str:
    """The first unit of which not even one replica fits on a node, and what the best node lacks; else that the units
    crowd each other out."""
    for need in asked:
        ask = need.ask
        nodes = _eligible(need, free)
        where = "that has its card and storage classes" if ask.gpu_units or ask.volumes else "there is"
        if not nodes:
            return f"unit {need.resource_id}: no node has its card and its storage classes together"
        cpu, memory = max(n.cpu_milli for n in nodes), max(n.memory_bytes for n in nodes)
        ephemeral = max(n.ephemeral_bytes for n in nodes)
        if cpu < ask.cpu_milli:
            return (
                f"unit {need.resource_id}: a replica asks {ask.cpu_milli} milli of cpu, the best node {where} has {cpu}"
            )
        if memory < ask.memory_bytes:
            return (
                f"unit {need.resource_id}: a replica asks {shown_bytes(ask.memory_bytes)} of memory,"
                f" the best node {where} has {shown_bytes(memory)}"
            )
        if ephemeral < ask.ephemeral_bytes:
            return (
                f"unit {need.resource_id}: a replica asks {shown_bytes(ask.ephemeral_bytes)} of ephemeral storage,"
                f" the best node {where} has {shown_bytes(ephemeral)}"
            )
        if all(n.pods <= 0 for n in nodes):
            return f"unit {need.resource_id}: no node {where} takes one more pod"
    return "there is enough in sum, but not together on single nodes for all replicas"


def _eligible(need: Need, free: Snapshot) -> list[Node]:
    """Nodes with a card and the storage classes of one replica, whatever else they lack."""
    nodes = list(free.nodes.values())
    classes = {c for c, _ in need.ask.volumes}
    if classes:
        nodes = [n for n in nodes if classes <= n.classes]
    if need.ask.gpu_units:
        units, cards = need.ask.gpu_units, need.cards(free.cards)
        nodes = [n for n in nodes if n.gpus and any(n.gpus.get(card, 0) >= units for card in cards)]
    return nodes
