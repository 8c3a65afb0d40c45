"""Place a whole group on what is free, or say what is short. Ask, take, and hand back the undo.

Best fit: the unit that is hardest to place goes first, each on the tightest nodes it fits; work without GPUs keeps
off GPU nodes while others have room. All replicas of a unit get one card: where several would do, the most plentiful
one first, so that rare ones stay for those who ask for them. There is no search back over earlier units: a group that
needs it is declined.
"""

from __future__ import annotations

from collections.abc import Callable

from bidengine.commit import Commit
from bidengine.needs import Need, leased_ips, needs, node_ports
from bidengine.node import Ask, Node
from bidengine.placement import Placement, Slot
from bidengine.reasons import Decline
from bidengine.shortage import shortage
from bidengine.snapshot import Snapshot
from manifests.gpus import GpuModel
from manifests.resources import GroupSpec

Undo = Callable[[], None]


def pack(spec: GroupSpec, free: Snapshot, commit: Commit) -> tuple[Placement, Undo] | Decline:
    """Take room for every replica of `spec` from `free`. Returns where they go and how to give it all back, or a
    `Decline` with `free` as it was. Calling the undo again does nothing."""
    asked = needs(spec, commit)
    cards = free.cards if any(n.ask.gpu_units for n in asked) else {}
    taken: list[tuple[Need, str, int, GpuModel | None]] = []
    ports, ips = node_ports(spec), leased_ips(spec)
    if ports > free.node_ports or ips > free.leased_ips:
        return shortage(spec, asked, free)
    free.node_ports -= ports
    free.leased_ips -= ips

    def undo() -> None:
        nonlocal ports, ips
        for need, node, replicas, card in taken:
            free.give(node, need.ask, card, replicas)
            free.store((c, -quantity * replicas) for c, quantity in need.ask.volumes)
        free.node_ports += ports
        free.leased_ips += ips
        taken.clear()
        ports = ips = 0

    for need in sorted(asked, key=lambda n: _hardest_first(n, cards)):
        found = _place(need, free, cards)
        if found is None:
            undo()
            return shortage(spec, asked, free)
        for node, replicas, card in found:
            free.take(node, need.ask, card, replicas)
            free.store((c, quantity * replicas) for c, quantity in need.ask.volumes)
            taken.append((need, node, replicas, card))
    order = {need.resource_id: at for at, need in enumerate(asked)}
    slots: list[Slot] = []
    for need, node, replicas, card in sorted(taken, key=lambda t: order[t[0].resource_id]):
        slots += [Slot(need.resource_id, node, need.ask, card)] * replicas
    return Placement(tuple(slots)), undo


def _hardest_first(need: Need, cards: dict[GpuModel, int]) -> tuple[int, int, int, int, int]:
    ask = need.ask
    if ask.gpu_units:
        return 0, len(need.cards(cards)), -ask.gpu_units, -ask.memory_bytes, -ask.cpu_milli
    return 1, -len(ask.volumes), 0, -ask.memory_bytes, -ask.cpu_milli


def _place(need: Need, free: Snapshot, cards: dict[GpuModel, int]) -> list[tuple[str, int, GpuModel | None]] | None:
    if any(free.storage_bytes.get(c, 0) < quantity * need.replicas for c, quantity in need.ask.volumes):
        return None
    choices: list[GpuModel | None] = [None]
    if need.ask.gpu_units:
        choices = [*sorted(need.cards(cards), key=lambda card: (-cards[card], card))]
    for card in choices:
        found, left = [], need.replicas
        for node in free.candidates(need.ask, card):
            replicas = min(left, _times(node, need.ask, card))
            found.append((node.name, replicas, card))
            left -= replicas
            if not left:
                break
        if not left:
            return found
    return None


def _times(node: Node, ask: Ask, card: GpuModel | None) -> int:
    """How many replicas fit on a node that fits one."""
    times = node.pods
    if ask.cpu_milli:
        times = min(times, node.cpu_milli // ask.cpu_milli)
    if ask.memory_bytes:
        times = min(times, node.memory_bytes // ask.memory_bytes)
    if ask.ephemeral_bytes:
        times = min(times, node.ephemeral_bytes // ask.ephemeral_bytes)
    if card is not None and ask.gpu_units:
        times = min(times, node.gpus[card] // ask.gpu_units)
    return times
