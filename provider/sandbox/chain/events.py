"""ABCI events, with attribute values exactly as a real node prints them.

A typed event carries its fields sorted by name, each value being JSON; every event of a message ends with `msg_index`
(chain-probes §3).
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
    """Collects the events of one tx, or of one of its messages when `msg_index` is set."""

    msg_index: int | None = None
    events: list[AbciEvent] = field(default_factory=list)

    def plain(self, type_: str, *attributes: tuple[str, str]) -> None:
        tail = [] if self.msg_index is None else [("msg_index", str(self.msg_index))]
        self.events.append(AbciEvent(type_, [*attributes, *tail]))

    def typed(self, type_: str, **fields: Any) -> None:
        """Values are messages, or text already in JSON form."""
        values = {k: v if isinstance(v, str) else go_json(v) for k, v in fields.items()}
        self.plain(type_, *sorted(values.items()))
