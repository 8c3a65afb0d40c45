"""How much of the cluster is leased: cores, and cards by model. Bids that wait for an answer are neither leased nor
lost; they count as capacity."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from bidengine.autoprice import CPU, Load, subject_of
from bidengine.room import HoldState, Room


def loads(room: Room) -> Mapping[str, Load]:
    """By subject: "cpu" in milli, "vendor/model" in cards."""
    leased: Counter[str] = Counter()
    held: Counter[str] = Counter()
    for hold in room.holds.values():
        for slot in hold.placement.slots:
            asked = {CPU: slot.ask.cpu_milli}
            if slot.gpu is not None:
                asked[subject_of(slot.gpu)] = slot.ask.gpu_units
            held.update(asked)
            if hold.state is HoldState.LEASED:
                leased.update(asked)
    for node in room.free().nodes:
        held[CPU] += node.cpu_milli
        for card, units in node.gpus.items():
            held[subject_of(card)] += units
    return {subject: Load(leased[subject], total) for subject, total in held.items()}
