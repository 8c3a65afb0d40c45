"""Why a group does not fit, told so that an operator knows what to buy or to free.

First what the whole cluster lacks, which is known without looking at nodes (the most telling reason wins, see
reasons.py). When it lacks nothing in sum, the group has no `node_fit`: there is enough, but not together on the nodes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from bidengine.needs import Need, leased_ips, node_ports
from bidengine.node import Node
from bidengine.packing import gpus
from bidengine.reasons import Decline, Reason
from bidengine.snapshot import Snapshot, summed
from manifests.gpus import GpuModel
from manifests.resources import GroupSpec
from manifests.units import shown_bytes


def shortage(spec: GroupSpec, asked: Sequence[Need], free: Snapshot) -> Decline | None:
    """What the cluster lacks in sum; None when that is nothing."""
    lacking = (_runtimes, _gpus, _storage, _sums)
    for found in (*_endpoints(spec, free), *(no for each in lacking for no in each(asked, free))):
        return found
    return None


def apart(asked: Sequence[Need], free: Snapshot) -> Decline:
    """For a group that could not be placed though the cluster has enough in sum: the first unit of which not even one
    replica fits on a node, and what the best node lacks; else that the units crowd each other out."""
    detail = next(filter(None, (_too_large(need, free) for need in asked)), "")
    detail = detail or "there is enough in sum, but not together on single nodes for all replicas"
    return Decline(Reason.NO_NODE_FIT, detail, final=False)


def kept_for_gpus(free: Snapshot) -> Decline:
    """For a group without GPUs that would fit on what GPU nodes keep back (packing.py)."""
    keeping = sum(1 for node in free.nodes.values() if gpus(node))
    share = free.packing.gpu_node_cpu_share_percent
    detail = (
        f"fits only beside free GPUs: {keeping} nodes keep their cpu and memory for them, but for {share} %"
        f" (bid.gpu_node_cpu_share_percent)"
    )
    return Decline(Reason.CPU_ON_GPU_NODE, detail, final=False)


def _endpoints(spec: GroupSpec, free: Snapshot) -> Iterator[Decline]:
    for needed, left, what, reason in (
        (leased_ips(spec), free.leased_ips, "leased IP addresses", Reason.NO_IP),
        (node_ports(spec), free.node_ports, "node ports", Reason.NO_NODE_PORT),
    ):
        if needed > left:
            yield Decline(reason, f"needs {needed} {what}, {max(left, 0)} are free", final=False)


def _runtimes(asked: Sequence[Need], free: Snapshot) -> Iterator[Decline]:
    """Of cards it counts only where there are some that would do and none of another vendor."""
    for need in asked:
        if not need.ask.gpu_units and free.runtimes.nowhere and need.startable:
            yield _kept_off(f"no node takes pods without GPUs: {free.runtimes.nowhere}")
        if need.startable:
            continue
        if not need.ask.gpu_units or (not need.cards(free.cards) and replace(need, startable=True).cards(free.cards)):
            yield free.runtimes.decline(need.runtime)


def _gpus(asked: Sequence[Need], free: Snapshot) -> Iterator[Decline]:
    wanting = [n for n in asked if n.ask.gpu_units]
    if not wanting:
        return
    cards = free.cards
    for need in wanting:
        units = need.ask.gpu_units * need.replicas
        fitting = need.cards(cards)
        withheld = (why for card, why in sorted(free.runtimes.withheld.items()) if need.accepts(card))
        if not fitting and (why := next(withheld, "")):
            yield _kept_off(f"no pod can have a card that is {_wanted(need)} where there are some: {why}")
            return
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


def _kept_off(detail: str) -> Decline:
    cure = "label or untaint nodes, or change `scheduling` of that RuntimeClass, or cluster.tolerations"
    return Decline(Reason.NO_RUNTIME_CLASS, f"{detail}; {cure}", final=False)


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
    together = summed(needed.items(), free.same_storage)
    for c in sorted(needed):
        quantity = together[free.same_storage.get(c, c)]
        left = max(free.storage_bytes.get(c, 0), 0)
        if c not in free.classes:
            yield Decline(Reason.NO_STORAGE_CLASS, f"no node offers the storage class {c!r}", final=False)
        elif left < quantity:
            detail = f"needs {shown_bytes(quantity)} of storage class {c!r}, {shown_bytes(left)} are free"
            yield Decline(Reason.NO_STORAGE_CLASS, detail, final=False)


def _sums(asked: Sequence[Need], free: Snapshot) -> Iterator[Decline]:
    ephemeral = sum(n.ask.ephemeral_bytes * n.replicas for n in asked)
    if free.ephemeral_bytes < ephemeral:
        yield _no_aggregate(shown_bytes(ephemeral), "ephemeral storage", shown_bytes(free.ephemeral_bytes))
    memory = sum(n.ask.memory_bytes * n.replicas for n in asked)
    if free.memory_bytes < memory:
        yield _no_aggregate(shown_bytes(memory), "memory", shown_bytes(free.memory_bytes))
    cpu = sum(n.ask.cpu_milli * n.replicas for n in asked)
    if free.cpu_milli < cpu:
        yield _no_aggregate(f"{cpu} milli", "cpu", str(free.cpu_milli))


def _no_aggregate(needed: str, what: str, left: str) -> Decline:
    return Decline(Reason.NO_AGGREGATE, f"needs {needed} of {what}, {left} are free", final=False)


def _too_large(need: Need, free: Snapshot) -> str:
    """What keeps even one replica off the best of the nodes that have its card and storage classes; "" when nothing
    does."""
    ask, unit = need.ask, f"unit {need.resource_id}"
    nodes = _eligible(need, free)
    where = "that has its card and storage classes" if ask.gpu_units or ask.volumes else "there is"
    if not ask.gpu_units and (closed := [n for n in free.nodes.values() if n.without_gpus]):
        if len(closed) == len(free.nodes):
            return f"{unit}: no node takes pods without GPUs: {closed[0].without_gpus}"
        where += " for pods without GPUs"
    if not nodes:
        return f"{unit}: no node has its card and its storage classes together"
    cpu, memory = max(n.cpu_milli for n in nodes), max(n.memory_bytes for n in nodes)
    if cpu < ask.cpu_milli:
        return f"{unit}: a replica asks {ask.cpu_milli} milli of cpu, the best node {where} has {cpu}"
    if memory < ask.memory_bytes:
        asks = shown_bytes(ask.memory_bytes)
        return f"{unit}: a replica asks {asks} of memory, the best node {where} has {shown_bytes(memory)}"
    ephemeral = max(n.ephemeral_bytes for n in nodes)
    if ephemeral < ask.ephemeral_bytes:
        asks = shown_bytes(ask.ephemeral_bytes)
        return f"{unit}: a replica asks {asks} of ephemeral storage, the best node {where} has {shown_bytes(ephemeral)}"
    if all(n.pods <= 0 for n in nodes):
        return f"{unit}: no node {where} takes one more pod"
    if not any(n.makes(ask.volumes) for n in nodes):
        return f"{unit}: no node {where} reaches a part of them that is large enough for its volumes"
    volumes = max(n.volumes for n in nodes)
    if volumes < ask.attached:
        return f"{unit}: a replica has {ask.attached} persistent volumes, a node {where} can attach {volumes}"
    return ""


def _eligible(need: Need, free: Snapshot) -> list[Node]:
    """Nodes with a card and the storage classes of one replica, whatever else they lack."""
    ask = need.ask
    nodes: Iterable[Node] = (node for node in free.nodes.values() if not node.without_gpus)
    if ask.gpu_units:
        found = {n.name: n for card in need.cards(free.cards) for n in free.having(card, ask.gpu_units)}
        nodes = found.values()
    classes = {c for c, _ in ask.volumes}
    return [n for n in nodes if classes <= n.classes] if classes else list(nodes)
