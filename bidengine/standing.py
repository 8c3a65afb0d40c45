"""The placement of a lease that exists already, read from its pods: for a restart, or a provider that is taken over."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from bidengine.footprint import distance
from bidengine.needs import Need
from bidengine.node import Ask, BoundPod
from bidengine.placement import Placement, Slot
from bidengine.snapshot import Snapshot
from manifests.gpus import GpuModel


def standing(asked: Sequence[Need], pods: Sequence[BoundPod], free: Snapshot) -> Placement:
    """A slot for every replica: on the node of its pod, else where it fits, else on no node (""). `free` is left as
    it was; it must count the pods already. Never fails."""
    left = list(pods)
    mine = {need.resource_id: _pick(need, left, _same, need.replicas) for need in asked}
    known = [need.ask for need in asked]
    strange = [pod for pod in left if not any(_same(ask, pod.ask) for ask in known)]
    for need in asked:
        # Requests made under another over-commit: the nearest of those nobody else explains.
        strange.sort(key=lambda pod: distance(need.ask, pod.ask))
        got = mine[need.resource_id]
        got += _pick(need, strange, _same_gpus, need.replicas - len(got))
    slots: list[Slot] = []
    taken: list[Slot] = []
    for need in asked:
        got = mine[need.resource_id]
        cards = _cards(need, got, free)
        known_card = cards[0] if len(cards) == 1 else None
        slots += [Slot(need.resource_id, pod.node, need.ask, pod.gpu or known_card) for pod in got]
        for _ in range(need.replicas - len(got)):
            found = anywhere(need.ask, cards, free)
            node, card = found or ("", cards[0] if len(cards) == 1 else None)
            slots.append(Slot(need.resource_id, node, need.ask, card))
            if found:
                cards = (card,)
                taken.append(slots[-1])
                free.take(node, need.ask, card)
    for slot in taken:
        free.give(slot.node, slot.ask, slot.gpu)
    return Placement(tuple(slots))


def anywhere(ask: Ask, cards: Iterable[GpuModel | None], free: Snapshot) -> tuple[str, GpuModel | None] | None:
    """The tightest node that fits one replica. Looks at nodes only: the bytes of its volumes may be claimed
    already."""
    for card in cards:
        for node in free.candidates(ask, card):
            return node.name, card
    return None


def _cards(need: Need, got: Sequence[BoundPod], free: Snapshot) -> tuple[GpuModel | None, ...]:
    if not need.ask.gpu_units:
        return (None,)
    running = next((pod.gpu for pod in got if pod.gpu is not None), None)
    return (running,) if running is not None else need.cards(free.cards)


def _pick(need: Need, left: list[BoundPod], like: Callable[[Ask, Ask], bool], most: int) -> list[BoundPod]:
    got = [
        pod
        for pod in left
        if like(need.ask, pod.ask) and (not need.ask.gpu_units or pod.gpu is None or need.accepts(pod.gpu))
    ][:most]
    for pod in got:
        left.remove(pod)
    return got


def _same(one: Ask, other: Ask) -> bool:
    return _same_gpus(one, other) and (one.cpu_milli, one.memory_bytes, one.ephemeral_bytes) == (
        other.cpu_milli,
        other.memory_bytes,
        other.ephemeral_bytes,
    )


def _same_gpus(one: Ask, other: Ask) -> bool:
    return one.gpu_units == other.gpu_units
