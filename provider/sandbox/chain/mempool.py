"""Transactions waiting for a block, as CometBFT keeps them (chain.md §4.5).

- What CheckTx refuses is not remembered: the same bytes may come again.
- What was accepted is: the same bytes are "tx already exists in cache", waiting or included, until the cache forgets.
- What a block included with a failure is forgotten again.
- After each block everything that still waits is checked anew; what no longer passes is dropped and forgotten.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Sequence

from .app import TxAnswer


class MempoolError(Exception):
    """A refusal that no CheckTx has seen. `code` is what gRPC makes of it in codespace sdk: 19, 20 or 21."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code, self.text = code, text


class Mempool:
    def __init__(
        self,
        check: Callable[[bytes], TxAnswer],
        *,
        max_txs: int = 5_000,
        max_tx_bytes: int = 1 << 20,
        max_bytes: int = 1 << 30,
        remembered: int = 10_000,
    ) -> None:
        self._check = check
        self._max_txs, self._max_tx_bytes, self._max_bytes, self._remembered = (
            max_txs,
            max_tx_bytes,
            max_bytes,
            remembered,
        )
        self._waiting: dict[bytes, bytes] = {}
        self._cache: OrderedDict[bytes, None] = OrderedDict()

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def total_bytes(self) -> int:
        return sum(map(len, self._waiting.values()))

    def add(self, tx: bytes) -> TxAnswer:
        """What CheckTx says; with code 0 the tx waits now. MempoolError before CheckTx is asked."""
        if len(self) >= self._max_txs or self.total_bytes + len(tx) > self._max_bytes:
            raise self.full(len(self), self.total_bytes)
        if len(tx) > self._max_tx_bytes:
            raise MempoolError(21, f"Tx too large. Max size is {self._max_tx_bytes}, but got {len(tx)}")
        key = _key(tx)
        if key in self._cache:
            self._cache.move_to_end(key)
            raise MempoolError(19, "tx already exists in cache")
        answer = self._check(tx)
        if answer.code == 0:
            self._waiting[key] = tx
            self._remember(key)
        return answer

    def full(self, txs: int | None = None, total_bytes: int | None = None) -> MempoolError:
        """What is said when it holds so much; by default as much as it can."""
        counts = f"number of txs {self._max_txs if txs is None else txs} (max: {self._max_txs})"
        size = self._max_bytes if total_bytes is None else total_bytes
        return MempoolError(20, f"mempool is full: {counts}, total txs bytes {size} (max: {self._max_bytes})")

    def waits(self, tx: bytes) -> bool:
        return _key(tx) in self._waiting

    def lose(self, tx: bytes) -> None:
        """Forget that it waits, not that it came."""
        self._waiting.pop(_key(tx), None)

    def reap(self, max_bytes: int = 4 << 20) -> list[bytes]:
        """What the next block takes, in order of arrival."""
        taken, size = [], 0
        for tx in self._waiting.values():
            size += len(tx)
            if size > max_bytes:
                break
            taken.append(tx)
        return taken

    def update(self, txs: Sequence[bytes], results: Sequence[TxAnswer]) -> None:
        """A block with these transactions was committed."""
        for tx, result in zip(txs, results, strict=True):
            key = _key(tx)
            self._waiting.pop(key, None)
            if result.code == 0:
                self._remember(key)
            else:
                self._cache.pop(key, None)
        for key, tx in list(self._waiting.items()):
            if self._check(tx).code != 0:
                del self._waiting[key]
                self._cache.pop(key, None)

    def _remember(self, key: bytes) -> None:
        self._cache[key] = None
        self._cache.move_to_end(key)
        if len(self._cache) > self._remembered:
            self._cache.popitem(last=False)


def _key(tx: bytes) -> bytes:
    return hashlib.sha256(tx).digest()
