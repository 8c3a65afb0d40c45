"""Transactions that have left: blocks tell what became of them. Pure.

A transaction is void once block time has passed its timeout, which the chain compares with `<=`; so a block later than
that without it is certain news (chain-probes.md, recorded scenarios 26).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from provider.chain.events import Block, TxResult
from provider.chain.tx.outbox import Item

PUSH_EVERY = 2
"""blocks; mempools lose transactions (chain.md §4.5)"""


@dataclass(slots=True, eq=False)
class Flight:
    hash: str
    tx: bytes
    items: list[Item]
    timeout_unix_ns: int
    pushed_at: int
    """height of the last broadcast"""
    left_s: float
    """the loop's time when it first left"""
    accepted: bool = False
    """some node has said so"""
    fee: int = 0
    """micro-units of uakt"""
    seats: tuple[Item | None, ...] = ()
    """where not every message is one of `items`: all of them in their order, None for one that this daemon does not
    know"""

    def blamed(self, index: int | None) -> list[Item]:
        """Whom a refusal is about that names the message of this index; [] when that is not known."""
        seats = self.seats or self.items
        if len(seats) == 1:
            index = 0
        found = seats[index] if index is not None and index < len(seats) else None
        return [found] if found is not None else []


class Flights:
    def __init__(self) -> None:
        self._by_hash: dict[str, Flight] = {}

    def __len__(self) -> int:
        return len(self._by_hash)

    def __iter__(self) -> Iterator[Flight]:
        return iter(list(self._by_hash.values()))

    def __contains__(self, flight: Flight) -> bool:
        return flight.hash in self._by_hash

    @property
    def uncertain(self) -> bool:
        """Some flight was accepted by nobody yet."""
        return any(not f.accepted for f in self._by_hash.values())

    def add(self, flight: Flight) -> None:
        self._by_hash[flight.hash] = flight

    def remove(self, flight: Flight) -> None:
        self._by_hash.pop(flight.hash, None)

    def land(self, block: Block) -> list[tuple[Flight, TxResult | None]]:
        """Those the block includes, with their result, and those it proves void, with None."""
        out: list[tuple[Flight, TxResult | None]] = []
        for result in block.txs:
            flight = self._by_hash.pop(result.hash, None)
            if flight is not None:
                out.append((flight, result))
        for flight in self:
            if flight.timeout_unix_ns < block.time_unix_ns:
                self.remove(flight)
                out.append((flight, None))
        return out

    def due(self, height: int) -> list[Flight]:
        """Those to broadcast again."""
        return [f for f in self if not f.accepted or height - f.pushed_at >= PUSH_EVERY]
