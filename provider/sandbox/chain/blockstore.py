"""The blocks that were: what was in them, when they were, and where a transaction is.

Empty heights that were skipped in one go are kept as one gap and made up when asked for, so fast-forwarding costs
nothing. Hashes are not a light client's: each is a digest of chain, fork and height, unbroken from block to block,
and another fork's never equal.
"""

from __future__ import annotations

import hashlib
import os
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from .app import TxAnswer
from .events import AbciEvent
from .search import Condition, composite, composite_of_tx, matches


class HeightUnavailable(Exception):
    """No such block here, in the words of CometBFT (chain-probes.md §2)."""


@dataclass(frozen=True, slots=True)
class Block:
    height: int
    time_unix_ns: int
    txs: tuple[bytes, ...] = ()
    results: tuple[TxAnswer, ...] = ()
    events: tuple[AbciEvent, ...] = ()

    def doubled(self) -> Block:
        """The same with every event twice."""
        results = tuple(replace(r, events=[event for event in r.events for _ in (0, 1)]) for r in self.results)
        return replace(self, results=results, events=tuple(event for event in self.events for _ in (0, 1)))


@dataclass(frozen=True, slots=True)
class IncludedTx:
    hash: str
    """upper-case hex"""
    height: int
    index: int
    tx: bytes
    result: TxAnswer


@dataclass(frozen=True, slots=True)
class _Gap:
    first: int
    last: int
    first_time_ns: int
    step_ns: int


@dataclass(slots=True)
class BlockStore:
    chain_id: str
    fork: bytes = field(default_factory=lambda: os.urandom(8))
    """tells a chain from the one that was started anew with the same name"""
    _lowest: int | None = None
    _blocks: dict[int, Block] = field(default_factory=dict)
    _gaps: list[_Gap] = field(default_factory=list)
    _txs: dict[str, IncludedTx] = field(default_factory=dict)

    def add(self, block: Block) -> None:
        self._blocks[block.height] = block
        self._lowest = min(self._lowest or block.height, block.height)
        for index, (tx, result) in enumerate(zip(block.txs, block.results, strict=True)):
            included = IncludedTx(tx_hash(tx), block.height, index, tx, result)
            self._txs[included.hash] = included

    def skip(self, first: int, last: int, first_time_ns: int, step_ns: int) -> None:
        """Heights first..last were empty, `step_ns` apart."""
        self._gaps.append(_Gap(first, last, first_time_ns, step_ns))
        self._lowest = min(self._lowest or first, first)

    @property
    def first(self) -> int | None:
        """The lowest height there is."""
        return self._lowest

    def get(self, height: int) -> Block | None:
        found = self._blocks.get(height)
        if found is not None:
            return found
        at = bisect_right(self._gaps, height, key=lambda g: g.first) - 1
        if at < 0 or height > self._gaps[at].last:
            return None
        gap = self._gaps[at]
        return Block(height, gap.first_time_ns + (height - gap.first) * gap.step_ns)

    def tx(self, hash_: str) -> IncludedTx | None:
        return self._txs.get(hash_.upper())

    def search(self, conditions: Sequence[Condition], *, lowest: int, highest: int) -> Iterator[IncludedTx]:
        """Transactions of heights lowest..highest that match, oldest first."""
        named = [c.value for c in conditions if c.key == "tx.hash" and c.op == "="]
        candidates = (
            [self._txs[str(h).upper()] for h in named[:1] if str(h).upper() in self._txs]
            if named
            else self._txs.values()
        )
        for tx in candidates:
            if lowest <= tx.height <= highest and matches(
                _upper(conditions), composite_of_tx(tx.result, tx.hash, tx.height)
            ):
                yield tx

    def search_blocks(self, conditions: Sequence[Condition], *, lowest: int, highest: int) -> Iterator[Block]:
        """Blocks of heights lowest..highest whose own events or height match, lowest first. Among heights skipped in
        one go only those are found that are named.
        """
        named = [c.value for c in conditions if c.key == "block.height" and c.op == "=" and isinstance(c.value, int)]
        for height in named[:1] or sorted(self._blocks):
            block = self.get(height)
            if block is not None and lowest <= height <= highest:
                found = composite(block.events) | {"block.height": [str(height)]}
                if matches(conditions, found):
                    yield block

    def digest(self, height: int, what: str = "block") -> bytes:
        """32 bytes that stand for `what` at this height."""
        return hashlib.sha256(
            b"|".join((self.chain_id.encode(), self.fork, str(height).encode(), what.encode()))
        ).digest()


def tx_hash(tx: bytes) -> str:
    return hashlib.sha256(tx).hexdigest().upper()


def _upper(conditions: Sequence[Condition]) -> list[Condition]:
    """A hash may be written in either case."""
    return [
        Condition(c.key, c.op, str(c.value).upper()) if c.key == "tx.hash" and c.op == "=" else c for c in conditions
    ]
