"""How much is sold, and of what: gauges by node, read from the promises and the cluster when Prometheus asks. Pure.

A promise counts on the node it was made for. The idle figures are Room's own, so they are what the next order sees.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator

from bidengine.node import Inventory
from bidengine.room import Hold, HoldState
from provider.cluster.inventory.survey import NodeReport
from provider.metrics import Sample

KINDS = ("cpu_milli", "memory_bytes", "ephemeral_bytes")


def sold_out(holds: Collection[Hold], free: Inventory, nodes: Iterable[NodeReport]) -> Iterator[Sample]:
    """`free` is what Room has left, `nodes` are all nodes of the cluster."""
    for kept in HoldState:
        yield "akp_reservations", {"state": kept.value}, sum(hold.state is kept for hold in holds)
    amounts: Counter[tuple[str, str, str]] = Counter()
    cards: Counter[tuple[str, str, str]] = Counter()
    for hold in holds:
        state = "sold" if hold.state is HoldState.LEASED else "reserved"
        for slot in hold.placement.slots:
            for kind in KINDS:
                amounts[kind, slot.node, state] += getattr(slot.ask, kind)
            if slot.gpu is not None:
                cards[slot.gpu.key(), slot.node, state] += slot.ask.gpu_units
    for node in free.nodes:
        for kind in KINDS:
            amounts[kind, node.name, "idle"] = getattr(node, kind)
        for card, units in node.gpus.items():
            cards[card.key(), node.name, "idle"] += units
    for report in nodes:
        for gpu in report.gpus:
            model = gpu.model.key() if gpu.model is not None else gpu.resource
            well = gpu.offered if gpu.why_not or report.why_not else 0
            for state, units in (("sick", gpu.sick), ("unsold", well)):
                if units:
                    cards[model, report.name, state] += units
    for (kind, name, state), amount in sorted(amounts.items()):
        yield "akp_resource", {"kind": kind, "node": name, "state": state}, amount
    for (model, name, state), units in sorted(cards.items()):
        yield "akp_gpu", {"model": model, "node": name, "state": state}, units
