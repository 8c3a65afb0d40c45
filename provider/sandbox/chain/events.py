"""ABCI events, with attribute values exactly as a real node prints them.

A typed event carries its fields sorted by name, each value being JSON; every event ends with where it came from:
`msg_index` for a message, `mode` for the chain's own doing (chain-probes §3).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .codec import go_json


@dataclass(frozen=True, slots=True)
class AbciEvent:
    type: str
    attributes: list[tuple[str, str]]


@dataclass(slots=True)
class EventLog:
    """Collects events; `tail` is added to each: nothing for those of the ante checks."""

    tail: tuple[tuple[str, str], ...] = ()
    events: list[AbciEvent] = field(default_factory=list)

    def plain(self, type_: str, *attributes: tuple[str, str]) -> None:
        self.events.append(AbciEvent(type_, [*attributes, *self.tail]))

    def typed(self, type_: str, **fields: Any) -> None:
        """Values are messages, or text already in JSON form."""
        values = {k: v if isinstance(v, str) else go_json(v) for k, v in fields.items()}
        self.plain(type_, *sorted(values.items()))

    def within(self, index: int) -> EventLog:
        """An empty log for message `index` of an execution on behalf of others, which says so on each event."""
        return EventLog((("authz_msg_index", str(index)), *self.tail))


def of_message(index: int) -> EventLog:
    return EventLog((("msg_index", str(index)),))


def of_block(mode: str) -> EventLog:
    """`mode` is BeginBlock or EndBlock."""
    return EventLog((("mode", mode),))
