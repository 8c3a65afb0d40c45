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

The promise itself stays as it was made, whatever becomes of its nodes; tally.py says where it is counted then.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from bidengine.commit import Commit
from bidengine.footprint import unmatched
from bidengine.hold import Hold as Hold
from bidengine.hold import HoldState as HoldState
from bidengine.needs import leased_ips, needs, node_ports
from bidengine.node import Inventory
from bidengine.pack import pack
from bidengine.packing import Packing
from bidengine.placement import Placement, Slot
from bidengine.reasons import Decline, Reason
from bidengine.snapshot import Snapshot, copied
from bidengine.standing import standing
from bidengine.tally import Tally
from manifests.ids import LeaseID, OrderID
from manifests.resources import GroupSpec


class Room:
    """See the module's docstring for the guarantees."""

    def __init__(self, commit: Commit, packing: Packing | None = None) -> None:
        self.commit, self.packing = commit, packing or Packing()
        self.inventory = Inventory(())
        """the cluster as it was last seen, nothing promised"""
        self.changes = 0
        """grows whenever a promise is made, becomes a lease or ends, so that what is counted of them is counted anew"""
        self._holds: dict[OrderID, Hold] = {}
        self._tally = Tally(self.inventory, {}, self.commit, self.packing)

    @property
    def holds(self) -> Mapping[OrderID, Hold]:
        return MappingProxyType(self._holds)

    @property
    def missing(self) -> Mapping[OrderID, tuple[Slot, ...]]:
        """Slots that are promised and fit nowhere, by order: the cluster has shrunk below what was sold."""
        return {order: f.missing for order, f in self._tally.footprints.items() if f.missing}

    @property
    def _free(self) -> Snapshot:
        return self._tally.free

    def see(self, inventory: Inventory) -> None:
        """Take a new truth from the cluster and put all promises on it again."""
        self.inventory = inventory
        self._tally = Tally(inventory, self._holds, self.commit, self.packing)

    def fit(self, spec: GroupSpec, *, promised: bool = False) -> Placement | Decline:
        """Where the group would go. Promises nothing. What is `promised` already, on chain, may have the room that is
        kept for GPUs (packing.py)."""
        found = pack(spec, self._free, self.commit, promised=promised)
        if isinstance(found, Decline):
            return found
        placement, undo = found
        undo()
        return placement

    def hold(
        self, order: OrderID, spec: GroupSpec, placement: Placement, *, height: int, promised: bool = False
    ) -> Hold | Decline:
        """Set aside what `fit` found. A `Decline` (nothing is held) when it was taken by another meanwhile: fit
        again. An order that is held already keeps the placement it has."""
        if order in self._holds:
            return self._holds[order]
        hold = Hold(order, spec, placement, HoldState.HELD, height, why="a bid is being made")
        short = self._unstartable(hold) or self._short(hold, promised)
        if short is not None:
            return short
        self._put(hold)
        return hold

    def bid(self, order: OrderID, *, height: int | None = None, why: str = "bid sent") -> Hold | None:
        """The bid is under way or on chain. None when nothing is held for the order; a lease stays a lease."""
        hold = self._holds.get(order)
        if hold is not None and hold.state is HoldState.HELD:
            since = hold.since if height is None else height
            hold = replace(hold, state=HoldState.BID, since=since, why=why)
            self._holds[order] = hold
        return hold

    def lease(self, lease: LeaseID, *, height: int | None = None) -> Hold | None:
        """The bid was accepted. None when nothing is held: then `adopt`."""
        hold = self._holds.get(lease.order)
        if hold is not None and hold.state is not HoldState.LEASED:
            since = hold.since if height is None else height
            hold = replace(hold, state=HoldState.LEASED, since=since, lease=lease, why="bid accepted")
            self._note(hold)
        return hold

    def adopt(self, lease: LeaseID, spec: GroupSpec, *, height: int) -> Hold:
        """Keep a lease we have, after a restart or a take-over, whether it fits or not. Its placement is read from
        its pods; replicas without a pod go where they fit, or are `missing`. Narrow `spec` to the cards promised
        (offer.py) first."""
        known = self.lease(lease, height=height)
        if known is not None:
            return known
        placement = standing(
            needs(spec, self.commit, self.inventory.runtimes), self._tally.pods.get(lease.order, ()), self._free
        )
        hold = Hold(lease.order, spec, placement, HoldState.LEASED, height, lease, why="lease found on chain")
        self._put(hold)
        return hold

    def release(self, order: OrderID) -> None:
        """Promise no more. Pods that still run go on counting until the cluster no longer shows them."""
        if self._holds.pop(order, None) is not None:
            self.changes += 1
            self._tally.recount(order, None)

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

    def _note(self, hold: Hold) -> None:
        self._holds[hold.order] = hold
        self.changes += 1

    def _put(self, hold: Hold) -> None:
        self._note(hold)
        self._tally.recount(hold.order, hold)

    def _unstartable(self, hold: Hold) -> Decline | None:
        """A RuntimeClass may have gone since the placement was found, too."""
        runtimes = self.inventory.runtimes
        for slot in hold.placement.slots:
            runtime = runtimes.of(gpus=slot.ask.gpu_units, vendor=slot.gpu.vendor if slot.gpu is not None else "")
            if runtimes.lacks(runtime):
                return runtimes.decline(runtime)
        return None

    def _short(self, hold: Hold, promised: bool) -> Decline | None:
        """What keeps a placement from being held now: others have taken it since it was found. O(slots)."""
        pods = self._tally.pods.get(hold.order, ())
        slots = unmatched(hold.placement.slots, pods)
        free, taken, short = self._free, [], ""
        guarded = not promised and self.packing.guards(slot.ask for slot in hold.placement.slots)
        for slot in slots:
            if not free.fits(slot.node, slot.ask, slot.gpu, guarded=guarded):
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
