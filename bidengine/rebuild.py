"""After a restart: promise again what the chain says we have promised.

Leases come first and are kept whatever happens. Then our open bids, oldest first, on the cards their offers name. A
bid that the cluster can no longer keep is handed back with the reason: it must be closed before a tenant accepts it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bidengine.offer import narrowed
from bidengine.reasons import Decline
from bidengine.room import Room
from bidengine.views import Bid, Lease, ResourceOffer
from manifests.resources import GroupSpec


def rebuild(
    room: Room,
    leases: Iterable[tuple[Lease, GroupSpec, Sequence[ResourceOffer]]],
    bids: Iterable[tuple[Bid, GroupSpec]],
) -> tuple[tuple[Bid, Decline], ...]:
    """Fill a room that has seen the cluster. A lease comes with its group and the offer of the bid it was; closed
    leases and bids that are not open are passed over. Returns the bids that do not fit any more. Safe to repeat."""
    for lease, spec, offer in sorted(leases, key=lambda entry: (entry[0].created_at, entry[0].id)):
        if lease.live:
            room.adopt(lease.id, narrowed(spec, offer), height=lease.created_at)
    unkept = []
    for bid, spec in sorted(bids, key=lambda entry: (entry[0].created_at, entry[0].id)):
        if bid.state != "open" or bid.id.order in room.holds:
            continue
        wanted = narrowed(spec, bid.offer)
        found = room.fit(wanted, promised=True)
        if not isinstance(found, Decline):
            held = room.hold(bid.id.order, wanted, found, height=bid.created_at, promised=True)
            found = held if isinstance(held, Decline) else found
        if isinstance(found, Decline):
            unkept.append((bid, found))
        else:
            room.bid(bid.id.order, height=bid.created_at, why="bid found on chain")
    return tuple(unkept)
