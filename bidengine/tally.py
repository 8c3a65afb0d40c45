"""What is left of a cluster once every pod and every promise is counted, and what each order's part in that is.

A promise names nodes, and nodes vanish, or others take their room: a pod of somebody else, or of a lease that the
scheduler put elsewhere than planned. Such a slot is counted on any node where it fits, so that what it will really take
is not sold once more. If there is none it is `missing`; while its node is there it is counted on that all the same, so
that nothing more is sold there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from bidengine.commit import Commit
from bidengine.footprint import Footprint, claimed, unmatched
from bidengine.hold import Hold
from bidengine.needs import leased_ips, needs, node_ports
from bidengine.node import Ask, BoundPod, Inventory
from bidengine.packing import Packing
from bidengine.placement import Slot
from bidengine.snapshot import Snapshot
from bidengine.standing import anywhere
from manifests.gpus import GpuModel
from manifests.ids import OrderID


class Tally:
    """Made anew for each inventory; `recount` follows the promises in between. Equal promises on an equal inventory
    give equal figures, whatever came before."""

    def __init__(self, inventory: Inventory, holds: Mapping[OrderID, Hold], commit: Commit, packing: Packing) -> None:
        self.free = Snapshot(
            inventory.nodes,
            inventory.storage_bytes,
            inventory.node_ports,
            inventory.leased_ips,
            packing,
            inventory.same_storage,
            inventory.runtimes,
        )
        self.pods: dict[OrderID, tuple[BoundPod, ...]] = {
            lease.order: pods for lease, pods in inventory.lease_pods.items()
        }
        self.footprints: dict[OrderID, Footprint] = {}
        self._claims = {lease.order: claims for lease, claims in inventory.lease_claims.items()}
        self._commit = commit
        for order in {**self.pods, **self._claims, **holds}:
            self._seen(order, holds.get(order))
        # What stands on its node first: only then is it known where the others still fit.
        senior = sorted(holds.values(), key=lambda hold: hold.seniority)
        waiting = [(hold, self._stay(hold)) for hold in senior]
        for hold, slots in waiting:
            self._move(hold, slots)

    def recount(self, order: OrderID, hold: Hold | None) -> None:
        """The promise for an order is made, or given up (None)."""
        self._add(self.footprints.pop(order, Footprint()), -1)
        self._seen(order, hold)
        if hold is not None:
            self._move(hold, self._stay(hold))

    def _seen(self, order: OrderID, hold: Hold | None) -> None:
        """Count what does not depend on where others are: pods and claims, ports and addresses."""
        pods, claims = self.pods.get(order, ()), self._claims.get(order, {})
        places = tuple((p.node, p.ask, self._card_on(p.node, p.ask, p.gpu)) for p in pods)
        if hold is None:
            seen = Footprint(places, claimed((), claims))
        else:
            storage = claimed(hold.placement.slots, claims, self.free.same_storage)
            seen = Footprint(places, storage, node_ports(hold.spec), leased_ips(hold.spec))
        self._add(seen, 1)
        self.footprints[order] = seen

    def _stay(self, hold: Hold) -> list[Slot]:
        """Count the slots that no pod stands for on their nodes; returns those that do not fit there."""
        left = []
        for slot in unmatched(hold.placement.slots, self.pods.get(hold.order, ())):
            card = self._card_on(slot.node, slot.ask, slot.gpu)
            if self.free.fits_on(slot.node, slot.ask, card):
                self._count(hold.order, slot, slot.node, card)
            else:
                left.append(slot)
        return left

    def _move(self, hold: Hold, slots: Iterable[Slot]) -> None:
        """Count slots where they fit, one after the other, on what the ones before have left."""
        for slot in slots:
            found = anywhere(slot.ask, self._cards_for(slot, hold), self.free)
            if found is not None:
                self._count(hold.order, slot, *found)
                continue
            if slot.node in self.free.nodes:
                self._count(hold.order, slot, slot.node, self._card_on(slot.node, slot.ask, slot.gpu))
            seen = self.footprints[hold.order]
            self.footprints[hold.order] = replace(seen, missing=(*seen.missing, slot))

    def _count(self, order: OrderID, slot: Slot, node: str, card: GpuModel | None) -> None:
        self.free.take(node, slot.ask, card)
        seen = self.footprints[order]
        self.footprints[order] = replace(seen, places=(*seen.places, (node, slot.ask, card)))

    def _cards_for(self, slot: Slot, hold: Hold) -> Iterable[GpuModel | None]:
        if slot.ask.gpu_units and slot.gpu is None:
            need = next(
                n for n in needs(hold.spec, self._commit, self.free.runtimes) if n.resource_id == slot.resource_id
            )
            return need.cards(self.free.cards)
        return (slot.gpu,)

    def _card_on(self, name: str, ask: Ask, card: GpuModel | None) -> GpuModel | None:
        """The card to count on a node: the one named, or when the node does not have it (its labels have changed, or
        the pod could not tell) the one it has most of, so that no GPU is sold twice."""
        node = self.free.nodes.get(name) if ask.gpu_units else None
        if node is None or not node.gpus or card in node.gpus:
            return card
        return max(node.gpus, key=lambda c: node.gpus[c])

    def _add(self, footprint: Footprint, sign: int) -> None:
        for node, ask, card in footprint.places:
            self.free.take(node, ask, card, sign)
        self.free.store((c, sign * quantity) for c, quantity in footprint.storage)
        self.free.node_ports -= sign * footprint.node_ports
        self.free.leased_ips -= sign * footprint.leased_ips
