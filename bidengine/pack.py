"""Place a whole group on what is free, or say what is short. Ask, take, and hand back the undo.

The unit that is hardest to place goes first, each on the nodes the packing wants filled first (packing.py); work
without GPUs keeps off GPU nodes while others have room. All replicas of a unit get one card: where several would do,
the most plentiful one first, so that rare ones stay for those who ask for them. A unit that finds no room goes first in
another try; beyond that there is no search, and a group that needs one is declined.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from bidengine.commit import Commit
from bidengine.needs import Need, leased_ips, needs, node_ports, startable
from bidengine.node import Node
from bidengine.placement import Placement, Slot
from bidengine.reasons import Decline
from bidengine.shortage import apart, kept_for_gpus, shortage
from bidengine.snapshot import Snapshot
from manifests.gpus import GpuModel
from manifests.resources import GroupSpec

Undo = Callable[[], None]
_Taken = tuple[Need, str, int, GpuModel | None]
"""need, node, how many replicas on it, card"""


def pack(
    spec: GroupSpec, free: Snapshot, commit: Commit, *, promised: bool = False
) -> tuple[Placement, Undo] | Decline:
    """Take room for every replica of `spec` from `free`. Returns where they go and how to give it all back, or a
    `Decline` with `free` as it was. Calling the undo again does nothing. What is `promised` already may have the room
    that is kept for GPUs."""
    asked = startable(needs(spec, commit, free.runtimes), free.runtimes)
    short = shortage(spec, asked, free)
    if short is not None:
        return short
    guarded = not promised and free.packing.guards(need.ask for need in asked)
    taken = _take_all(asked, free, guarded=guarded)
    if taken is None and guarded and (would := _take_all(asked, free, guarded=False)) is not None:
        _give_back(would, free)
        return kept_for_gpus(free)
    if taken is None:
        return apart(asked, free)
    ports, ips = node_ports(spec), leased_ips(spec)
    free.node_ports -= ports
    free.leased_ips -= ips
    placement = _placement(asked, taken)

    def undo() -> None:
        nonlocal ports, ips
        _give_back(taken, free)
        free.node_ports += ports
        free.leased_ips += ips
        ports = ips = 0

    return placement, undo


def _take_all(asked: Sequence[Need], free: Snapshot, *, guarded: bool) -> list[_Taken] | None:
    order = sorted(asked, key=lambda n: _hardest_first(n, free))
    for _ in order:
        taken: list[_Taken] = []
        for need in order:
            found = _place(need, free, guarded=guarded)
            if found is None:
                break
            for entry in found:
                _take(entry, free, 1)
            taken += found
        else:
            return taken
        _give_back(taken, free)
        if need is order[0]:
            return None
        order = [need, *(other for other in order if other is not need)]
    return None


def _give_back(taken: list[_Taken], free: Snapshot) -> None:
    for entry in taken:
        _take(entry, free, -1)
    taken.clear()


def _take(entry: _Taken, free: Snapshot, sign: int) -> None:
    need, node, replicas, card = entry
    free.take(node, need.ask, card, sign * replicas)
    free.store((c, sign * quantity * replicas) for c, quantity in need.ask.volumes)


def _hardest_first(need: Need, free: Snapshot) -> tuple[int, int, int, int, int]:
    ask = need.ask
    if ask.gpu_units:
        return 0, len(need.cards(free.cards)), -ask.gpu_units, -ask.memory_bytes, -ask.cpu_milli
    return 1, -len(ask.volumes), 0, -ask.memory_bytes, -ask.cpu_milli


def _place(need: Need, free: Snapshot, *, guarded: bool) -> list[_Taken] | None:
    if not free.stores(need.ask, need.replicas):
        return None
    choices: list[GpuModel | None] = [None]
    if need.ask.gpu_units:
        enough = [card for card in need.cards(free.cards) if free.cards[card] >= need.ask.gpu_units * need.replicas]
        choices = [*sorted(enough, key=lambda card: (-free.cards[card], card))]
    for card in choices:
        found = _fill(need, card, free, guarded=guarded)
        if found is not None:
            return [(need, node.name, replicas, card) for node, replicas in found]
    return None


def _fill(need: Need, card: GpuModel | None, free: Snapshot, *, guarded: bool) -> list[tuple[Node, int]] | None:
    """Replicas for the nodes in their order: as many as a node takes, or, where they are to be spread, one to each
    and a second one only when nodes run out."""
    left, found, most = need.replicas, [], []
    for node in free.candidates(need.ask, card, guarded=guarded):
        times = free.times(node, need.ask, card, guarded=guarded)
        replicas = min(left, 1 if free.packing.spreads else times)
        found.append((node, replicas))
        most.append(times)
        left -= replicas
        if not left:
            return found
    if left > sum(most) - sum(replicas for _, replicas in found):
        return None
    while left:
        for at, (node, replicas) in enumerate(found):
            if left and replicas < most[at]:
                found[at] = (node, replicas + 1)
                left -= 1
    return found


def _placement(asked: Sequence[Need], taken: list[_Taken]) -> Placement:
    order = {need.resource_id: at for at, need in enumerate(asked)}
    slots: list[Slot] = []
    for need, node, replicas, card in sorted(taken, key=lambda t: order[t[0].resource_id]):
        slots += [Slot(need.resource_id, node, need.ask, card)] * replicas
    return Placement(tuple(slots))
