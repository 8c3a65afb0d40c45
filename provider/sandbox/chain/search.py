"""The little query language of CometBFT: `tm.event='Tx' AND transfer.sender='x' AND tx.height>=5` (chain.md §3.5).

Conditions are joined by AND only; =, <, <=, >, >=, CONTAINS and EXISTS; values are quoted text or bare numbers. The
same language picks subscriptions and searches transactions.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from .app import TxAnswer
from .events import AbciEvent

Composite = Mapping[str, Sequence[str]]
"""`{"transfer.sender": ["akash1…", …], …}`"""


class QueryInvalid(Exception):
    """The text is not in the language."""


@dataclass(frozen=True, slots=True)
class Condition:
    key: str
    op: str
    value: str | int | None

    def holds(self, events: Composite) -> bool:
        found = events.get(self.key)
        if found is None:
            return False
        if self.op == "EXISTS":
            return True
        return any(self._fits(text) for text in found)

    def _fits(self, text: str) -> bool:
        if self.op == "CONTAINS":
            return str(self.value) in text
        if isinstance(self.value, str):
            return self.op == "=" and text == self.value
        digits = re.match(r"-?\d+", text)  # "5uakt" compares as 5
        if digits is None or self.value is None:
            return False
        number = int(digits[0])
        return {
            "=": number == self.value,
            "<": number < self.value,
            "<=": number <= self.value,
            ">": number > self.value,
            ">=": number >= self.value,
        }[self.op]


_CONDITION = re.compile(
    r"""\s*(?P<key>[\w./\-]+)\s*(?:(?P<exists>EXISTS)|(?P<op><=|>=|=|<|>|CONTAINS)\s*(?:'(?P<text>[^']*)'|(?P<number>-?\d+)))\s*"""
)
_AND = re.compile(r"AND\b")


def parse(query: str) -> tuple[Condition, ...]:
    """QueryInvalid says where the text stops making sense."""
    out, at = [], 0
    while True:
        found = _CONDITION.match(query, at)
        if found is None:
            raise QueryInvalid(f"failed to parse query: {query!r} at offset {at}")
        number = found["number"]
        value = int(number) if number is not None else found["text"]
        out.append(Condition(found["key"], "EXISTS" if found["exists"] else found["op"], value))
        at = found.end()
        if at == len(query):
            return tuple(out)
        joined = _AND.match(query, at)
        if joined is None:
            raise QueryInvalid(f"failed to parse query: {query!r} at offset {at}")
        at = joined.end()


def matches(conditions: Iterable[Condition], events: Composite) -> bool:
    return all(c.holds(events) for c in conditions)


def composite(events: Iterable[AbciEvent], **more: str) -> dict[str, list[str]]:
    """The flat form of events; `tm_event="Tx"` adds "tm.event"."""
    out: dict[str, list[str]] = {k.replace("_", "."): [v] for k, v in more.items()}
    for event in events:
        for key, value in event.attributes:
            out.setdefault(f"{event.type}.{key}", []).append(value)
    return out


def composite_of_tx(answer: TxAnswer, tx_hash: str, height: int) -> dict[str, list[str]]:
    return composite(answer.events, tm_event="Tx", tx_hash=tx_hash, tx_height=str(height))
