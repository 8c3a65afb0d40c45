"""What can still be promised: the cluster as it was last seen, less every promise we have made.

Guarantees, each with a test:

* `fit` leaves no trace; two fits in a row give the same answer.
* An order is counted once, whatever is called how often: `hold`, `bid`, `lease`, `adopt` and `release` are idempotent.
* A lease is counted exactly once: a replica by its pod when it runs, by its slot until then (footprint.py; product.md
  D8).
* `see` changes what is true, never what is promised; after it the figures equal those of a fresh Room with the same
  holds.
* `release` gives room back at once, without waiting for the cluster to say anything (bidengine-inventory.md W-15).
* Figures shown are never below zero; a deficit is kept inside, so that giving back restores exactly.

The subtle part: a promise names a node, and nodes vanish. Its slots are then counted on any node where they fit, anew
at each `see`, and if there is none they are `missing`; the promise itself stays as it was made.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType

from bidengine.commit import Commit
from bidengine.footprint import Footprint, claimed, unmatched
from bidengine.needs import leased_ips, needs, node_ports
from bidengine.node import BoundPod, Inventory
from bidengine.pack import pack
from bidengine.placement import Placement, Slot
from bidengine.reasons import Decline, Reason
from bidengine.snapshot import Snapshot, copied
from bidengine.standing import anywhere, standing
from manifests.gpus import GpuModel
from manifests.ids import LeaseID, OrderID
from manifests.resources import GroupSpec


class HoldState(StrEnum):
    HELD = "held"
    """room is set aside, no bid has been sent"""
    BID = "bid"
    """a bid has been sent or is on chain"""
    LEASED = "leased"


@dataclass(frozen=True, slots=True)
class Hold:
    """One promise. `since` is the height at which it came into its state."""

    order: OrderID
    spec: GroupSpec
    placement: Placement
    state: HoldState
    since: int
    lease: LeaseID | None = None


class Room:
    """See the module's docstring for the guarantees."""

    def __init__(self, commit: Commit) -> None:
        self.commit = commit
        self._inventory = Inventory(())
        self._pods: dict[OrderID, tuple[BoundPod, ...]] = {}
        self._claims: dict[OrderID, Mapping[str, int]] = {}
        self._free = Snapshot()
        self._holds: dict[OrderID, Hold] = {}
        self._footprints: dict[OrderID, Footprint] = {}

    @property
    def holds(self) -> Mapping[OrderID, Hold]:
        return MappingProxyType(self._holds)

    @property
    def missing(self) -> Mapping[OrderID, tuple[Slot, ...]]:
        """Slots that are promised and fit nowhere, by order: the cluster has shrunk below what was sold."""
        return {order: f.missing for order, f in self._footprints.items() if f.missing}

    def see(self, inventory: Inventory) -> None:
        """Take a new truth from the cluster and put all promises on it again."""
        self._inventory = inventory
        self._pods = {lease.order: pods for lease, pods in inventory.lease_pods.items()}
        self._claims = {lease.order: claims for lease, claims in inventory.lease_claims.items()}
        self._free = Snapshot(inventory.nodes, inventory.storage_bytes, inventory.node_ports, inventory.leased_ips)
        self._footprints = {}
        settled = [o for o in {**self._pods, **self._claims, **self._holds} if not self._homeless(o)]
        # What stands on a node first: only then is it known where the homeless still fit. Among them leases go first.
        homeless = sorted((o for o in self._holds if self._homeless(o)), key=self._seniority)
        for order in (*settled, *homeless):
            self._count(order)

    def fit(self, spec: GroupSpec) -> Placement | Decline:
        """Where the group would go. Promises nothing."""
        found = pack(spec, self._free, self.commit)
        if isinstance(found, Decline):
            return found
        placement, undo = found
        undo()
        return placement

    def hold(self, order: OrderID, spec: GroupSpec, placement: Placement, *, height: int) -> Hold | Decline:
        """Set aside what `fit` found. A `Decline` (nothing is held) when it was taken by another meanwhile: fit
        again. An order that is held already keeps the placement it has."""
        if order in self._holds:
            return self._holds[order]
        hold = Hold(order, spec, placement, HoldState.HELD, height)
        short = self._short(hold)
        if short is not None:
            return short
        self._put(hold)
        return hold

    def bid(self, order: OrderID, *, height: int | None = None) -> Hold | None:
        """The bid has been sent. None when nothing is held for the order; a lease stays a lease."""
        hold = self._holds.get(order)
        if hold is not None and hold.state is HoldState.HELD:
            hold = replace(hold, state=HoldState.BID, since=hold.since if height is None else height)
            self._holds[order] = hold
        return hold

    def lease(self, lease: LeaseID, *, height: int | None = None) -> Hold | None:
        """The bid was accepted. None when nothing is held: then `adopt`."""
        hold = self._holds.get(lease.order)
        if hold is not None and hold.state is not HoldState.LEASED:
            since = hold.since if height is None else height
            hold = replace(hold, state=HoldState.LEASED, since=since, lease=lease)
            self._holds[lease.order] = hold
        return hold

    def adopt(self, lease: LeaseID, spec: GroupSpec, *, height: int) -> Hold:
        """Keep a lease we have, after a restart or a take-over, whether it fits or not. Its placement is read from
        its pods; replicas without a pod go where they fit, or are `missing`. Narrow `spec` to the cards promised
        (offer.py) first."""
        known = self.lease(lease, height=height)
        if known is not None:
            return known
        placement = standing(needs(spec, self.commit), self._pods.get(lease.order, ()), self._free)
        hold = Hold(lease.order, spec, placement, HoldState.LEASED, height, lease)
        self._put(hold)
        return hold

    def release(self, order: OrderID) -> None:
        """Promise no more. Pods that still run go on counting until the cluster no longer shows them."""
        if self._holds.pop(order, None) is not None:
            self._recount(order)

    def free(self) -> Inventory:
        """What is left, for status: copies, nothing below zero, without pods and claims."""
        nodes = []
        for node in self._free.nodes.values():
            shown = copied(node)
            shown.cpu_milli, shown.memory_bytes = max(0, node.cpu_milli), max(0, node.memory_bytes)
            shown.ephemeral_bytes, shown.pods = max(0, node.ephemeral_bytes), max(0, node.pods)
            shown.gpus = {card: max(0, units) for card, units in node.gpus.items()}
            nodes.append(shown)
        return Inventory(
            nodes=tuple(nodes),
            storage_bytes={c: max(0, quantity) for c, quantity in self._free.storage_bytes.items()},
            node_ports=max(0, self._free.node_ports),
            leased_ips=max(0, self._free.leased_ips),
        )

    def _put(self, hold: Hold) -> None:
        self._holds[hold.order] = hold
        self._recount(hold.order)

    def _recount(self, order: OrderID) -> None:
        self._add(self._footprints.pop(order, Footprint()), -1)
        self._count(order)

    def _count(self, order: OrderID) -> None:
        hold, pods, claims = self._holds.get(order), self._pods.get(order, ()), self._claims.get(order, {})
        seen = Footprint(tuple((p.node, p.ask, self._card_on(p.node, p.gpu)) for p in pods), claimed((), claims))
        if hold is not None:
            slots = hold.placement.slots
            seen = replace(
                seen,
                storage=claimed(slots, claims),
                node_ports=node_ports(hold.spec),
                leased_ips=leased_ips(hold.spec),
            )
        self._add(seen, 1)
        places, missing = list(seen.places), []
        for slot in unmatched(hold.placement.slots, pods) if hold is not None else ():
            place = self._place_of(slot, hold)
            if place is None:
                missing.append(slot)
                continue
            # One after the other, on what the ones before have left.
            self._free.take(place[0], slot.ask, place[1])
            places.append((place[0], slot.ask, place[1]))
        self._footprints[order] = replace(seen, places=tuple(places), missing=tuple(missing))

    def _place_of(self, slot: Slot, hold: Hold | None) -> tuple[str, GpuModel | None] | None:
        if slot.node in self._free.nodes:
            return slot.node, self._card_on(slot.node, slot.gpu)
        cards: Iterable[GpuModel | None] = (slot.gpu,)
        if slot.ask.gpu_units and slot.gpu is None and hold is not None:
            need = next(n for n in needs(hold.spec, self.commit) if n.resource_id == slot.resource_id)
            cards = need.cards(self._free.cards)
        return anywhere(slot.ask, cards, self._free)

    def _card_on(self, name: str, card: GpuModel | None) -> GpuModel | None:
        """The card to count on a node: the one named, or when the node does not have it (its labels have changed, or
        the pod could not tell) the one it has most of, so that no GPU is sold twice."""
        node = self._free.nodes.get(name)
        if node is None or not node.gpus or card in node.gpus:
            return card
        return max(node.gpus, key=lambda c: node.gpus[c])

    def _add(self, footprint: Footprint, sign: int) -> None:
        for node, ask, card in footprint.places:
            self._free.take(node, ask, card, sign)
        self._free.store((c, sign * quantity) for c, quantity in footprint.storage)
        self._free.node_ports -= sign * footprint.node_ports
        self._free.leased_ips -= sign * footprint.leased_ips

    def _short(self, hold: Hold) -> Decline | None:
        """What keeps a placement from being held now: others have taken it since it was found. O(slots)."""
        pods = self._pods.get(hold.order, ())
        slots = unmatched(hold.placement.slots, pods)
        free, taken, short = self._free, [], ""
        for slot in slots:
            if not free.fits(slot.node, slot.ask, slot.gpu):
                short = f"no room on node {slot.node} for unit {slot.resource_id}"
                break
            free.take(slot.node, slot.ask, slot.gpu)
            free.store(slot.ask.volumes)
            taken.append(slot)
        for slot in taken:
            free.give(slot.node, slot.ask, slot.gpu)
            free.store((c, -quantity) for c, quantity in slot.ask.volumes)
        reason = Reason.NO_NODE_FIT
        if not short and node_ports(hold.spec) > free.node_ports:
            reason, short = Reason.NO_NODE_PORT, "no node ports left"
        if not short and leased_ips(hold.spec) > free.leased_ips:
            reason, short = Reason.NO_IP, "no leased IPs left"
        return Decline(reason, f"taken by another order meanwhile: {short}", final=False) if short else None

    def _homeless(self, order: OrderID) -> bool:
        hold = self._holds.get(order)
        return hold is not None and any(s.node not in self._free.nodes for s in hold.placement.slots)

    def _seniority(self, order: OrderID) -> tuple[int, int, OrderID]:
        hold = self._holds[order]
        return (HoldState.LEASED, HoldState.BID, HoldState.HELD).index(hold.state), hold.since, order
